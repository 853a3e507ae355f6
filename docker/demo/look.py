#!/usr/bin/python3
"""The demo's own eyes: looks at the database, the backups and the log after the fact.

  look.py data DB RECORD SCHEMA    every acknowledged write is there, and the file is sound
  look.py children DB BACKUP       the rebuild kept each row that the backup holds
  look.py backup DB FOLDER SCHEMA  the newest backup opens by itself and is what the manifest says
  look.py holds BACKUP RECORD      every write acknowledged by then is in that backup
  look.py events LOG NAME…         these events are in the log, in this order; prints what they say
  look.py free LOG NAME…           none of these events is in the log

Nothing of liteinit is used here: Python's sqlite3, hashlib and json, nothing else. A database is
opened with immutable=1, so what still sits in a -wal beside it does not count as being there.
Prints what was seen, a line each; the first thing that does not hold ends it with 1.
"""

import hashlib
import json
import os
import sqlite3
import sys
import urllib.parse

# The rows that migration 001 itself brings.
SEEDED = 4


def fail(text):
    sys.exit("look: " + text)


def see(text):
    print("   " + text)


def open_alone(path):
    """The one file, without its sidecars, read-only."""
    return sqlite3.connect("file:%s?mode=ro&immutable=1" % urllib.parse.quote(path), uri=True)


def one(db, sql, *values):
    return db.execute(sql, values).fetchone()[0]


def sound(db, name):
    verdict = [row[0] for row in db.execute("PRAGMA integrity_check")]
    if verdict != ["ok"]:
        fail("%s: integrity_check says %s" % (name, "; ".join(verdict[:3])))
    broken = db.execute("PRAGMA foreign_key_check").fetchall()
    if broken:
        fail("%s: foreign_key_check names %d rows, first %s" % (name, len(broken), broken[0]))


def no_sidecars(path):
    left = [path + end for end in ("-wal", "-shm", "-journal") if os.path.exists(path + end)]
    if left:
        fail("left beside the database: " + ", ".join(left))


def schema_is(db, name, version):
    newest = one(db, "SELECT max(version) FROM schema_migrations")
    if newest != int(version):
        fail("%s has schema version %s, not %s" % (name, newest, version))


def writes(record):
    """What the load client wrote down: two sets of rows for each kind."""
    promised = {"item": set(), "movement": set()}
    perhaps = {"item": set(), "movement": set()}
    with open(record, encoding="utf-8") as file:
        for line in file:
            entry = json.loads(line)
            if entry["kind"] == "item":
                row = (entry["name"], entry["note"])
            else:
                row = (entry["item"], entry["change"], entry["note"])
            if entry["acknowledged"]:
                promised[entry["kind"]].add((entry["id"],) + row)
            else:
                perhaps[entry["kind"]].add(row)
    return promised, perhaps


def data(path, record, version):
    no_sidecars(path)
    see("no -wal, no -shm, no -journal beside the database")
    db = open_alone(path)
    sound(db, "the database")
    schema_is(db, "the database", version)
    see("integrity_check: ok; foreign_key_check: clean; schema version %s" % version)
    promised, perhaps = writes(record)
    if not promised["item"] or not promised["movement"]:
        fail("the load client wrote nothing down")
    for kind, sql in (("item", "SELECT id, name, note FROM items"),
                      ("movement", "SELECT id, item_id, change, note FROM movements")):
        there = set(db.execute(sql))
        lost = promised[kind] - there
        if lost:
            fail("%d acknowledged %ss are not in the database, first %s"
                 % (len(lost), kind, sorted(lost)[0]))
        more = there - promised[kind]
        late = {row for row in more if row[1:] in perhaps[kind]}
        if len(more) - len(late) != SEEDED:
            fail("%d %ss are in the database that nobody wrote"
                 % (len(more) - len(late) - SEEDED, kind))
        see("%ss: %d acknowledged, %d of them there; %d more that got no answer, %d from the start"
            % (kind, len(promised[kind]), len(promised[kind] & there), len(late), SEEDED))
    wrong = one(db, "SELECT count(*) FROM items WHERE quantity <>"
                    " (SELECT coalesce(sum(change), 0) FROM movements WHERE item_id = items.id)")
    if wrong:
        fail("%d items do not have the quantity that their movements add up to" % wrong)
    see("every item's quantity is the sum of its movements")


def children(path, backup):
    db = open_alone(path)
    db.execute("ATTACH ? AS was", ("file:%s?mode=ro&immutable=1" % urllib.parse.quote(backup),))
    for table, columns in (("shelves", "id, name"),
                           ("items", "id, name, quantity, note, created_at"),
                           ("movements", "id, item_id, change, note, made_at"),
                           ("shopping", "item_id, reason, since")):
        before = one(db, "SELECT count(*) FROM was." + table)
        after = one(db, "SELECT count(*) FROM main." + table)
        lost = one(db, "SELECT count(*) FROM (SELECT {0} FROM was.{1} EXCEPT"
                       " SELECT {0} FROM main.{1})".format(columns, table))
        if lost:
            fail("%s: %d of the %d rows before the rebuild are gone or changed"
                 % (table, lost, before))
        see("%-9s %4d rows before the rebuild, each of them still there; %d by now"
            % (table, before, after))
    odd = one(db, "SELECT count(*) FROM main.items"
                  " WHERE unit IS NULL OR unit NOT IN ('piece', 'kg', 'g', 'litre', 'ml')")
    if odd:
        fail("%d items still have a unit that the rebuild should have put in order" % odd)


def newest_backup(folder):
    manifests = [name for name in os.listdir(folder) if name.endswith(".json")]
    if not manifests:
        fail("%s holds no backup with a manifest" % folder)
    newest = max(manifests, key=lambda name: os.stat(os.path.join(folder, name)).st_mtime_ns)
    return os.path.join(folder, newest[:-len(".json")]), os.path.join(folder, newest)


def backup(path, folder, version):
    copy, manifest = newest_backup(folder)
    with open(manifest, encoding="utf-8") as file:
        says = json.load(file)
    with open(copy, "rb") as file:
        digest = hashlib.sha256(file.read()).hexdigest()
    if says.get("sha256") != digest:
        fail("%s: sha256 is %s, the manifest says %s" % (copy, digest, says.get("sha256")))
    if os.path.samefile(path, copy):
        fail("%s is the database itself" % copy)
    db = open_alone(copy)
    sound(db, copy)
    schema_is(db, copy, version)
    print(copy)


def holds(copy, record):
    db = open_alone(copy)
    sound(db, copy)
    promised, _ = writes(record)
    for kind, sql in (("item", "SELECT id, name, note FROM items"),
                      ("movement", "SELECT id, item_id, change, note FROM movements")):
        lost = promised[kind] - set(db.execute(sql))
        if lost:
            fail("%s lacks %d %ss that were acknowledged before it was begun"
                 % (copy, len(lost), kind))
    see("It opens by itself, is sound, and holds all %d writes that were acknowledged by then."
        % sum(map(len, promised.values())))


def events_of(log):
    """The JSON lines of the log; the app's own lines in between are passed over."""
    with open(log, encoding="utf-8", errors="replace") as file:
        for line in file:
            if line.startswith("{"):
                try:
                    event = json.loads(line)
                except ValueError:
                    fail("%s: not JSON: %s" % (log, line.strip()))
                missing = {"time", "level", "event", "msg", "component"} - event.keys()
                if missing:
                    fail("%s: an event without %s: %s"
                         % (log, ", ".join(sorted(missing)), line.strip()))
                yield event


def events(log, *names):
    wanted = list(names)
    for event in events_of(log):
        if wanted and event["event"] == wanted[0]:
            wanted.pop(0)
            see("%-16s %s" % (event["event"], event["msg"]))
    if wanted:
        fail("%s: no %s event where it belongs" % (log, wanted[0]))


def free(log, *names):
    for event in events_of(log):
        if event["event"] in names:
            fail("%s: an event that does not belong here: %s: %s"
                 % (log, event["event"], event["msg"]))


COMMANDS = {"data": data, "children": children, "backup": backup, "holds": holds, "events": events,
            "free": free}

if __name__ == "__main__":
    if len(sys.argv) < 3 or sys.argv[1] not in COMMANDS:
        sys.exit(__doc__)
    try:
        COMMANDS[sys.argv[1]](*sys.argv[2:])
    except (OSError, sqlite3.Error) as error:
        fail("%s: %s" % (" ".join(sys.argv[1:3]), error))
