"""SIGKILL and SIGTERM at every system call of an adoption that touches a file: all of the other
tool's history is taken over or none of it, and the next command says which."""

import contextlib
import sqlite3

import pytest

from adopt_cases import case
from dbkit import tool
from faults import CALLS, Copies, fast_folder, inject, moments, need_strace, prepare


def content(box, names):
    with contextlib.closing(sqlite3.connect(box.db, timeout=10)) as db:
        assert db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        there = {name for (name,) in db.execute("SELECT name FROM sqlite_schema")}
        return {name: db.execute(f"SELECT rowid, * FROM {name}").fetchall()
                for name in names if name in there}


def records(box, ours):
    return [row[0] for row in content(box, [ours]).get(ours, [])]


@pytest.mark.parametrize("signal, statuses, share", [("KILL", {-9, 137}, 5),
                                                     ("TERM", {0, 143, -15}, 9)])
@pytest.mark.parametrize("name, theirs, ours", [
    ("goose", "goose_db_version", "schema_migrations"),
    ("dbmate", "schema_migrations", "liteinit_migrations"),
])
def test_all_or_nothing(tmp_path, name, theirs, ours, signal, statuses, share):
    need_strace()
    seen = set()
    with fast_folder(tmp_path) as folder:
        copies = Copies(folder)
        case(name).make(copies.original)
        for call, number in moments(copies, CALLS, share, ("adopt",)):
            box = copies.case()
            before = content(box, [theirs])
            hit = prepare(box, prefix=inject(call, f"signal={signal}", number), command=("adopt",))
            what = f"{signal} at {call} number {number}, in {box.folder}: {hit.stderr}"
            assert hit.returncode in statuses, what
            assert content(box, [theirs]) == before, what
            done = records(box, ours)
            assert len(done) in (0, 2), what
            assert hit.returncode != 0 or len(done) == 2, what
            seen.add(len(done))
            again = tool(box, "adopt")
            assert again.status == (78 if done else 0), what + again.err
            assert len(records(box, ours)) == 2, what
            last = tool(box, "prepare")
            assert last.status == 0, what + last.err
            assert len(records(box, ours)) == 3, what
            assert box.rows("SELECT * FROM a") == [(1,)]
            assert content(box, [theirs]) == before, what
            copies.drop(box)
    assert seen == {0, 2}
