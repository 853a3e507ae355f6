"""How the app is started: what it is given, what it is spared, and what is said when it cannot be
started at all."""

import os
import subprocess
import sys

import pytest

from harness import BIN, children_of, namespace_command, need_root, until

PYTHON = sys.executable
TABLE = "CREATE TABLE notes (id INTEGER PRIMARY KEY, text TEXT NOT NULL);\n"


def script(folder, name, text, mode=0o755):
    path = folder / name
    path.write_bytes(text)
    path.chmod(mode)
    return str(path)


def test_app_gets_no_descriptor_of_ours(liteinit):
    life = liteinit(PYTHON, "-S", "-c",
                    "import os; print('open', [f for f in os.listdir('/proc/self/fd')"
                    " if os.path.exists('/proc/self/fd/' + f)], flush=True)")
    assert life.wait() == 0
    assert "open ['0', '1', '2']" in life.out


def test_app_keeps_the_descriptors_that_it_was_given(liteinit):
    """Socket activation: what was open before liteinit is the app's."""
    reader, writer = os.pipe()
    os.write(writer, b"handed on")
    os.close(writer)
    try:
        life = liteinit(PYTHON, "-S", "-c", f"import os; print(os.read({reader}, 99), flush=True)",
                        pid1=False, pass_fds=[reader])
        assert life.wait() == 0
        assert "b'handed on'" in life.out
    finally:
        os.close(reader)


def test_app_gets_arguments_and_environment_but_nothing_internal(liteinit):
    life = liteinit("sh", "-c", 'echo "[$1] [$2] [$MINE]"; env', "sh", "a b", "--flag",
                    env={"MINE": "kept"})
    assert life.wait() == 0
    assert "[a b] [--flag] [kept]" in life.out
    assert "LITEINIT_DB=" in life.out
    assert "LITEINIT_INTERNAL" not in life.out


def test_closed_standard_streams(liteinit):
    """No file of ours may get their numbers: the log would be written into it."""
    liteinit.migration("001_notes", TABLE)
    look = "import os, sys; open(sys.argv[1], 'w').write(' '.join(map(os.readlink, " \
           "[f'/proc/self/fd/{n}' for n in range(3)])))"
    seen = liteinit.folder / "seen"
    closed = subprocess.run(["sh", "-c", 'exec "$@" <&- >&- 2>&-', "sh", BIN, "--", PYTHON, "-S",
                             "-c", look, str(seen)], env=liteinit.environment(), timeout=30,
                            check=False)
    assert closed.returncode == 0
    assert seen.read_text(encoding="utf-8") == "/dev/null /dev/null /dev/null"
    assert liteinit.applied() == [1]
    for path in liteinit.data.rglob("*"):
        assert path.is_dir() or b'"event"' not in path.read_bytes(), f"{path} holds the log"


def test_app_leads_a_group_of_its_own(liteinit):
    life = liteinit(PYTHON, "-S", "-c", "import os; print(os.getpid() == os.getpgrp(), flush=True)")
    assert life.wait() == 0
    assert "True" in life.out


def test_pids_and_order_of_the_first_events(liteinit):
    life = liteinit("true")
    assert life.wait() == 0
    first = life.events[0]
    assert first["event"] == "init.start"
    assert first["pid"] == 1
    assert first["component"] == "liteinit"
    assert life.order("init.start", "app.start", "app.exit", "init.exit")
    assert life.wait_event("app.start")["duration_ms"] >= 0


def test_arguments_are_not_logged(liteinit):
    life = liteinit("sh", "-c", "exit 0", "sh", "--password=hunter2",
                    env={"LITEINIT_LOG_LEVEL": "debug"})
    assert life.wait() == 0
    assert "hunter2" not in life.log()


@pytest.mark.parametrize("command, status, words, hint", [
    ("no-such-command", 127, "PATH", "typing error"),
    ("/no/such/command", 127, "not found", "typing error"),
    ("./no-such-command", 127, "not found", "WORKDIR"),
    ("python3 app.py", 127, "PATH", "write each word apart"),
    ("/etc", 126, "folder", "program"),
    ("/etc/passwd", 126, "Permission denied", "chmod +x"),
])
def test_command_that_cannot_be_started(liteinit, command, status, words, hint):
    liteinit.migration("001_notes", TABLE)
    life = liteinit(command)
    assert life.wait() == status
    event = life.wait_event("app.exit")
    assert event["level"] == "error"
    assert event["exit_code"] == status
    assert command in event["msg"]
    assert "failed" in event["msg"]
    assert words in event["msg"]
    assert hint in event["hint"]
    # Found out before anything was prepared for it.
    assert not liteinit.db.exists()
    assert life.order("init.start", "app.exit", "init.exit")


@pytest.mark.parametrize("name, text, status, words, hint", [
    ("windows", b"#!/bin/sh\r\necho hello\r\n", 127, "Windows line ends", "sed -i"),
    ("orphan", b"#!/opt/none/bin/tool\n", 127, "/opt/none/bin/tool is not found", "install"),
    ("headless", b"echo hello\n", 126, "format", "#!/bin/sh"),
    ("empty", b"", 126, "format", "empty"),
    ("foreign", b"\x7fELF\x02\x01\x01" + bytes(11) + (b"\xb7\0" if os.uname().machine != "aarch64"
                                                     else b"\x3e\0") + bytes(44),
     126, "format", "--platform"),
])
def test_script_that_cannot_be_started(liteinit, name, text, status, words, hint):
    """Only running it tells: the migration was applied by then, and stays; the database is closed
    in order."""
    liteinit.migration("001_notes", TABLE)
    path = script(liteinit.folder, name, text)
    life = liteinit(path)
    assert life.wait() == status
    event = life.wait_event("app.exit")
    assert path in event["msg"]
    assert words in event["msg"]
    assert hint in event["hint"]
    assert liteinit.leftovers() == []
    assert liteinit.applied() == [1]
    assert life.order("app.exit", "db.close", "init.exit")
    assert liteinit.record()["exit_code"] == status


def test_own_command_behind_the_dashes(liteinit):
    """docker compose run app status, with an entrypoint that ends in --."""
    life = liteinit("status")
    assert life.wait() == 64
    event = life.wait_event("usage")
    assert "--entrypoint liteinit" in event["hint"]
    assert not liteinit.db.exists()


def test_path_is_searched_as_a_shell_does(liteinit):
    for folder in ("first", "second"):
        (liteinit.folder / folder).mkdir()
    script(liteinit.folder / "first", "tool", b"#!/bin/sh\nexit 1\n", 0o644)
    search = f"{liteinit.folder}/first:{liteinit.folder}/second:{os.environ['PATH']}"
    life = liteinit("tool", env={"PATH": search})
    assert life.wait() == 126
    assert "chmod +x" in life.wait_event("app.exit")["hint"]
    script(liteinit.folder / "second", "tool", b"#!/bin/sh\nexit 42\n")
    assert liteinit("tool", env={"PATH": search}).wait() == 42


def test_folder_of_path_that_may_not_be_searched(liteinit):
    """It holds nothing for us: the command is not found, rather than not permitted."""
    need_root()
    closed = liteinit.folder / "closed"
    closed.mkdir(mode=0o700)
    done = subprocess.run(["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", BIN,
                           "--prepare=never", "--", "no-such-command"], cwd="/",
                          env={"PATH": f"{closed}:{os.environ['PATH']}"}, capture_output=True,
                          timeout=30, check=False)
    assert done.returncode == 127, done.stderr.decode()


def test_works_without_proc(liteinit):
    """No /proc at all: workers are started by the name of the binary, others are found by kill."""
    need_root()
    # An empty /proc: below the namespace's own one is the machine's.
    wrapper = 'mount -t tmpfs none /proc && test ! -e /proc/self && exec "$0" "$@"'
    done = subprocess.run([*namespace_command(), "sh", "-c", wrapper, BIN, "--", "sh", "-c",
                           "sleep 0.2 & exit 3"], env=liteinit.environment(), capture_output=True,
                          timeout=30, check=False)
    assert done.returncode == 3, done.stderr.decode()
    assert b'"db.close"' in done.stderr


def test_two_lives_on_one_database_at_a_time(liteinit):
    """The second waits for the lock and gives up; the first is not disturbed."""
    first = liteinit("sleep", "60")
    first.wait_event("app.start")
    second = liteinit("true", options=["--lock-timeout=300ms"])
    assert second.wait() == 75
    assert not second.named("app.start")
    assert not second.named("last_stop.unclean"), "the first is alive, not badly ended"
    assert liteinit.record()["state"] == "running"
    # One that waits is stopped at once.
    third = liteinit("true", options=["--lock-timeout=60s"])
    until(lambda: children_of(third.pid), "its worker waits")
    status, seconds = third.stop()
    assert status == 143
    assert seconds < 5
    assert first.stop()[0] == 143
    assert liteinit("true").wait() == 0
