"""Many at once on one database: each comes to its turn or says who is there, and the work is done
exactly once."""

import concurrent.futures
import contextlib
import os
import shutil
import sqlite3
import subprocess
import tempfile
import threading
from pathlib import Path

import pytest

from faults import App, backups_of, expect_unharmed, litter, need_strace, prepare
from harness import BIN, need_root, until


@pytest.mark.parametrize("mode", ["wal", "crashed", "delete"])
def test_eight_starts_at_once(tmp_path, mode):
    app = App(tmp_path, mode)
    box = app.case()
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        ends = [end.result() for end in [pool.submit(prepare, box) for _ in range(8)]]
    assert [end.returncode for end in ends] == [0] * 8, [end.stderr for end in ends]
    expect_unharmed(app, box, migrated=True)
    assert sum(end.stderr.count('"migrate.applied"') for end in ends) == 2
    assert len(backups_of(box.data / "backups")) == 1


@pytest.mark.parametrize("mode", ["wal", "delete"])
def test_backups_beside_each_other_and_a_writer(tmp_path, mode):
    """No one clears away, overtakes or half reads what another is making; each backup is of one
    moment, in which the two counters agree."""
    app = App(tmp_path, mode)
    box = app.case()
    with contextlib.closing(sqlite3.connect(box.db)) as db:
        db.execute("CREATE TABLE pair (a INTEGER, b INTEGER)")
        db.execute("INSERT INTO pair VALUES (0, 0)")
        db.commit()
    stop = threading.Event()

    def write():
        with contextlib.closing(sqlite3.connect(box.db, timeout=30)) as db:
            while not stop.is_set():
                db.execute("UPDATE pair SET a = a + 1")
                db.execute("UPDATE pair SET b = b + 1")
                db.commit()
                stop.wait(0.002)

    writer = threading.Thread(target=write)
    writer.start()
    try:
        with concurrent.futures.ThreadPoolExecutor(6) as pool:
            ends = [end.result() for end in
                    [pool.submit(prepare, box, "--busy-timeout=20s", command=("backup",))
                     for _ in range(12)]]
    finally:
        stop.set()
        writer.join()
    assert [end.returncode for end in ends] == [0] * 12, [end.stderr for end in ends]
    folder = box.data / "backups"
    made = backups_of(folder)
    assert len(made) == 12
    assert litter(box) == []
    for name in made:
        with contextlib.closing(sqlite3.connect(f"file:{folder / name}?immutable=1",
                                                uri=True)) as copy:
            a, b = copy.execute("SELECT a, b FROM pair").fetchone()
            assert a == b, name
    expect_unharmed(app, box)


NOBODY = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]


@pytest.fixture(name="open_folder")
def folder_that_anybody_reaches():
    with tempfile.TemporaryDirectory(prefix="liteinit-faults-") as folder:
        os.chmod(folder, 0o755)
        yield Path(folder)


@pytest.mark.parametrize("disturbed", [False, True])
def test_a_user_who_may_not_lock_copies_only_what_stands_still(open_folder, disturbed):
    """Somebody else's backup of a WAL database whose folder they may not write: it is read without
    locks, so an app that starts meanwhile makes it worthless, and it says so."""
    need_root()
    need_strace()
    # A copy: the build may be in a folder that is root's alone.
    program = open_folder / "liteinit"
    shutil.copy(BIN, program)
    program.chmod(0o755)
    subprocess.run([*NOBODY, "test", "-x", program], check=True)
    app = App(open_folder, "wal")
    box = app.case()
    box.db.chmod(0o644)
    own = box.folder / "own"
    own.mkdir()
    os.chown(own, 65534, 65534)
    # The sync of the copy takes its time.
    slow = [*NOBODY, "strace", "-qq", "-o", "/dev/null", "-e", "trace=fdatasync",
            "-e", "inject=fdatasync:delay_enter=800000:when=1"]
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        end = pool.submit(prepare, box, f"--backup-dir={own}", prefix=slow, command=("backup",),
                          program=program)
        until(lambda: any(path.stat().st_size > 0 for path in own.iterdir()) or end.done(),
              "the copy is written", step=0.001)
        if disturbed:
            with contextlib.closing(sqlite3.connect(box.db)) as db:
                db.execute("UPDATE item SET text = 'written meanwhile'")
                db.commit()
        done = end.result()
    assert done.returncode == (75 if disturbed else 0), done.stderr
    assert len(backups_of(own)) == (0 if disturbed else 1)
    assert [path.name for path in own.iterdir() if "tmp" in path.name] == []
