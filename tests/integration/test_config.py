"""The configuration from outside: what wins, what is refused with which status, what is said.

Which value counts is seen by what liteinit does with it: expect_exit turns an app's status into 0,
and `prepare` makes the database where it was told to.
"""
import json
import os
import shutil
import subprocess
import tempfile

import pytest

BIN = os.environ["LITEINIT_BIN"]
USAGE = 64
CONFIG = 78


class Result:
    """How a run ended; `said` is stderr with its events in plain words, hints included."""

    def __init__(self, process):
        self.status = process.returncode
        self.out = process.stdout.decode("utf-8", "replace")
        self.err = process.stderr.decode("utf-8", "replace")
        self.events = []
        words = []
        for line in self.err.splitlines():
            try:
                event = json.loads(line)
            except ValueError:
                event = None
            if isinstance(event, dict):
                self.events.append(event)
                words += [str(event.get(key, "")) for key in ("msg", "hint")]
            else:
                words.append(line)
        self.said = "\n".join(words)

    def named(self, event):
        return [e for e in self.events if e.get("event") == event]


@pytest.fixture
def box(tmp_path):
    """A folder of its own with one migration, and run() in it with a nearly empty environment."""

    class Box:
        path = tmp_path

        @staticmethod
        def run(*args, env=None, **kwargs):
            clean = {"PATH": os.environ["PATH"]}
            clean.update(env or {})
            return Result(subprocess.run([BIN, *args], cwd=tmp_path, env=clean, timeout=60,
                                         stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                         stderr=subprocess.PIPE, **kwargs))

        @staticmethod
        def write(name, content):
            data = content if isinstance(content, bytes) else content.encode()
            (tmp_path / name).write_bytes(data)
            return str(tmp_path / name)

        def exits(self, status, *flags, env=None):
            """liteinit's status when the app exits with `status`."""
            return self.run(*flags, "--prepare=never", "--", "sh", "-c", f"exit {status}",
                            env={"LITEINIT_DB": "app.db", **(env or {})})

    (tmp_path / "migrations").mkdir()
    (tmp_path / "migrations" / "001_notes.sql").write_text("CREATE TABLE notes (id INTEGER);\n")
    return Box()


def refused(result, status, *parts):
    assert result.status == status, result.err
    for part in parts:
        assert part in result.said, result.err


# Flags

def test_unknown_flag_names_the_nearest(box):
    refused(box.run("--mirgations", "x", "--", "true"), USAGE, "--mirgations", "--migrations")


def test_unknown_flag_of_a_command(box):
    refused(box.run("prepare", "--stop-tiemout=8s"), USAGE, "--stop-tiemout", "--stop-timeout")


def test_key_with_underscore_is_no_flag(box):
    refused(box.run("--backup_dir=x", "--", "true"), USAGE, "--backup_dir", "--backup-dir")


def test_key_of_a_later_version_is_not_passed_over(box):
    result = box.run("--restart=always", "--", "true")
    refused(result, USAGE, "--restart", "version")


@pytest.mark.parametrize("flag, shown", [
    ("--stop-timeout=8", "--stop-timeout=8s"),
    ("--keep=ten", "--keep=10"),
    ("--log-level=wran", "--log-level=warn"),
    ("--stop-signal=KILL", "SIGKILL"),
    ("--rewrite=15", "--rewrite=15:3,2:0"),
    ("--expect-exit=256", "--expect-exit=143,130"),
    ("--backup-name={stemm}", "{stem}"),
    ("--min-free=lots", "--min-free=512MiB"),
    ("--db=", "--db=/data/app.db"),
])
def test_bad_value_of_a_flag(box, flag, shown):
    result = box.run(flag, "--", "true")
    refused(result, USAGE, flag.split("=")[0], shown)


def test_flag_without_its_value(box):
    refused(box.run("--db"), USAGE, "--db needs a value")
    refused(box.run("--db", "--keep=3", "--", "true"), USAGE, "--db needs a value")


def test_no_command(box):
    refused(box.run(), USAGE)
    refused(box.run("--db=app.db"), USAGE)
    assert not (box.path / "app.db").exists()


def test_flags_of_the_app_are_left_alone(box):
    result = box.run("--prepare=never", "--db=app.db", "--", "sh", "-c", 'echo "$@"', "app",
                     "--keep=x", "--", "--mirgations")
    assert result.status == 0, result.err
    assert result.out == "--keep=x -- --mirgations\n"
    result = box.run("--prepare=never", "--db=app.db", "echo", "--keep=x")
    assert (result.status, result.out) == (0, "--keep=x\n"), result.err


def test_a_later_flag_wins(box):
    assert box.exits(3, "--expect-exit=3", "--expect-exit=4").status == 3
    assert box.exits(4, "--expect-exit=3", "--expect-exit=4").status == 0


# What wins

def test_flag_beats_environment_beats_file(box):
    path = box.write("c.json", '{"expect_exit": [3]}')
    env = {"LITEINIT_CONFIG": path}
    assert box.exits(3).status == 3
    assert box.exits(3, env=env).status == 0
    env["LITEINIT_EXPECT_EXIT"] = "4"
    assert box.exits(3, env=env).status == 3
    assert box.exits(4, env=env).status == 0
    assert box.exits(4, "--expect-exit=5", env=env).status == 4
    assert box.exits(5, "--expect-exit=5", env=env).status == 0


def test_config_flag_beats_its_variable(box):
    env = {"LITEINIT_CONFIG": box.write("a.json", '{"expect_exit": 3}')}
    other = box.write("b.json", '{"expect_exit": "4"}')
    assert box.exits(4, "--config", other, env=env).status == 0
    assert box.exits(3, "--config", other, env=env).status == 3


def test_empty_variable_is_not_set(box):
    env = {"LITEINIT_CONFIG": box.write("c.json", '{"expect_exit": 3}'),
           "LITEINIT_EXPECT_EXIT": "", "LITEINIT_STOP_TIMEOUT": "", "LITEINIT_WHAT": ""}
    result = box.exits(3, env=env)
    assert result.status == 0, result.err
    assert result.named("config.warning") == []


@pytest.mark.parametrize("env, path", [
    ({"LITEINIT_DB": "a.db", "DATABASE_PATH": "b.db"}, "a.db"),
    ({"DATABASE_PATH": "b.db", "DATABASE_URL": "file:c.db"}, "b.db"),
    ({"DATABASE_URL": "file:./c.db?connection_limit=1"}, "c.db"),
    ({"DATABASE_URL": "sqlite:my%20notes.db"}, "my notes.db"),
    ({"DATABASE_URL": "sqlite://{}/d.db"}, "d.db"),
    ({"DATABASE_URL": "file://{}/d.db"}, "d.db"),
    ({"LITEINIT_DB_FILE": "secret"}, "from_secret.db"),
])
def test_where_the_database_is(box, env, path):
    box.write("secret", "from_secret.db\r\n")
    # Two of the addresses are absolute. The folder is there, so nobody can doubt which is meant.
    env = {key: value.replace("{}", str(box.path)) for key, value in env.items()}
    if "sqlite:///" in env.get("DATABASE_URL", ""):
        box.write(path, "")
    result = box.run("prepare", "--migrations=migrations", env=env)
    assert result.status == 0, result.err
    made = [p.name for p in box.path.iterdir() if p.suffix == ".db"]
    assert made == [path], result.err
    assert (box.path / path).stat().st_size > 0


def test_other_database_is_passed_over_in_silence_about_its_password(box):
    result = box.run("prepare", "--migrations=migrations",
                     env={"DATABASE_URL": "postgres://u:geheim@h/d"})
    assert result.status in (USAGE, CONFIG), result.err
    assert "DATABASE_URL is not an address of an SQLite file" in result.said
    assert "geheim" not in result.err
    refused(box.run("prepare", env={"LITEINIT_DB": "postgres://u:geheim@h/d"}), CONFIG,
            "LITEINIT_DB", "SQLite")


def test_address_that_surely_means_another_file(box):
    box.write("notes-of-the-app.db", "")
    result = box.run("prepare", "--migrations=migrations",
                     env={"DATABASE_URL": "sqlite:///notes-of-the-app.db"})
    refused(result, CONFIG, "DATABASE_URL", "LITEINIT_DB=")
    assert not os.path.exists("/notes-of-the-app.db")


# Environment

def test_bad_value_of_a_variable(box):
    refused(box.exits(0, env={"LITEINIT_STOP_TIMEOUT": "8"}), CONFIG,
            "LITEINIT_STOP_TIMEOUT", "LITEINIT_STOP_TIMEOUT=8s")


def test_bad_value_is_refused_also_where_a_flag_beats_it(box):
    refused(box.exits(0, "--keep=3", env={"LITEINIT_KEEP": "three"}), CONFIG, "LITEINIT_KEEP")


def test_windows_line_ending(box):
    refused(box.exits(0, env={"LITEINIT_LOG_LEVEL": "info\r"}), CONFIG, "Windows line endings")


def test_unknown_variable_is_only_a_warning(box):
    result = box.exits(0, env={"LITEINIT_RESTART": "geheim", "LITEINIT_MIRGATIONS": "x",
                               "LITEINIT_LOG_FORMAT": "json"})
    assert result.status == 0, result.err
    warnings = " ".join(w["msg"] + w.get("hint", "") for w in result.named("config.warning"))
    assert "LITEINIT_RESTART" in warnings
    assert "LITEINIT_MIGRATIONS" in warnings
    assert "geheim" not in result.err
    assert {w["level"] for w in result.named("config.warning")} == {"warn"}


def test_known_variables_are_no_reason_to_warn(box):
    result = box.exits(0, env={"LITEINIT_KEEP": "3", "LITEINIT_INTERNAL_X": "1",
                               "LITEINIT_LOG_FORMAT": "json"})
    assert result.status == 0, result.err
    assert result.named("config.warning") == []


def test_both_forms_of_a_variable(box):
    env = {"LITEINIT_KEEP": "3", "LITEINIT_KEEP_FILE": box.write("keep", "3\n")}
    refused(box.exits(0, env=env), CONFIG, "LITEINIT_KEEP", "LITEINIT_KEEP_FILE")


def test_value_in_a_file(box):
    assert box.exits(3, env={"LITEINIT_EXPECT_EXIT_FILE": box.write("v", "3\n")}).status == 0


def test_value_file_that_is_not_there(box):
    refused(box.exits(0, env={"LITEINIT_KEEP_FILE": "/no/such/secret"}), CONFIG,
            "LITEINIT_KEEP_FILE", "/no/such/secret", "No such file")


def test_value_file_that_may_not_be_read():
    """Root may read anything, so as root somebody else tries, with a copy within their reach."""
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        os.chmod(folder, 0o755)
        program = shutil.copy(BIN, f"{folder}/liteinit")
        os.chmod(program, 0o755)
        secret = f"{folder}/secret"
        with open(secret, "w", encoding="utf-8") as file:
            file.write("3")
        os.chmod(secret, 0)
        other = {"user": 65534, "group": 65534, "extra_groups": []} if os.geteuid() == 0 else {}
        process = subprocess.run(
            [program, "--prepare=never", "--", "true"], cwd="/", timeout=60, check=False,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            env={"PATH": os.environ["PATH"], "LITEINIT_KEEP_FILE": secret}, **other)
    refused(Result(process), CONFIG, "LITEINIT_KEEP_FILE", secret, "Permission denied")


def test_content_of_a_value_file_is_never_shown(box):
    result = box.exits(0, env={"LITEINIT_KEEP_FILE": box.write("v", "geheim\n")})
    refused(result, CONFIG, "LITEINIT_KEEP_FILE", "whole number")
    assert "geheim" not in result.err


def test_value_file_of_ten_megabytes(box):
    refused(box.exits(0, env={"LITEINIT_KEEP_FILE": box.write("v", "1" * 10_000_000)}), CONFIG,
            "larger than")


def test_value_file_that_is_a_pipe_does_not_hang(box):
    os.mkfifo(box.path / "fifo")
    refused(box.exits(0, env={"LITEINIT_KEEP_FILE": "fifo"}), CONFIG, "not a regular file")


# File

@pytest.mark.parametrize("content, parts", [
    ('{\n "db": "x"\n "keep": 3\n}', ["line 3", "not valid JSON"]),
    ('{"db": "x"', ["line 1", "not valid JSON"]),
    ('', ["is empty"]),
    ('[]', ["object"]),
    ('{"mirgations": "x"}', ['"mirgations"', '"migrations"']),
    ('{"restart": "always"}', ['"restart"', "version"]),
    ('{"config": "x"}', ['"config"', "--config"]),
    ('{"stop_timeout": 8}', ['"stop_timeout"', '"stop_timeout": "8s"']),
    ('{"stop_timeout": "8"}', ['"stop_timeout"', '"stop_timeout": "8s"']),
    ('{"keep": "3"}', ['"keep"', '"keep": 10']),
    ('{"keep": 1.5}', ['"keep"', "whole number"]),
    ('{"keep": 3, "keep": 4}', ['"keep"', "twice"]),
    ('{"db": "a\\u0000b"}', ["line 1", "NUL"]),
    (b'{\n"db": "a\x00b"}', ["line 2", "NUL"]),
    (b'{\n\n"db": "a\xffb"}', ["line 3", "UTF-8"]),
    ('{"db": "' + "a" * 9000 + '"}', ['"db"', "longer than"]),
    (" " * 10_000_000, ["larger than"]),
    ("[" * 100_000, ["not valid JSON"]),
])
def test_bad_file(box, content, parts):
    path = box.write("liteinit.json", content)
    refused(box.exits(0, f"--config={path}"), CONFIG, path, *parts)


def test_named_file_that_is_not_there(box):
    refused(box.exits(0, "--config=/no/such/file.json"), CONFIG, "--config",
            "/no/such/file.json", "No such file")
    refused(box.exits(0, env={"LITEINIT_CONFIG": "/no/such/file.json"}), CONFIG,
            "LITEINIT_CONFIG", "/no/such/file.json")
    refused(box.exits(0, f"--config={box.path}"), CONFIG, str(box.path), "not a regular file")


def test_misunderstood_variable_of_the_file(box):
    env = {"LITEINIT_CONFIG_FILE": box.write("c.json", '{"keep": 3}')}
    refused(box.exits(0, env=env), CONFIG, "LITEINIT_CONFIG_FILE", "LITEINIT_CONFIG")


def test_file_in_etc_is_read_where_it_exists(box):
    """In a mount namespace of its own, whose /etc holds that file and nothing else."""
    probe = subprocess.run(["unshare", "--mount", "true"], stderr=subprocess.DEVNULL, check=False)
    if probe.returncode != 0:
        pytest.skip("needs-root: a mount namespace of its own")
    script = ('mount -t tmpfs none /etc && printf \'{"expect_exit": 3}\' > /etc/liteinit.json && '
              'exec "$0" --prepare=never --db="$1/app.db" -- sh -c "exit 3"')
    process = subprocess.run(["unshare", "--mount", "sh", "-c", script, BIN, str(box.path)],
                             timeout=60, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                             stderr=subprocess.PIPE, env={"PATH": os.environ["PATH"]}, check=False)
    assert process.returncode == 0, process.stderr
    # With the file broken nothing starts: it is this file that was read.
    script = script.replace("printf '{", "printf '{{")
    process = subprocess.run(["unshare", "--mount", "sh", "-c", script, BIN, str(box.path)],
                             timeout=60, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                             stderr=subprocess.PIPE, env={"PATH": os.environ["PATH"]}, check=False)
    refused(Result(process), CONFIG, "/etc/liteinit.json", "line 1")


# Help

def test_help_lists_the_keys(box):
    result = box.run("--help")
    assert result.status == 0, result.err
    for flag in ("--db", "--migrations", "--stop-timeout", "--config", "LITEINIT_"):
        assert flag in result.out
