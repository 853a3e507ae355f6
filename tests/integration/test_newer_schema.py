"""A database that a newer image has migrated, and an older image that starts on it: refused with the
commands for both ways out, taken back by the scripts in the database, or replaced by the backup that
fits."""

import contextlib
import json
import os
import re
import shlex
import sqlite3

import pytest

from dbkit import backups, dump, make, manifests, must, state_of, tool

UPS = {1: "CREATE TABLE item (id INTEGER PRIMARY KEY, text); INSERT INTO item VALUES (1, 'old');",
       2: "ALTER TABLE item ADD COLUMN more; UPDATE item SET more = 'by 2';",
       3: "CREATE TABLE third (x); INSERT INTO third VALUES (3);"}
DOWNS = {2: "ALTER TABLE item DROP COLUMN more;", 3: "DROP TABLE third;"}
ROLLBACK = ("prepare", "--on-newer-schema", "rollback")
RESTORE = ("prepare", "--on-newer-schema", "restore")


def put(box, *numbers, downs=DOWNS):
    for number in numbers:
        box.migration(f"{number:03}_m{number}", UPS[number])
        if number in downs:
            box.migration(f"{number:03}_m{number}_down", downs[number])


def take_away(box, *numbers):
    for number in numbers:
        for path in box.migrations.glob(f"{number:03}_*"):
            path.unlink()


def write(box, sql):
    with contextlib.closing(sqlite3.connect(box.db)) as db:
        db.execute(sql)
        db.commit()


def asides(box):
    return sorted(path for path in box.data.iterdir() if ".aside-" in path.name)


@pytest.fixture(name="box")
def at_three_and_the_image_knows_one(liteinit):
    put(liteinit, 1)
    must(tool(liteinit, "prepare"))
    write(liteinit, "INSERT INTO item VALUES (2, 'before the update')")
    put(liteinit, 2, 3)
    must(tool(liteinit, "prepare", "--app-version", "v9.9"))
    write(liteinit, "INSERT INTO item VALUES (3, 'after the update', NULL)")
    take_away(liteinit, 2, 3)
    return liteinit


def refused(box, *words, status=78, env=None):
    """Not a byte of the database or its backups changes."""
    before = state_of(box.data)
    answer = tool(box, *(words or ("prepare",)), env=env)
    assert answer.status == status, answer.err
    assert state_of(box.data) == before
    return answer


def test_the_message(box):
    event = refused(box).only("schema.newer")
    assert event["level"] == "error"
    for words in ("schema version 3", "up to 1", "2 newer migrations", "2_m2", "version v9.9"):
        assert words in event["error"], event["error"]
    assert "start the newer image again" in event["hint"]
    life = box("echo", "never", pid1=False)
    assert life.wait() == 78
    assert life.out == ""


def hinted_commands(hint):
    """The words behind `--entrypoint liteinit SERVICE`: what runs in the container."""
    return [shlex.split(words) for words in
            re.findall(r"--entrypoint liteinit SERVICE ([^;]+)", hint)]


def test_the_first_command_of_the_hint(box):
    hint = refused(box).only("schema.newer")["hint"]
    command = hinted_commands(hint)[0]
    assert command == ["down", "1"]
    must(tool(box, *command))
    must(tool(box, "prepare"))
    assert box.applied() == [1]
    assert box.rows("SELECT id FROM item ORDER BY id") == [(1,), (2,), (3,)]


def test_the_second_command_of_the_hint(box):
    hint = refused(box).only("schema.newer")["hint"]
    assert str(backups(box)[0]) in hint
    command = hinted_commands(hint)[1]
    must(tool(box, *command))
    must(tool(box, "prepare"))
    assert box.applied() == [1]
    assert box.rows("SELECT id FROM item ORDER BY id") == [(1,), (2,)]


def test_a_pending_file_below_the_newer_one(box):
    """The image's newest file, 2, was never applied: the way back goes to 1, and then 2 comes."""
    box.migration("002_other", "CREATE TABLE other (x);")
    write(box, "DELETE FROM schema_migrations WHERE version = 2")
    hint = refused(box).only("schema.newer")["hint"]
    assert hinted_commands(hint)[0] == ["down", "1"]
    must(tool(box, *ROLLBACK))
    assert box.applied() == [1, 2]
    assert box.rows("SELECT name FROM sqlite_master WHERE name IN ('third', 'other')") == \
        [("other",)]


def test_the_backup_of_the_one_that_came_first(liteinit):
    """3 was applied before 2, so that the backup from before both is that of 3."""
    put(liteinit, 1)
    must(tool(liteinit, "prepare"))
    put(liteinit, 3)
    must(tool(liteinit, "prepare", "--backup-name", "before-3{ext}"))
    put(liteinit, 2)
    must(tool(liteinit, "prepare", "--backup-name", "before-2{ext}"))
    take_away(liteinit, 2, 3)
    hint = refused(liteinit).only("schema.newer")["hint"]
    assert "before-3.db" in hint and "before-2.db" not in hint
    (liteinit.data / "backups" / "before-3.db").unlink()
    assert "before-3.db" not in refused(liteinit).only("schema.newer")["hint"]


def test_status_tells_it(box):
    document = must(tool(box, "status", "--json")).document()
    assert "newer" in document["problem"] and document["schema_version"] == 3
    assert "Problem" in must(tool(box, "status")).out


def test_rollback_keeps_what_was_written_since(box):
    answer = must(tool(box, *ROLLBACK))
    assert answer.only("schema.newer")["level"] == "warn"
    assert [e["version"] for e in answer.named("migrate.rolled_back")] == [3, 2]
    assert box.applied() == [1]
    assert box.rows("SELECT * FROM item ORDER BY id") == \
        [(1, "old"), (2, "before the update"), (3, "after the update")]
    assert [m["reason"] for m in manifests(box.data / "backups")].count("rollback") == 1
    assert box.integrity() == "ok"
    answer = must(tool(box, *ROLLBACK))
    assert "migrate.rolled_back" not in answer.names
    assert asides(box) == []


def test_one_without_a_way_back(liteinit):
    put(liteinit, 1)
    must(tool(liteinit, "prepare"))
    put(liteinit, 2, downs={})
    put(liteinit, 3)
    must(tool(liteinit, "prepare"))
    take_away(liteinit, 2, 3)
    event = refused(liteinit, *ROLLBACK).only("schema.newer")
    assert "version 2 (m2) cannot be taken back" in event["error"]
    assert "--on-newer-schema restore" in event["hint"]
    assert "2_m2 has no way back" in refused(liteinit).only("schema.newer")["hint"]


@pytest.mark.parametrize("words", [("prepare",), ROLLBACK, RESTORE])
def test_an_empty_folder_is_a_mistake(box, words):
    take_away(box, 1)
    hint = refused(box, *words).only("schema.newer")["hint"]
    assert str(box.migrations) in hint and "--migrations" in hint
    assert "down 0" not in hint


def test_no_folder_at_all_asks_nothing(box):
    """Whoever says `none` lets the app look after it."""
    must(tool(box, "prepare", env={"LITEINIT_MIGRATIONS": "none"}))


def test_a_way_back_that_fails_is_put_back(box):
    """The newest goes, the next cannot: with on_failure=restore all is as it was."""
    write(box, "UPDATE schema_migrations SET down_sql = 'SELEKT 1;' WHERE version = 2")
    rows = box.rows("SELECT * FROM item"), box.rows("SELECT * FROM third")
    for _ in range(3):
        answer = tool(box, *ROLLBACK, "--on-failure", "restore", "--rehearse", "never")
        assert answer.status == 65, answer.err
        assert answer.only("restore.done")
        assert box.applied() == [1, 2, 3]
        assert (box.rows("SELECT * FROM item"), box.rows("SELECT * FROM third")) == rows
        assert box.rows("SELECT version, direction, status FROM migration_history"
                        " ORDER BY id")[-1] == (2, "down", "failed")
    assert [m["reason"] for m in manifests(box.data / "backups")].count("rollback") == 1
    assert asides(box) == []


def test_restore_then_this_images_own(box):
    """The fitting backup takes the place, the newer data is kept whole, and a file of this image
    that is not in the backup applies."""
    os.chmod(box.db, 0o640)
    box.migration("002_other", "CREATE TABLE other (x);")
    write(box, "DELETE FROM schema_migrations WHERE version = 2")
    newer = dump(box.db)
    answer = must(tool(box, *RESTORE))
    assert answer.names.index("restore.done") < answer.names.index("migrate.apply")
    assert box.applied() == [1, 2]
    assert box.rows("SELECT * FROM item") == [(1, "old"), (2, "before the update")]
    aside, = asides(box)
    assert dump(aside) == newer
    assert aside.name.endswith("-newer")
    assert oct(aside.stat().st_mode & 0o777) == "0o640"


def test_twice_in_a_row_makes_no_litter(box):
    must(tool(box, *RESTORE))
    before = state_of(box.data)
    for _ in range(2):
        must(tool(box, *RESTORE))
    assert state_of(box.data) == before
    assert len(asides(box)) == 1


def test_none_fits(box):
    for path in backups(box):
        path.unlink()
    event = refused(box, *RESTORE).only("schema.newer")
    assert "finds no verified backup" in event["error"]
    assert asides(box) == []


def test_a_damaged_backup(box):
    backup = backups(box)[0]
    content = bytearray(backup.read_bytes())
    content[-100] ^= 1
    backup.write_bytes(content)
    assert "is damaged" in refused(box, *RESTORE, status=65).only("restore.failed")["error"]
    assert asides(box) == []


def test_a_crash_loop_does_not_fill_the_disk(box):
    """The image that went back has a migration that fails, and the engine starts it again."""
    box.migration("002_other", "CREATE TABLE other (x);\nSELEKT 1;")
    write(box, "DELETE FROM schema_migrations WHERE version = 2")
    for _ in range(5):
        assert tool(box, *RESTORE, "--rehearse", "never").status == 65
    assert len(asides(box)) == 1
    assert len(backups(box)) <= 2
    # On from here with rollback, too.
    for _ in range(3):
        assert tool(box, *ROLLBACK, "--rehearse", "never").status == 65
    assert len(asides(box)) == 1
    assert len(backups(box)) <= 2


def test_flapping_between_two_images_by_rollback(box):
    for _ in range(3):
        must(tool(box, *ROLLBACK))
        put(box, 2, 3)
        must(tool(box, *ROLLBACK))
        assert box.applied() == [1, 2, 3]
        take_away(box, 2, 3)
    assert box.rows("SELECT id, more FROM item ORDER BY id") == \
        [(1, "by 2"), (2, "by 2"), (3, "by 2")]
    assert len(backups(box)) <= 10


HALF = "-- liteinit: no-transaction\nCREATE TABLE half (x);\nSELEKT 1;\nCREATE TABLE rest (x);"


@pytest.mark.parametrize("words", [("prepare",), ROLLBACK, RESTORE])
def test_half_done_and_met_by_an_older_image(liteinit, words):
    put(liteinit, 1)
    must(tool(liteinit, "prepare"))
    liteinit.migration("002_half", HALF)
    assert tool(liteinit, "prepare", "--rehearse", "never").status == 65
    take_away(liteinit, 2)
    answer = refused(liteinit, *words)
    event = answer.only("migrate.failed")
    assert "migration 2" in event["error"] and "half applied" in event["error"]
    assert "start the image again that has this migration" in event["hint"]
    assert "liteinit backups" in event["hint"]
    # The right image, mended, goes on where it stopped.
    liteinit.migration("002_half", HALF.replace("SELEKT", "SELECT"))
    must(tool(liteinit, "prepare"))
    assert liteinit.applied() == [1, 2]
    assert liteinit.rows("SELECT name FROM sqlite_master WHERE name IN ('half', 'rest')"
                         " ORDER BY name") == [("half",), ("rest",)]


def test_a_newer_database_in_the_containers_life(box):
    life = box("true", pid1=False, env={"LITEINIT_ON_NEWER_SCHEMA": "rollback"})
    assert life.wait() == 0, life.log()
    assert life.order("schema.newer", "backup.done", "migrate.rolled_back", "app.start"), life.log()
    assert box.applied() == [1]


def test_dry_run_says_it_too(box):
    answer = refused(box, "up", "--dry-run", "--json")
    assert "newer" in json.loads(answer.out)["error"]["message"]


def test_a_pre_existing_database_goes_back_to_before_liteinit(liteinit):
    """The backup from before the first migration has version 0, which is older than any file."""
    make(liteinit.db, "CREATE TABLE mine (x); INSERT INTO mine VALUES (1);", "wal")
    put(liteinit, 1, 2)
    must(tool(liteinit, "prepare"))
    take_away(liteinit, 2)
    must(tool(liteinit, *RESTORE))
    assert liteinit.applied() == [1]
    assert liteinit.rows("SELECT x FROM mine") == [(1,)]
