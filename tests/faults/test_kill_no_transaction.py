"""SIGKILL at every system call that writes, while a file without a transaction runs: the next start
goes on, and every effect is there exactly once."""

import pytest

from faults import Copies, fast_folder, inject, moments, need_strace, prepare

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
        copies = Copies(folder, mode)
        box = copies.original
        box.migration("001_start", START)
        assert prepare(box).returncode == 0
        box.migration("002_it", FILE)
        resumed = 0
        found = moments(copies, CALLS, 3, PLAIN)
        for call, n in found:
            box = copies.case()
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
            copies.drop(box)
        print(f"{mode}: {len(found)} moments, {resumed} went on in the middle")
        assert resumed >= 5
