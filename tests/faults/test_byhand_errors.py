"""Each system call of down, redo, adopt, baseline, repair, new, status and health fails once: never
a crash, always a reason, and the database is as it was or as it was to become."""

import sqlite3

import pytest

from adopt_cases import case
from faults import (App, CALLS, Copies, LONG, STATUSES, count_calls, fast_folder, inject,
                    need_strace, prepare)
from harness import Life
from test_kill_down import WORKS, Shop
from test_syscall_errors import expect_reason, is_the_loader

ERRORS = ["EIO", "ENOSPC", "EMFILE", "EINTR"]


def moments(most, share):
    found = [(call, n) for call in CALLS for n in range(1, most.get(call, 0) + 1)]
    return found if LONG else found[::share]


def faults_of(most, share):
    """(call, number, error): in the short form one error a moment, each in its turn."""
    for i, (call, number) in enumerate(moments(most, share)):
        for k, error in enumerate(ERRORS):
            if LONG or (i + k) % len(ERRORS) == 0:
                yield call, number, error


@pytest.mark.parametrize("work", [work for work in WORKS if not work.name.startswith("up")],
                         ids=lambda work: work.name)
@pytest.mark.parametrize("mode", ["wal", "delete"])
def test_the_works(tmp_path, mode, work):
    need_strace()
    seen = {}
    with fast_folder(tmp_path) as folder:
        shop = Shop(folder, mode, work)
        most = count_calls(shop.case(), work.command)
        for call, number, error in faults_of(most, 15):
            box = shop.case()
            done = prepare(box, prefix=inject(call, f"error={error}", number),
                           command=work.command)
            if is_the_loader(done):
                continue
            what = f"{work.name}: {call} number {number} gives {error} ({mode}), in {box.folder}"
            try:
                if call == "write":  # the event itself may be what could not be written
                    assert done.returncode in STATUSES - {70}
                else:
                    expect_reason(done, what)
                was = shop.look()
                if done.returncode == 0:
                    assert was == work.after
                again = prepare(box, command=("prepare", "--on-newer-schema=rollback"))
                assert again.returncode in (0, 78) or work.records, again.stderr
                if was:  # after a `down 0` the tables are new ones
                    shop.look(ended=True)
            except AssertionError as failed:
                raise AssertionError(f"{what}: {failed}\n{done.stderr}") from failed
            seen[done.returncode] = seen.get(done.returncode, 0) + 1
    print(f"{work.name} {mode}: {sum(seen.values())} faults, {seen}")
    assert sum(seen.values()) > 3


def test_adopt(tmp_path):
    need_strace()
    seen = {}
    with fast_folder(tmp_path) as folder:
        copies = Copies(folder)
        case("goose").make(copies.original)
        for call, number, error in faults_of(count_calls(copies.case(), ("adopt",)), 9):
            box = copies.case()
            before = box.rows("SELECT * FROM goose_db_version")
            done = prepare(box, prefix=inject(call, f"error={error}", number), command=("adopt",))
            if is_the_loader(done):
                copies.drop(box)
                continue
            what = f"adopt: {call} number {number} gives {error}"
            if call != "write":
                expect_reason(done, what)
            assert box.rows("SELECT * FROM goose_db_version") == before, what
            there = box.value("SELECT count(*) FROM sqlite_schema WHERE name = 'schema_migrations'")
            taken = box.value("SELECT count(*) FROM schema_migrations") if there else 0
            assert taken in (0, 2), what
            assert done.returncode != 0 or taken == 2, what + done.stderr
            again = prepare(box, command=("adopt",))
            assert again.returncode == (78 if taken else 0), what + again.stderr
            seen[done.returncode] = seen.get(done.returncode, 0) + 1
            copies.drop(box)
    print(f"adopt: {sum(seen.values())} faults, {seen}")


def test_new(tmp_path):
    """Both files whole, or none; never an empty one that a start would apply."""
    need_strace()
    app = App(tmp_path, "wal")
    box = app.case()
    before = {path.name for path in box.migrations.iterdir()}
    most = count_calls(app.case(), ("new", "add_x"))
    seen = {}
    for call, number in [(c, n) for c in CALLS for n in range(1, most.get(c, 0) + 1)]:
        for error in ("EIO", "ENOSPC", "EMFILE"):
            done = prepare(box, prefix=inject(call, f"error={error}", number),
                           command=("new", "add_x"))
            if is_the_loader(done):
                continue
            made = {path.name for path in box.migrations.iterdir()} - before
            what = f"{call} {number} {error}: {done.returncode} {made} {done.stderr}"
            assert done.returncode in STATUSES - {70}, what
            assert len(made) in (0, 2), what
            assert done.returncode != 0 or len(made) == 2, what
            for name in made:
                assert (box.migrations / name).read_text(encoding="utf-8"), what
                (box.migrations / name).unlink()
            seen[done.returncode] = seen.get(done.returncode, 0) + 1
    print(f"new: {sum(seen.values())} faults, {seen}")
    assert seen.get(0, 0) < sum(seen.values())


@pytest.mark.parametrize("command", [("status",), ("health",), ("status", "--json"),
                                     ("history", "--busy-timeout=20ms")], ids=" ".join)
def test_who_looks_on_while_a_preparation_runs(tmp_path, command):
    """What fails for the onlooker is the onlooker's alone."""
    need_strace()
    app = App(tmp_path, "wal")
    box = app.case()
    box.migration("002_second", "CREATE TABLE n AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL"
                                " SELECT i + 1 FROM n WHERE i < 90000000000) SELECT max(i) FROM n;")
    life = Life(["prepare", "--rehearse=never"], False, box.environment(), box.folder)
    try:
        life.wait_event("migrate.apply")
        trace = box.folder / "trace"
        done = prepare(box, prefix=["strace", "-f", "-qq", "-o", str(trace), "-e",
                                    "trace=openat,read,pread64,fcntl,newfstatat,mmap,flock"],
                       command=command)
        assert done.returncode in (0, 1, 75), done.stderr
        text = trace.read_text(encoding="utf-8", errors="replace")
        for call in ("openat", "read", "pread64", "fcntl", "newfstatat", "flock"):
            count = text.count(f" {call}(")
            for number in range(1, count + 1, 1 if LONG else 9):
                for error in ("EIO", "EMFILE") if LONG else ("EIO",):
                    done = prepare(box, prefix=inject(call, f"error={error}", number),
                                   command=command)
                    if is_the_loader(done):
                        continue
                    what = f"{call} {number} {error}: {done.returncode} {done.stderr}"
                    assert done.returncode in STATUSES - {70} | {1}, what
                    assert done.returncode == 0 or done.stderr or done.stdout, what
                    assert life.process.poll() is None, what
        life.signal(15)
        assert life.wait() == 143, life.log()
    finally:
        life.end()
    with sqlite3.connect(box.db) as db:
        assert db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert db.execute("SELECT status FROM migration_history ORDER BY id DESC").fetchone() == \
            ("interrupted",)
    db.close()
