"""SIGKILL at every system call that writes, while a file without a transaction runs: the next start
goes on, and every effect is there exactly once."""

import shutil

import pytest

from faults import LONG, Box, count_calls, fast_folder, inject, need_strace, prepare

# A rehearsal would be killed on its copy.
PLAIN = ("prepare", "--rehearse=never")
CALLS = ("pwrite64", "fdatasync", "ftruncate", "unlink", "write")
START = """CREATE TABLE counter (n INTEGER); INSERT INTO counter VALUES (0);
CREATE TABLE bulk (v TEXT);
INSERT INTO bulk WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 300)
    SELECT printf('%0200d', i) FROM n;"""
FILE = """-- liteinit: no-transaction
UPDATE counter SET n = n + 1;
CREATE TABLE log (id INTEGER PRIMARY KEY, what TEXT);
INSERT INTO log (what) VALUES ('one');
DELETE FROM bulk WHERE v < printf('%0200d', 200);
VACUUM;
BEGIN;
UPDATE counter SET n = n + 10;
INSERT INTO log (what) VALUES ('two');
COMMIT;
PRAGMA user_version = 5;
UPDATE counter SET n = n + 100;
"""


@pytest.mark.parametrize("mode", ["wal", "delete"])
def test_kill_at_each_write(tmp_path, mode):
    need_strace()
    with fast_folder(tmp_path) as folder:
        template = folder / "template"
        template.mkdir()
        box = Box(template)
        box.mode = mode
        box.migration("001_start", START)
        assert prepare(box).returncode == 0
        box.migration("002_it", FILE)
        number = 0

        def case():
            nonlocal number
            number += 1
            shutil.copytree(template, folder / f"case{number}")
            copy = object.__new__(Box)
            copy.folder = folder / f"case{number}"
            copy.data, copy.migrations = copy.folder / "data", copy.folder / "migrations"
            copy.db, copy.lives, copy.mode = copy.data / "app.db", [], mode
            return copy

        most = count_calls(case(), PLAIN)
        moments = [(call, n) for call in CALLS for n in range(1, most.get(call, 0) + 1)]
        resumed = 0
        for call, n in moments if LONG else moments[::3]:
            box = case()
            hit = prepare(box, prefix=inject(call, "signal=KILL", n), command=PLAIN)
            assert hit.returncode in (-9, 137), hit.stderr
            done = prepare(box)
            what = f"{call} {n} ({mode}): {done.stderr}"
            assert done.returncode == 0, what
            assert box.value("SELECT n FROM counter") == 111, what
            assert box.rows("SELECT what FROM log") == [("one",), ("two",)], what
            assert box.value("SELECT count(*) FROM bulk") == 101, what
            assert box.value("PRAGMA user_version") == 5, what
            assert box.applied() == [1, 2] and box.integrity() == "ok", what
            resumed += box.value("SELECT count(*) FROM migration_history WHERE version = 2 AND"
                                 " status = 'interrupted' AND resume IS NOT NULL")
            shutil.rmtree(box.folder)
        print(f"{mode}: {len(moments)} moments, {resumed} went on in the middle")
        assert resumed >= 5
