"""SIGKILL and SIGTERM at every system call of the commands that work on migrations by hand: down,
redo, baseline, repair, up, and the starts that roll back or put a backup back. Records, schema, rows
and history agree at any moment, and the same command again ends what was begun, or refuses."""

import contextlib
import json
import shutil
import sqlite3

import pytest

from faults import (CALLS, FIRST, SECOND, THIRD, fast_folder, fill, inject, litter,
                    moments, need_strace, prepare, put_back, rows_of, waiting)
from harness import Box

# Opening and reading change nothing; a kill there is one of the moment before.
CHANGING = [call for call in CALLS if call not in ("openat", "newfstatat", "pread64", "fcntl")]

FIRST_DOWN = "DROP TABLE item; DROP TABLE shelf; DROP TABLE counter;"
# The way back is a rebuild too: under foreign keys every item would go.
SECOND_DOWN = """
DROP INDEX item_by_text;
CREATE TABLE shelf_old (id INTEGER PRIMARY KEY, name TEXT NOT NULL);
INSERT INTO shelf_old SELECT id, name FROM shelf;
DROP TABLE shelf;
ALTER TABLE shelf_old RENAME TO shelf;
"""
THIRD_DOWN = "DROP TABLE note; UPDATE counter SET n = n - 1 WHERE name = 'runs';"
BROKEN = """CREATE TABLE half (x); INSERT INTO half SELECT id FROM item;
INSERT INTO nowhere VALUES (1);"""


class Work:
    """One command, the database before it, and the versions that may be applied at any moment."""

    def __init__(self, name, command, before, after, again=0, files=(1, 2, 3), **more):
        self.name, self.command = name, command
        self.before, self.after = before, after  # versions that are applied
        self.again = again  # what the command ends with once its work is done
        self.files = files
        self.status = more.get("status", 0)  # of a run that nobody disturbs
        self.records = more.get("records", False)  # only records change, the schema is at 3
        self.way = more.get("way", [before, after])


WORKS = [
    Work("down", ("down",), [1, 2, 3], [1, 2]),
    Work("down-1", ("down", "1"), [1, 2, 3], [1], way=[[1, 2, 3], [1, 2], [1]]),
    Work("down-0", ("down", "0"), [1, 2, 3], [], way=[[1, 2, 3], [1, 2], [1], []]),
    Work("redo", ("redo",), [1, 2, 3], [1, 2, 3], way=[[1, 2, 3], [1, 2]]),
    Work("rollback", ("prepare", "--on-newer-schema=rollback"), [1, 2, 3], [1], files=(1,),
         way=[[1, 2, 3], [1, 2], [1]]),
    Work("baseline", ("baseline", "3"), [], [1, 2, 3], records=True),
    Work("repair", ("repair", "3"), [1, 2, 3], [1, 2, 3], records=True),
    Work("up", ("up", "--rehearse=never"), [1], [1, 2, 3], way=[[1], [1, 2], [1, 2, 3]]),
    Work("up-rehearsed", ("up", "--rehearse=always"), [1], [1, 2, 3],
         way=[[1], [1, 2], [1, 2, 3]]),
    Work("up-restore", ("up", "--rehearse=never", "--on-failure=restore"), [1], [1], again=65,
         files=(1, 2, 3, 4), status=65, way=[[1], [1, 2], [1, 2, 3]]),
]


class Shop:
    """The box of a work. It stays in one folder, since a backup is known by its database's place."""

    def __init__(self, folder, mode, work):
        self.mode, self.work = mode, work
        self.box = box = Box(folder)
        box.mode = mode
        ups = {1: FIRST, 2: SECOND, 3: THIRD}
        self.put(1, FIRST)
        assert prepare(box).returncode == 0
        with contextlib.closing(sqlite3.connect(box.db)) as db:
            fill(db, 0, 100)
            db.commit()
        for number in work.before or [1, 2, 3]:
            self.put(number, ups[number])
        done = prepare(box)
        assert done.returncode == 0, done.stderr
        with contextlib.closing(sqlite3.connect(box.db)) as db:
            db.execute(f"PRAGMA journal_mode = {'DELETE' if mode == 'delete' else 'WAL'}")
            if not work.before:
                db.executescript("DROP TABLE schema_migrations; DROP TABLE migration_history;")
            if mode == "crashed":
                db.execute("PRAGMA wal_autocheckpoint = 0")
            db.executemany("INSERT INTO item VALUES (?, 0, 'late')",
                           [(i,) for i in range(1000, 1050)])
            db.commit()
            self.rows = self.plain_rows(db)
            crash = folder / "template"
            shutil.copytree(box.data, crash)  # as a kill leaves it
        if mode != "crashed":
            shutil.rmtree(crash)
            shutil.copytree(box.data, crash)
        self.template = crash
        for path in box.migrations.iterdir():
            path.unlink()
        for number in work.files:
            self.put(number, {**ups, 4: BROKEN}[number])
        if work.name == "repair":
            self.put(3, THIRD + "SELECT 1;")

    def put(self, number, sql):
        downs = {1: FIRST_DOWN, 2: SECOND_DOWN, 3: THIRD_DOWN}
        name = f"00{number}_file"
        self.box.migration(name, sql)
        if number in downs:
            self.box.migration(name + "_down", downs[number])

    @staticmethod
    def plain_rows(db):
        """Without what the second migration adds."""
        return (db.execute("SELECT id, name FROM shelf ORDER BY id").fetchall(), rows_of(db)[1])

    def case(self):
        put_back(self.box.data, self.template)
        return self.box

    def drop(self, box):
        """For faults.every_moment()."""

    def look(self, ended=False):
        """What an app would find now: the versions. In a copy, since looking changes files."""
        copy = self.box.folder / "look"
        shutil.copytree(self.box.data, copy)
        try:
            with contextlib.closing(sqlite3.connect(copy / "app.db", timeout=10)) as db:
                return self.expect_consistent(db, ended)
        finally:
            shutil.rmtree(copy)

    def expect_consistent(self, db, ended):
        assert db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert db.execute("PRAGMA foreign_key_check").fetchall() == []
        names = {name for (name,) in db.execute("SELECT name FROM sqlite_schema")}
        applied = []
        if "schema_migrations" in names:
            applied = [v for (v,) in db.execute("SELECT version FROM schema_migrations ORDER BY 1")]
        assert applied in self.work.way, applied
        schema = [1, 2, 3] if self.work.records else applied
        for table in ("shelf", "item", "counter"):
            assert (table in names) == (1 in schema), table
        assert not names & {"shelf_new", "shelf_old", "half"}
        assert ("item_by_text" in names) == (2 in schema)
        assert ("note" in names) == (3 in schema)
        if 1 in schema:
            columns = [row[1] for row in db.execute("PRAGMA table_info(shelf)")]
            assert ("room" in columns) == (2 in schema)
            assert self.plain_rows(db) == self.rows
            assert db.execute("SELECT n FROM counter").fetchall() == [(1 if 3 in schema else 0,)]
        if 3 in schema:
            assert db.execute("SELECT text FROM note").fetchall() == [("once",)]
        if "migration_history" in names:
            self.expect_honest(db, applied, ended)
        return applied

    def expect_honest(self, db, applied, ended):
        """What the successes of the history come to is what is applied."""
        net = set()
        for version, direction in db.execute("SELECT version, direction FROM migration_history"
                                             " WHERE status = 'success' ORDER BY id"):
            if direction in ("up", "baseline"):
                assert version not in net, f"{version} came twice"
                net.add(version)
            elif direction == "down":
                net.remove(version)
        assert sorted(net) == applied, sorted(net)
        running = db.execute("SELECT count(*) FROM migration_history"
                             " WHERE status = 'running'").fetchone()[0]
        assert running <= (0 if ended else 1)


def reasons(done):
    said = [json.loads(line) for line in done.stderr.splitlines() if line.startswith("{")]
    return [e for e in said if e["level"] == "error" or e["event"] == "prepare.interrupted"]


def expect_again(shop, was):
    """The same command once more: its work is done in the end, or it says why not."""
    work, box = shop.work, shop.box
    done = prepare(box, command=work.command)
    # What `down` without a number takes back is the newest, whichever that is by now.
    after = was[:-1] if work.name == "down" else work.after
    if work.name == "redo":
        after = was  # the newest one may be the second by now
    if work.name == "up-restore":
        after = was  # the backup is the one of this start
    assert done.returncode == (work.again if work.again else 0), done.stderr
    assert done.returncode == 0 or reasons(done)[0]["hint"], done.stderr
    if work.name in ("down", "redo"):
        with contextlib.closing(sqlite3.connect(box.db)) as db:
            names = [v for (v,) in db.execute("SELECT version FROM schema_migrations ORDER BY 1")]
        assert names == after, names
    else:
        assert shop.look(ended=True) == after
    assert waiting(box) == []
    assert not [path for path in box.data.iterdir() if path.name.startswith(".liteinit-")]
    assert prepare(box, "--reason=after", command=("backup",)).returncode == 0
    assert litter(box) == []
    expect_whole_backups(box)


def expect_whole_backups(box):
    """Each one is whole; one of after a `down 0` has no table of the app's."""
    folder = box.data / "backups"
    for path in folder.glob("*.json") if folder.is_dir() else []:
        with contextlib.closing(sqlite3.connect(f"file:{path.with_suffix('')}?immutable=1",
                                                uri=True)) as db:
            assert db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


def sweep(tmp_path, mode, work, signal, share):
    need_strace()
    statuses = {"KILL": {-9, 137}, "TERM": {0, 143, -15, work.status}}[signal]
    seen = {}
    with fast_folder(tmp_path) as folder:
        shop = Shop(folder, mode, work)
        for call, number in moments(shop, CHANGING, share, work.command, work.status):
            box = shop.case()
            hit = prepare(box, prefix=inject(call, f"signal={signal}", number),
                          command=work.command)
            what = f"{work.name}: {signal} at {call} number {number} ({mode}), in {box.folder}"
            assert hit.returncode in statuses, f"{what}: {hit.returncode}\n{hit.stderr}"
            try:
                was = shop.look(ended=signal == "TERM")
                if hit.returncode == 0:
                    assert was == work.after
                seen[tuple(was)] = seen.get(tuple(was), 0) + 1
                expect_again(shop, was)
            except AssertionError as failed:
                raise AssertionError(f"{what}: {failed}\n{hit.stderr}") from failed
    print(f"{signal} {work.name} {mode}: {sum(seen.values())} moments, {seen}")
    return seen


@pytest.mark.parametrize("work", WORKS, ids=lambda work: work.name)
@pytest.mark.parametrize("mode", ["wal", "crashed", "delete"])
def test_kill(tmp_path, mode, work):
    seen = sweep(tmp_path, mode, work, "KILL", 11)
    assert sum(seen.values()) > 2


@pytest.mark.parametrize("work", WORKS, ids=lambda work: work.name)
def test_stop(tmp_path, work):
    """Asked to stop, it has either finished what it did or taken it back."""
    sweep(tmp_path, "wal", work, "TERM", 13)
