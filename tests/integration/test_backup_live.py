"""`liteinit backup` beside an app that writes, `liteinit backups`, and the reason."""

import re
import stat
import time

import pytest

from dbkit import backups, child, dump, holding, make, manifests, must, tool

# Moves money between two tables in one transaction each, as fast as it can, with no patience for
# locks. The sum over both tables is the invariant, and `moves` counts in both.
WRITER = """
import sqlite3, sys, time
db = sqlite3.connect(sys.argv[1], isolation_level=None, timeout=0)
print("ready", flush=True)
end = time.monotonic() + float(sys.argv[2])
done = busy = 0
while time.monotonic() < end:
    try:
        db.execute("BEGIN IMMEDIATE")
        db.execute("UPDATE a SET n = n - 1, moves = moves + 1 WHERE id = ?", (done % 100,))
        db.execute("UPDATE b SET n = n + 1, moves = moves + 1 WHERE id = ?", (done % 100,))
        db.execute("COMMIT")
        done += 1
    except sqlite3.OperationalError:
        busy += 1
        if db.in_transaction:
            db.execute("ROLLBACK")
print(done, busy, flush=True)
"""
BANK = """
CREATE TABLE a (id INTEGER PRIMARY KEY, n INT, moves INT, pad BLOB);
CREATE TABLE b (id INTEGER PRIMARY KEY, n INT, moves INT, pad BLOB);
INSERT INTO a WITH RECURSIVE r(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM r WHERE i < 3999)
  SELECT i, 1000, 0, randomblob(500) FROM r;
INSERT INTO b SELECT id, n, 0, pad FROM a;
"""
TOTAL = 2 * 4000 * 1000


def bank(box, journal):
    make(box.db, BANK, journal)


def look(box, path):
    """(sum, moves of a, moves of b) in a snapshot."""
    return box.rows("SELECT (SELECT sum(n) FROM a) + (SELECT sum(n) FROM b),"
                    " (SELECT sum(moves) FROM a), (SELECT sum(moves) FROM b)",
                    path=f"{path}")[0]


def test_beside_a_writer_in_wal_mode(liteinit):
    """The writer never meets a lock, and each snapshot is of one moment."""
    bank(liteinit, "wal")
    moves = []
    with child(WRITER, liteinit.db, 2.5) as writer:
        for _ in range(5):
            path = must(tool(liteinit, "backup", "--json")).document()["path"]
            moves.append(path)
        done, busy = map(int, writer.hear().split())
    assert busy == 0
    assert done > 100
    seen = []
    for path in moves:
        total, left, right = look(liteinit, path)
        assert total == TOTAL and left == right
        seen.append(left)
    assert seen == sorted(seen) and seen[-1] > seen[0]
    assert [said["verdict"] for said in manifests(liteinit.data / "backups")] == ["verified"] * 5


def test_beside_a_writer_with_a_rollback_journal(liteinit):
    """A reader and a writer exclude each other there: the backup comes to its end all the same,
    soon, and is of one moment."""
    bank(liteinit, "delete")
    with child(WRITER, liteinit.db, 20) as writer:
        began = time.monotonic()
        path = must(tool(liteinit, "backup", "--json")).document()["path"]
        took = time.monotonic() - began
        assert writer.process.poll() is None
    assert took < 15
    total, left, right = look(liteinit, path)
    assert total == TOTAL and left == right > 0


def wal_of(box):
    path = box.data / "app.db-wal"
    return path.stat().st_size, path.read_bytes()[:32]


@pytest.mark.parametrize("command", [("backup",), ("status",), ("check",), ("check", "--full"),
                                     ("backups",)])
def test_a_visitor_never_checkpoints(liteinit, command):
    """The app's SQLite may have the WAL-reset bug: whatever a visitor does, the WAL and the main
    file stay as they are."""
    make(liteinit.db, "CREATE TABLE t (x)", "wal")
    fill = ("INSERT INTO t WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n"
            " WHERE i < 20000) SELECT hex(randomblob(100)) FROM n")
    with holding(liteinit.db, "PRAGMA wal_autocheckpoint = 0", fill):
        before = wal_of(liteinit), liteinit.db.read_bytes()
        assert before[0][0] > 2_000_000
        must(tool(liteinit, *command))
        assert (wal_of(liteinit), liteinit.db.read_bytes()) == before
    # Nor when the app has crashed: the next start recovers.
    must(tool(liteinit, *command))
    assert (wal_of(liteinit), liteinit.db.read_bytes()) == before


def test_what_is_in_the_wal_is_in_the_backup(liteinit):
    make(liteinit.db, "CREATE TABLE t (x)", "wal")
    with holding(liteinit.db, "INSERT INTO t VALUES ('in the WAL')"):
        path = must(tool(liteinit, "backup", "--json")).document()["path"]
    assert any("in the WAL" in line for line in dump(path))
    assert not any("in the WAL" in line for line in dump(liteinit.db))


def test_an_open_transaction_is_not_in_it(liteinit):
    make(liteinit.db, "CREATE TABLE t (x); INSERT INTO t VALUES ('old')", "wal")
    with holding(liteinit.db, "BEGIN IMMEDIATE", "INSERT INTO t VALUES ('not yet')"):
        path = must(tool(liteinit, "backup", "--json")).document()["path"]
    assert liteinit.rows("SELECT x FROM t", path=path) == [("old",)]


def test_a_backup_while_liteinit_runs_the_app(liteinit):
    liteinit.migration("001_t", "CREATE TABLE t (x)")
    life = liteinit("sleep", "60")
    life.wait_event("app.start")
    path = must(tool(liteinit, "backup", "--json")).document()["path"]
    assert liteinit.rows("SELECT version FROM schema_migrations", path=path) == [(1,)]
    assert life.stop()[0] == 143
    assert liteinit.leftovers() == []


def test_the_answer_as_text_and_as_json(liteinit):
    make(liteinit.db, "CREATE TABLE t (x)", "wal")
    answer = must(tool(liteinit, "backup"))
    (first,) = backups(liteinit)
    assert answer.out.startswith(str(first)) and "verified" in answer.out
    assert answer.only("backup.done")["path"] == str(first)
    said = must(tool(liteinit, "backup", "--json", "--reason", "before-cleanup")).document()
    assert said["ok"] is True and said["path"].endswith("_before-cleanup.db")
    assert said["bytes"] > 0 and re.fullmatch("[0-9a-f]{64}", said["sha256"])
    assert stat.S_IMODE(first.parent.stat().st_mode) == 0o700


@pytest.mark.parametrize("reason", ["", "a b", "../up", "a/b", "é", "x" * 41, "a.b", "$(id)"])
def test_a_reason_that_is_no_word(liteinit, reason):
    make(liteinit.db, "CREATE TABLE t (x)", "wal")
    answer = tool(liteinit, "backup", "--json", f"--reason={reason}")
    assert answer.status == 64
    assert answer.document()["ok"] is False
    assert not (liteinit.data / "backups").exists()


def test_the_list(liteinit):
    make(liteinit.db, "CREATE TABLE t (x)", "wal")
    folder = liteinit.data / "backups"
    said = must(tool(liteinit, "backups", "--json")).document()
    assert said == {"folder": str(folder), "backups": [], "bytes": 0}
    assert "No backups" in must(tool(liteinit, "backups")).out
    for reason in ("one", "two", "three"):
        must(tool(liteinit, "backup", "--reason", reason, env={"APP_VERSION": "7"}))
    (folder / "notes.txt").write_text("mine", encoding="utf-8")
    make(folder / "copy-by-hand.db", "CREATE TABLE t (x)")
    said = must(tool(liteinit, "backups", "--json")).document()
    assert [item["reason"] for item in said["backups"] if "reason" in item] == [
        "three", "two", "one"]
    assert len(said["backups"]) == 4
    for item in said["backups"]:
        known = "reason" in item
        assert item["verified"] is known
        assert (folder / item["name"]).stat().st_size == item["bytes"]
        assert item["path"] == str(folder / item["name"])
        if known:
            assert item["app_version"] == "7" and item["schema_version"] == 0
    assert said["bytes"] == sum(item["bytes"] for item in said["backups"])
    text = must(tool(liteinit, "backups")).out.splitlines()
    assert len(text) == 6 and text[0].startswith("AGE")
    assert sum(" verified " in line for line in text) == 3
    assert sum(" unverified " in line for line in text) == 1


def test_a_backup_that_was_cut_is_not_verified(liteinit):
    make(liteinit.db, "CREATE TABLE t (x)", "wal")
    must(tool(liteinit, "backup"))
    (path,) = backups(liteinit)
    path.write_bytes(path.read_bytes()[:-1])
    (item,) = must(tool(liteinit, "backups", "--json")).document()["backups"]
    assert item["verified"] is False
