"""The documents say what the code does: keys, commands, events and their fields, exit statuses and
steps are compared both ways, links resolve, and every command that is shown exists.

What the code has is read from the binary where it can be asked, else from the sources.
"""

import json
import os
import re
import sqlite3
import subprocess
from pathlib import Path

import pytest

BIN = os.environ["LITEINIT_BIN"]
TOP = Path(__file__).resolve().parents[2]
README = TOP / "README.md"
DOCS = sorted([README, TOP / "CHANGELOG.md", *(TOP / "docs").glob("*.md")])
OPERATIONS = TOP / "docs" / "operations.md"
ARCHITECTURE = TOP / "docs" / "architecture.md"
MIGRATIONS = TOP / "docs" / "migrations.md"
MOVING = TOP / "docs" / "moving.md"

EVENT = r"[a-z_]+(?:\.[a-z_]+)?"
SHOWN_COMMAND = r'(?:^|exec app |entrypoint |")liteinit (?:app )?([a-z][a-z-]*)'


def text_of(path):
    return path.read_text(encoding="utf-8")


def sources():
    return {path: text_of(path) for path in sorted((TOP / "src").rglob("*.c"))}


def section(path, heading):
    """What stands under a heading, up to the next one of its level or above."""
    level = heading.split(" ")[0]
    _, found, rest = text_of(path).partition(f"\n{heading}\n")
    assert found, f"{path.name} has no heading {heading!r}"
    return re.split(rf"\n#{{1,{len(level)}}} ", rest)[0]


def rows(text):
    """The cells of the tables in a text, without the heads and the lines under them."""
    lines = [line for line in text.splitlines() if line.startswith("|")]
    tables = []
    for number, line in enumerate(lines):
        rule = number + 1 < len(lines) and re.fullmatch(r"[| -]+", lines[number + 1])
        if not rule and not re.fullmatch(r"[| -]+", line):
            tables.append([cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]])
    return tables


def spans(text):
    return re.findall(r"`([^`\n]+)`", text)


def fences(text):
    """The blocks of code as (language, content)."""
    return re.findall(r"^```(\w*)\n(.*?)^```", text, re.M | re.S)


def prose(text):
    return re.sub(r"^```.*?^```", "", text, flags=re.M | re.S)


def ask(*args):
    done = subprocess.run([BIN, *args], capture_output=True, text=True, timeout=30, check=True,
                          stdin=subprocess.DEVNULL, env={"PATH": os.environ["PATH"]})
    return done.stdout


def commands():
    block = ask("--help").partition("Commands:\n")[2].partition("\n\n")[0]
    found = [line.split()[0] for line in block.splitlines()]
    assert "run" in found and "status" in found
    return found


def keys():
    found = re.findall(r'\.name = "([a-z_]+)"', text_of(TOP / "src/config/keys.c"))
    assert "db" in found and len(found) > 20
    return found


def test_the_table_of_keys_is_the_codes():
    printed = subprocess.run([os.environ["LITEINIT_PRINT_KEYS"]], capture_output=True, timeout=30,
                             check=True).stdout.decode()
    written = re.search(r"<!-- keys:[^\n]*-->\n(.*?)<!-- end of keys -->", text_of(README), re.S)
    assert written, "README.md has no marks around the table of keys"
    assert written.group(1) == printed
    assert [spans(cells[0])[0] for cells in rows(printed)] == keys()


def test_every_command_is_described_and_no_other():
    described = []
    for cells in rows(section(OPERATIONS, "## Commands")):
        described += [span.split()[1] for span in spans(cells[0])]
    words = [word for word in described if not re.match(r"[-A-Z]", word)]
    assert ["run" if word == "[run]" else word for word in words] == commands()


def test_commands_that_are_shown_exist():
    """In code, after `liteinit` comes a command, a flag, or a word in capitals for one."""
    known = set(commands())
    shown = 0
    for path in DOCS:
        text = text_of(path)
        pieces = spans(prose(text))
        pieces += [content for language, content in fences(text) if language == "sh"]
        for piece in pieces:
            for word in re.findall(SHOWN_COMMAND, piece, re.M):
                shown += 1
                assert word in known or word == "statu", f"{path.name}: liteinit {word}"
    assert shown > 20


def test_flags_and_variables_that_are_shown_exist():
    known = " ".join([ask("--help"), *(ask(name, "--help") for name in commands()), " --help "])
    flags = set(re.findall(r"--[a-z][a-z-]*", known)) | {"--version"}
    variables = {f"LITEINIT_{key.upper()}" for key in keys()}
    tree = "".join(text_of(path) for folder in ("src", "docker", "tests")
                   for path in sorted((TOP / folder).rglob("*"))
                   if path.suffix in (".c", ".h", ".sh", ".cmake") or path.name == "CMakeLists.txt")
    tree += text_of(TOP / "CMakeLists.txt")
    for path in DOCS:
        text = text_of(path)
        for span in spans(prose(text)):
            if span.startswith(("--", "liteinit ")):
                for flag in re.findall(r"(?<![\w-])--[a-z][a-z-]*", span):
                    assert flag in flags, f"{path.name}: {flag}"
        for variable in set(re.findall(r"LITEINIT_[A-Z_]*[A-Z]", text)):
            plain = variable.removesuffix("_FILE")
            assert plain in variables or re.search(rf"\b{variable}\b", tree), \
                f"{path.name}: {variable}"


def emitted():
    """The events of the code: where they are logged, and the failures of the steps."""
    found = {}
    for path, text in sources().items():
        calls = re.findall(rf'\blog_(?:event|error)\([^";]*"({EVENT})"', text)
        calls += re.findall(rf'\bcommand_fail\(\s*"({EVENT})"', text)
        calls += re.findall(rf'\{{"[a-z-]+", step_\w+, "({EVENT})",', text)
        for event in calls:
            found.setdefault(event, path.name)
    assert {"app.start", "usage", "disk.low", "config.failed"} <= found.keys()
    return found


def test_every_event_is_described_and_no_other():
    described = [span for cells in rows(section(OPERATIONS, "## Events"))
                 for span in spans(cells[0])]
    assert len(described) == len(set(described))
    code = emitted()
    assert sorted(code.keys() - set(described)) == [], "emitted and not described"
    assert sorted(set(described) - code.keys()) == [], "described and never emitted"


def test_every_field_of_an_event_is_described_and_no_other():
    text = section(OPERATIONS, "## Events")
    described = {span for cells in rows(text) for span in spans(cells[2])}
    described |= {span for span in spans(text.partition("| event |")[0])
                  if re.fullmatch(r"[a-z_]+", span)}
    described -= {"time", "level", "event", "msg", "component", "liteinit"}
    described -= {"debug", "info", "warn", "error", "json", "logfmt", "pretty", "auto",
                  "log_format"} - {"error"}
    code = set()
    for source in sources().values():
        code |= set(re.findall(r'\bLOG_(?:TEXT|NUMBER|BOOL)\(\s*"([a-z0-9_]+)"', source))
    code.discard("msg")
    assert described == code


def test_the_log_that_is_shown_is_made_of_described_fields(tmp_path):
    """A real life: each field of each event stands in the row of that event."""
    fields = {}
    for cells in rows(section(OPERATIONS, "## Events")):
        fields[spans(cells[0])[0]] = set(spans(cells[2]))
    base = {"time", "level", "event", "msg", "component"}
    error = {"error", "exit_code", "hint", "file", "line", "column", "statement"}
    folder = tmp_path / "migrations"
    folder.mkdir()
    seen = set()
    for number, sql in enumerate(["CREATE TABLE a (x);", "BEGIN; CREATE TABLE b (x); COMMIT;",
                                  "CREATE TABEL c (x);"], 1):
        (folder / f"{number:03}_x.sql").write_text(sql)
        done = subprocess.run([BIN, "--log-level", "debug", "--log-format", "json",
                               "--db", tmp_path / "app.db", "--migrations", folder,
                               "--", "sh", "-c", "exit 3"],
                              capture_output=True, timeout=60, stdin=subprocess.DEVNULL,
                              env={"PATH": os.environ["PATH"]}, check=False)
        assert done.returncode == (65 if number == 3 else 3)
        for line in done.stderr.decode().splitlines():
            event = json.loads(line)
            name = event["event"]
            seen.add(name)
            allowed = base | fields[name]
            if event["level"] in ("warn", "error"):
                allowed |= error
            assert event.keys() - allowed == set(), name
    assert {"backup.done", "migrate.notice", "migrate.failed", "app.exit", "init.exit"} <= seen


def test_every_exit_status_is_described():
    header = text_of(TOP / "src/base/error.h")
    code = {int(number) for number in re.findall(r"X\(ERROR_\w+, (\d+), ", header)} - {0}
    assert {64, 65, 78} <= code
    described = {int(cells[0]) for cells in rows(section(OPERATIONS, "## Exit statuses"))}
    assert described == code | {126, 127}


def test_every_step_of_the_preparation_is_described_in_order():
    code = re.findall(r'\{"([a-z-]+)", step_\w+, "', text_of(TOP / "src/prepare/prepare.c"))
    assert "lock" in code
    described = [spans(cells[0])[0] for cells in
                 rows(section(ARCHITECTURE, "### prepare: the work before the app"))]
    assert described == code


def test_every_source_file_is_on_the_map():
    text = text_of(ARCHITECTURE)
    for folder in ("base", "config", "layout", "proc", "store", "foreign", "migrate", "backup",
                   "supervise", "validate", "cli"):
        heading = next(line for line in text.splitlines() if line.startswith(f"### {folder}:"))
        named = set(spans(section(ARCHITECTURE, heading)))
        named |= {name.removesuffix(".h") for name in named}
        for path in sorted((TOP / "src" / folder).glob("*.[ch]")):
            assert path.stem in named, f"{folder}/{path.name} is not in docs/architecture.md"


def first_spans(path, heading):
    """What stands in code in the first column of the tables under a heading."""
    return [span for cells in rows(section(path, heading)) for span in spans(cells[0])]


def test_every_directive_is_described_and_no_other():
    text = text_of(TOP / "src/layout/directives.c")
    code = re.findall(r'"([a-z=-]+)"', re.search(r"known\[\] = \{(.*?)\};", text, re.S).group(1))
    assert "no-transaction" in code
    assert sorted(first_spans(MIGRATIONS, "## Directives")) == sorted(code)


def test_every_pragma_with_a_rule_is_described():
    code = set(re.findall(r'\{"([a-z_]+)", MIGRATE_', text_of(TOP / "src/migrate/pragmas.c")))
    assert "journal_mode" in code
    described = set()
    for span in first_spans(MIGRATIONS, "## One transaction each"):
        described |= set(re.findall(r"[a-z_]+", span))
    assert sorted(code - described) == []


def test_every_layout_is_described_and_no_other():
    code = re.findall(r'X\(\w+, "([a-z-]+)"\)', text_of(TOP / "src/layout/tool.h"))
    assert "goose" in code
    described = first_spans(MOVING, "## Folders of other tools")
    assert sorted(described) == sorted(name for name in code if name != "detect")


def test_every_tool_that_can_be_adopted_is_described_and_no_other():
    code = re.findall(r'^        \.name = "([a-z_-]+)"', text_of(TOP / "src/foreign/tools.c"), re.M)
    assert "goose" in code
    assert sorted(first_spans(MOVING, "## liteinit adopt")) == sorted(code)


def test_the_columns_of_the_history_are_described(tmp_path):
    folder = tmp_path / "migrations"
    folder.mkdir()
    (folder / "001_a.sql").write_text("CREATE TABLE a (x);")
    subprocess.run([BIN, "prepare", "--db", tmp_path / "app.db", "--migrations", folder],
                   timeout=60, stdin=subprocess.DEVNULL, check=True,
                   env={"PATH": os.environ["PATH"]})
    columns = []
    with sqlite3.connect(tmp_path / "app.db") as db:
        for table in ("schema_migrations", "migration_history"):
            columns += [row[1] for row in db.execute(f"PRAGMA table_info({table})")]
    assert first_spans(MIGRATIONS, "## In the database") == columns


def test_the_migrations_that_are_shown_run(tmp_path):
    folder = tmp_path / "migrations"
    folder.mkdir()
    made = dict(fences(section(MOVING, "## Tables made by hand")))["sql"]
    (folder / "001_as_it_was.sql").write_text(made)
    long = dict(fences(section(MIGRATIONS, "## Data, and long ones")))["sql"]
    (folder / "002_gross.sql").write_text(long)
    subprocess.run([BIN, "prepare", "--db", tmp_path / "app.db", "--migrations", folder],
                   timeout=60, stdin=subprocess.DEVNULL, check=True,
                   env={"PATH": os.environ["PATH"]})
    with sqlite3.connect(tmp_path / "app.db") as db:
        assert db.execute("SELECT gross FROM articles").fetchall() == []


def anchors(path):
    found = set()
    for line in prose(text_of(path)).splitlines():
        if re.match(r"#+ ", line):
            words = re.sub(r"[^\w\- ]", "", line.lstrip("#").strip().lower())
            found.add(words.replace(" ", "-"))
    return found


@pytest.mark.parametrize("path", DOCS, ids=lambda path: str(path.relative_to(TOP)))
def test_links_resolve(path):
    for target in re.findall(r"\]\(([^)]+)\)", prose(text_of(path))):
        if re.match(r"https?://", target):
            continue
        name, _, anchor = target.partition("#")
        found = (path.parent / name).resolve() if name else path
        assert found.exists(), f"{path.name}: {target}"
        if anchor:
            assert anchor in anchors(found), f"{path.name}: {target}"


@pytest.mark.parametrize("path", DOCS, ids=lambda path: str(path.relative_to(TOP)))
def test_hosts_and_paths_are_those_of_any_reader(path):
    """No address but of standards and of SQLite, no path but those that every container has."""
    text = text_of(path)
    for host in re.findall(r"\b((?:[a-z0-9-]+\.)+[a-z]{2,})(?=[/:][a-z])", text):
        if re.fullmatch(r".*\.(md|c|h|sh|sql|txt|json|yml|db|py)", host):
            continue
        assert host.removeprefix("www.") in ("sqlite.org", "semver.org"), host
    roots = "data|app|etc|sbin|usr|proc|dev"
    for found in re.findall(r"(?<![\w.~<>*/-])/([a-z][\w.-]*)", prose(text)):
        assert re.fullmatch(roots, found), f"{path.name}: /{found}"


def test_what_is_to_be_pasted_is_ten_lines_and_whole():
    blocks = dict(fences(text_of(README)))
    dockerfile = blocks["dockerfile"].splitlines()
    compose = blocks["yaml"].splitlines()
    assert len(dockerfile) <= 10 and len(compose) <= 10
    assert 'ENTRYPOINT ["liteinit", "--"]' in dockerfile
    assert any(line.startswith("CMD [") for line in dockerfile)
    assert any("stop_grace_period:" in line for line in compose)


def test_the_json_file_that_is_shown_is_accepted(tmp_path):
    values = json.loads(dict(fences(text_of(README)))["json"])
    values["db"] = str(tmp_path / "app.db")
    file = tmp_path / "liteinit.json"
    file.write_text(json.dumps(values))
    done = subprocess.run([BIN, "--config", file, "--", "sh", "-c", "exit 143"],
                          capture_output=True, timeout=60, stdin=subprocess.DEVNULL, check=False,
                          env={"PATH": os.environ["PATH"]})
    assert done.returncode == 0, done.stderr.decode()


def test_the_table_rebuild_that_is_shown_keeps_what_points_at_the_table(tmp_path):
    text = section(TOP / "docs/migrations.md", "## Foreign keys, and rebuilding a table")
    rebuild = dict(fences(text))["sql"]
    folder = tmp_path / "migrations"
    folder.mkdir()
    (folder / "001_before.sql").write_text("""
        CREATE TABLE articles (id INTEGER PRIMARY KEY, name TEXT NOT NULL, price INTEGER);
        CREATE TABLE orders (article INTEGER REFERENCES articles (id) ON DELETE CASCADE);
        CREATE VIEW expensive AS SELECT * FROM articles WHERE price > 1000;
        INSERT INTO articles VALUES (1, 'lamp', 2000), (2, 'cup', NULL);
        INSERT INTO orders VALUES (1), (1), (2);""")
    (folder / "004_price_is_required.sql").write_text(rebuild)
    subprocess.run([BIN, "prepare", "--db", tmp_path / "app.db", "--migrations", folder],
                   timeout=60, stdin=subprocess.DEVNULL, check=True,
                   env={"PATH": os.environ["PATH"]})
    with sqlite3.connect(tmp_path / "app.db") as db:
        assert db.execute("SELECT count(*) FROM orders").fetchone() == (3,)
        assert db.execute("SELECT price FROM articles ORDER BY id").fetchall() == [(2000,), (0,)]
        assert db.execute("SELECT name FROM expensive").fetchall() == [("lamp",)]
        assert db.execute("PRAGMA foreign_key_check").fetchall() == []
