"""migrate_command: the app's own migrator, inside liteinit's lock, backup, checks and history. The
migrators are Python scripts with the sqlite3 of the system, as real ones are."""

import json
import os
import sys

import pytest

from dbkit import backups, make, manifests, must, state_of, tool
from harness import SIGTERM, children_of, is_alive, until

HEAD = """import os, sqlite3, sys, time
db = sqlite3.connect(os.environ["LITEINIT_DB"], isolation_level=None)
"""
# Applies what is missing, as migrators do.
GOOD = HEAD + """
db.execute("CREATE TABLE IF NOT EXISTS versions (v)")
if not db.execute("SELECT 1 FROM versions WHERE v = 1").fetchone():
    db.executescript("BEGIN; CREATE TABLE made (x); INSERT INTO versions VALUES (1); COMMIT;")
print("migrated", flush=True)
"""


def script(box, text, name="migrator.py"):
    path = box.folder / name
    path.write_text(text, encoding="utf-8")
    return f"'{sys.executable}' '{path}'"


def prepare(box, text, *words, **more):
    return tool(box, "prepare", "--migrate-command", script(box, text), *words, **more)


def commands(box):
    return box.rows("SELECT version, direction, status FROM migration_history"
                    " WHERE direction = 'command' ORDER BY id")


@pytest.fixture(name="box")
def with_an_app(liteinit):
    make(liteinit.db, "CREATE TABLE item (id INTEGER PRIMARY KEY); INSERT INTO item VALUES (1), (2);"
                      "CREATE TABLE child (p REFERENCES item (id));", "wal")
    return liteinit


def test_success(box):
    box.migration("001_never", "CREATE TABLE never (x);")
    answer = must(prepare(box, GOOD, "--check", "quick"))
    assert "migrated" in answer.out
    assert box.rows("SELECT name FROM sqlite_master WHERE name IN ('made', 'never')") == [("made",)]
    assert commands(box) == [(0, "command", "success")]
    assert [m["reason"] for m in manifests(box.data / "backups")] == ["migration"]
    names = answer.names
    assert names.index("backup.done") < names.index("migrate.command")
    assert "check.ok" in names[names.index("migrate.command"):]
    assert box.rows("SELECT backup_path FROM migration_history") == [(str(backups(box)[0]),)]
    assert box.leftovers() == []
    status = must(tool(box, "status", "--json", "--migrate-command", "x")).document()
    assert status["pending"] == []
    assert status["recent"][0]["direction"] == "command"


def test_nothing_to_do(box):
    must(prepare(box, GOOD))
    must(prepare(box, GOOD))
    assert commands(box) == [(0, "command", "success")]


@pytest.mark.parametrize("text, words", [
    ("import sys; print('its own words', file=sys.stderr); sys.exit(3)", "ended with status 3"),
    ("import os; os.kill(os.getpid(), 9)", "was ended by SIGKILL")])
def test_it_fails(box, text, words):
    for _ in range(4):
        answer = prepare(box, text)
        assert answer.status == 65
        event = answer.only("migrate.failed")
        assert words in event["error"] and "the app is not started" in event["hint"]
        assert ("its own words\n" in answer.err) == ("its own" in text)
    assert commands(box) == [(0, "command", "failed")] * 4
    # One backup for the whole restart loop.
    assert len(backups(box)) == 1
    assert box.rows("SELECT id FROM item") == [(1,), (2,)]
    life = box("echo", "never", pid1=False, env={"LITEINIT_MIGRATE_COMMAND": script(box, text)})
    assert life.wait() == 65
    assert "never" not in life.out


def test_a_restart_loop_that_writes_keeps_the_backup_from_before(box):
    text = HEAD + "db.execute('DELETE FROM item WHERE id = (SELECT max(id) FROM item)'); sys.exit(1)"
    for _ in range(3):
        assert prepare(box, text).status == 65
    backup, = backups(box)
    assert box.rows("SELECT id FROM item", path=backup) == [(1,), (2,)]
    answer = prepare(box, text, "--on-failure", "restore")
    assert answer.status == 65 and answer.only("restore.done")
    assert box.rows("SELECT id FROM item") == [(1,), (2,)]


@pytest.mark.parametrize("command, status", [
    ("liteinit-no-such-program", 66), ("/nowhere/at/all", 66), ("/etc/passwd", 77)])
def test_what_cannot_be_run(box, command, status):
    answer = tool(box, "prepare", "--migrate-command", command)
    assert answer.status == status, answer.err
    assert command in answer.only("migrate.failed")["error"]
    assert box.rows("SELECT id FROM item") == [(1,), (2,)]
    assert tool(box, "prepare", "--migrate-command", command).status == status
    assert len(backups(box)) == 1


@pytest.mark.parametrize("command", ["a && b", "cd /app; migrate", "migrate > log", "migrate $URL",
                                     'migrate "$URL"', "`which migrate`", "FOO=bar migrate"])
def test_what_needs_a_shell(box, command):
    before = state_of(box.data)
    answer = tool(box, "prepare", "--migrate-command", command)
    assert answer.status == 78, answer.err
    event = answer.only("prepare.failed")
    assert "without a shell" in event["error"]
    assert "sh -c" in event["hint"]
    assert state_of(box.data) == before


@pytest.mark.parametrize("command", ["'open", "a \"b", "", "  ", "''"])
def test_what_is_no_command(box, command):
    before = state_of(box.data)
    if command != "":
        assert tool(box, "prepare", "--migrate-command", command).status == 78
    assert state_of(box.data) == before


def test_quotes(box):
    path = box.folder / "echo.py"
    path.write_text("import json, sys; print(json.dumps(sys.argv[1:]))", encoding="utf-8")
    answer = must(tool(box, "prepare", "--migrate-command",
                       f"'{sys.executable}'  '{path}' 'a b' \"c 'd'\" e\\ f '' '$HOME' x'y'z \"\\\"\""))
    assert json.loads(answer.out) == ["a b", "c 'd'", "e f", "", "$HOME", "xyz", '"']


def test_a_shell_on_request(box):
    must(tool(box, "prepare", "--migrate-command", 'sh -c \'test -n "$LITEINIT_DB" && exit 0\''))


def test_a_new_database(liteinit):
    answer = must(prepare(liteinit, GOOD))
    assert commands(liteinit) == [(0, "command", "success")]
    assert backups(liteinit) == []
    assert "check.ok" in answer.names
    assert liteinit.value("PRAGMA journal_mode") == "wal"


def test_no_database_is_made(liteinit):
    must(prepare(liteinit, "print('nothing')"))
    assert not liteinit.db.exists()


def test_it_leaves_the_environment_clean(box):
    text = "import os; print([n for n in os.environ if n.startswith('LITEINIT_INTERNAL')])"
    life = box("true", pid1=False, env={"LITEINIT_MIGRATE_COMMAND": script(box, text)})
    assert life.wait() == 0, life.log()
    assert life.out.strip() == "[]"


def test_no_descriptor_of_ours_is_handed_on(box):
    text = ("import os\nfor fd in os.listdir('/proc/self/fd'):\n"
            "  try: print(os.readlink('/proc/self/fd/' + fd))\n  except OSError: pass")
    answer = must(prepare(box, text))
    assert "app.db" not in answer.out


SLEEPER = HEAD + """
db.execute("BEGIN IMMEDIATE"); db.execute("CREATE TABLE half (x)")
open(os.environ["LITEINIT_DB"] + ".pid", "w").write(str(os.getpid()))
os.rename(os.environ["LITEINIT_DB"] + ".pid", os.environ["LITEINIT_DB"] + ".its-pid")
%s
time.sleep(1000)
"""


def its_pid(box):
    path = box.data / "app.db.its-pid"
    until(path.exists, "the migrator runs")
    return path


@pytest.mark.parametrize("stubborn", [False, True])
@pytest.mark.parametrize("pid1", [False, True])
def test_a_stop_while_it_runs(box, stubborn, pid1):
    more = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN)" if stubborn else ""
    life = box("echo", "never", pid1=pid1, env={
        "LITEINIT_MIGRATE_COMMAND": script(box, SLEEPER % more), "LITEINIT_STOP_TIMEOUT": "1s"})
    its_pid(box)
    worker = life.worker_pid("prepare")
    migrator, = children_of(worker)
    status, seconds = life.stop(SIGTERM)
    assert status == 143 or (stubborn and status in (137, 143)), life.log()
    assert seconds < 10
    until(lambda: not is_alive(migrator), "the migrator is gone")
    assert "never" not in life.out
    assert box.rows("SELECT name FROM sqlite_master WHERE name = 'half'") == []
    must(prepare(box, GOOD))


@pytest.mark.parametrize("stubborn", [False, True])
@pytest.mark.parametrize("pid1", [False, True])
def test_a_stop_reaches_all_of_its_group(box, stubborn, pid1):
    path = box.folder / "child.py"
    path.write_text(SLEEPER % ("import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN)"
                               if stubborn else ""), encoding="utf-8")
    life = box("echo", "never", pid1=pid1, env={
        "LITEINIT_MIGRATE_COMMAND": f"sh -c \"'{sys.executable}' '{path}'; exit 1\"",
        "LITEINIT_STOP_TIMEOUT": "2s"})
    its_pid(box)
    shell, = children_of(life.worker_pid("prepare"))
    pid, = children_of(shell)
    status, seconds = life.stop(SIGTERM)
    assert status == 143 or (stubborn and status == 137), life.log()
    assert seconds < 10
    until(lambda: not is_alive(pid), "the migrator's child is gone")
    assert box.rows("SELECT name FROM sqlite_master WHERE name = 'half'") == []


def test_the_lock_is_held_meanwhile(box):
    life = box("echo", "never", pid1=False,
               env={"LITEINIT_MIGRATE_COMMAND": script(box, SLEEPER % "")})
    its_pid(box)
    answer = tool(box, "prepare", "--lock-timeout", "0")
    assert answer.status == 75
    document = must(tool(box, "status", "--json")).document()
    assert document["progress"]["phase"] == "migrate_command"
    assert "migrate_command" in must(tool(box, "health")).out
    life.stop(SIGTERM)


DAMAGE = HEAD + """
db.execute("CREATE TABLE big (x)")
db.executemany("INSERT INTO big VALUES (?)", [("x" * 900,)] * 300)
db.execute("PRAGMA wal_checkpoint(TRUNCATE)"); db.close()
with open(os.environ["LITEINIT_DB"], "r+b") as file:
    for page in range(6, 40):
        file.seek(page * 4096); file.write(b"\\xff" * 64)
"""


@pytest.mark.parametrize("restore", [False, True])
def test_damage_is_found(box, restore):
    answer = prepare(box, DAMAGE, "--on-failure", "restore" if restore else "exit")
    assert answer.status == 65, answer.err
    assert str(backups(box)[0]) in answer.err
    if restore:
        assert answer.only("restore.done")
        assert box.integrity() == "ok"
        assert box.rows("SELECT id FROM item") == [(1,), (2,)]
        assert commands(box)[-1] == (0, "command", "failed")
    else:
        assert tool(box, "check").status == 65


@pytest.mark.parametrize("restore", [False, True])
def test_new_violations_of_foreign_keys(box, restore):
    text = HEAD + "db.execute('CREATE TABLE more (x)'); db.execute('INSERT INTO child VALUES (77)')"
    answer = prepare(box, text, "--on-failure", "restore" if restore else "exit")
    assert answer.status == 65
    assert "would break foreign keys" in answer.only("check.failed")["error"]
    assert box.value("SELECT count(*) FROM child") == (0 if restore else 1)


def test_violations_that_were_there_are_not_its_fault(box):
    make(box.db, "INSERT INTO child VALUES (77)", "wal")
    must(prepare(box, GOOD))


def test_who_stays_behind_with_the_database_open(box):
    """A migrator that leaves a process behind would have the app start beside it."""
    text = HEAD + ("db.execute('SELECT 1 FROM item').fetchall()\nif os.fork() == 0:\n  os.close(1); "
                   "os.close(2); open(os.environ['LITEINIT_DB'] + '.pid', 'w').write(str(os.getpid()))"
                   "\n  time.sleep(1000)\n"
                   "while not os.path.exists(os.environ['LITEINIT_DB'] + '.pid'): time.sleep(0.01)")
    answer = prepare(box, text, "--busy-timeout", "300ms")
    pid = int((box.data / "app.db.pid").read_text(encoding="utf-8"))
    try:
        assert answer.status in (0, 75), answer.err
    finally:
        os.kill(pid, 9)


@pytest.mark.parametrize("words", [("redo",), ("adopt",), ("baseline", "1"), ("repair", "1"),
                                   ("up", "--dry-run"), ("up", "1")])
def test_commands_about_the_folder(box, words):
    box.migration("001_never", "CREATE TABLE never (x);")
    before = state_of(box.data)
    answer = tool(box, *words, "--migrate-command", "true")
    assert answer.status == 78, answer.err
    assert "migrate_command is set" in answer.err
    assert state_of(box.data) == before


def test_up_runs_it(box):
    must(tool(box, "up", "--migrate-command", script(box, GOOD), "--migrations", "none"))
    assert box.rows("SELECT name FROM sqlite_master WHERE name = 'made'") == [("made",)]
