"""`liteinit validate`: what it finds in a folder of migrations, at which place, and what it leaves
alone."""

import json
import os
import subprocess
import time
from signal import SIGTERM

import pytest
from harness import BIN, SLOW_SQL, need_root, until


class Folder:
    """A project folder with migrations/ in it, in which the command runs."""

    def __init__(self, path):
        self.path = path
        self.dir = path / "migrations"
        self.dir.mkdir()

    def put(self, name, content):
        data = content if isinstance(content, bytes) else content.encode()
        (self.dir / f"{name}.sql").write_bytes(data)
        return self

    def run(self, *args, **more):
        env = {"PATH": os.environ["PATH"], **more}
        if "ASAN_OPTIONS" in os.environ:
            env["ASAN_OPTIONS"] = os.environ["ASAN_OPTIONS"]
        return subprocess.run([BIN, "validate", *args], cwd=self.path, capture_output=True,
                              timeout=120, stdin=subprocess.DEVNULL, env=env, check=False)

    def lines(self, *args, status=None):
        """The findings, without the line that sums them up."""
        done = self.run(*args)
        assert done.stderr == b""
        lines = done.stdout.decode().splitlines()
        errors = [line for line in lines[:-1] if ": warning: " not in line and
                  ": info: " not in line]
        assert done.returncode == (65 if errors else 0), lines
        assert status is None or done.returncode == status, lines
        assert lines[-1].split(": ")[1].startswith("ok" if not errors else
                                                   f"{len(errors)} error"), lines[-1]
        return lines[:-1]

    def document(self, *args, status):
        done = self.run("--json", *args)
        assert done.returncode == status, done
        return json.loads(done.stdout)


@pytest.fixture
def folder(tmp_path):
    return Folder(tmp_path)


def good(folder):
    folder.put("001_items", "CREATE TABLE items (id INTEGER PRIMARY KEY, name TEXT);")
    folder.put("001_items_down", "DROP TABLE items;")
    folder.put("002_names", "CREATE INDEX items_by_name ON items (name);")
    folder.put("002_names_down", "DROP INDEX items_by_name;")
    return folder


def test_a_good_folder_is_ok(folder):
    done = good(folder).run()
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout == b"2 migrations (liteinit), 2 reversible: ok\n"
    assert folder.run("--roundtrip").stdout == done.stdout
    assert folder.run("migrations").stdout == done.stdout
    assert folder.document(status=0) == {
        "ok": True, "folder": "migrations", "layout": "liteinit", "migrations": 2,
        "reversible": 2, "not_run": 0, "findings": []}


@pytest.mark.parametrize("files, place, words", [
    ({"001_a": "CREATE TABEL a (x);"}, "001_a.sql:1:8", 'near "TABEL": syntax error'),
    ({"001_a": "CREATE TABLE a (x);\n\nDROP TABLE b;"}, "001_a.sql:3:1", "no such table: b"),
    ({"001_a": "CREATE TABLE a (x UNIQUE);\nINSERT INTO a VALUES (1), (1);"},
     "001_a.sql:2:1", "UNIQUE constraint failed: a.x"),
    ({"001_a": "SELECT 1;\n ATTACH 'x.db' AS x;"}, "001_a.sql:2:2", "ATTACH is refused"),
    ({"001_a": "SELECT 1;\n ROLLBACK;"}, "001_a.sql:2:2", "ROLLBACK is refused"),
    ({"001_a": "CREATE TABLE p (i PRIMARY KEY); CREATE TABLE c (p REFERENCES p);"
               "INSERT INTO c VALUES (1);"}, "001_a.sql", "foreign key"),
    ({"001_a": "-- é\nSELECT 'open;\n"}, "001_a.sql:2:8", "the string that begins here"),
    ({"001_a": "SELECT 1 /* open\n"}, "001_a.sql:1:10", "the comment that begins here"),
    ({"001_a": 'SELECT 1;\nSELECT "open;'}, "001_a.sql:2:8", "the quoted name that begins here"),
    ({"001_a": "CREATE TABLE a (x);\nCREATE TRIGGER t AFTER INSERT ON a BEGIN\n SELECT 1;\n"},
     "001_a.sql:2:1", "the trigger that begins here"),
    ({"001_a": b"SELECT 1;\nSELECT 'caf\xe9';\n"}, "001_a.sql:2:", "not UTF-8: byte 0xE9"),
    ({"001_a": b"SELECT 1;\nSELECT 'a\0b';\n"}, "001_a.sql:2:", "NUL byte"),
    ({"001_a": "-- liteinit: irreversibel\nSELECT 1;"}, "001_a.sql:1:", "irreversible"),
    ({"001_a": "SELECT 1;", "001_a_down": "DROP TABEL a;"}, "001_a_down.sql:1:6", "syntax error"),
    ({"001_a": "SELECT 1;", "001_a_down": "SELECT 'open"}, "001_a_down.sql:1:8", "string"),
    ({"001_a": "SELECT 1;", "001_a_down": b"SELECT '\0'"}, "001_a_down.sql:1:", "NUL byte"),
    ({"001_a": "SELECT 1;", "001_a_down": "SELECT 1;\nSELECT (2;"}, "001_a_down.sql:2:", "syntax"),
    ({"001_a": "SELECT 1;", "001_b": "SELECT 1;"}, "", "001_b.sql"),
    ({"001_a": "SELECT 1;", "0_b": "SELECT 1;"}, "", "versions begin with 1"),
    ({"001_a": "SELECT 1;", "2x": "SELECT 1;"}, "", "2x.sql"),
    ({"001_a": "SELECT 1;", "99999999999999999999_x": "SELECT 1;"}, "", "too large"),
    ({"001_a": "SELECT 1;", "002_b_down": "SELECT 1;"}, "", "002_b_down.sql"),
])
def test_an_error_is_told_with_its_place(folder, files, place, words):
    for name, content in files.items():
        folder.put(name, content)
    found = folder.lines("migrations", status=65)
    assert len(found) == 1, found
    assert found[0].startswith(f"migrations/{place}" if place else "migrations")
    assert words in found[0]


def test_all_faults_are_told_at_once_in_the_order_of_the_files(folder):
    folder.put("2_b", "CREATE TABLE b (x);").put("2_b_down", "DROP TABEL b;")
    folder.put("3_c", "CREATE TABLE b (x);").put("3_c_down", "SELECT 1;")
    folder.put("4_d", "-- liteinit: nosuchword\nSELECT 1;")
    folder.put("9_e", "SELECT 'never ended;")
    folder.put("10_f", "SELECT * FROM made_by_nobody; SELECT 1 +;\nSELECT (;")
    found = folder.lines("migrations/", "--roundtrip", status=65)
    assert [line.split(": ")[0] for line in found] == [
        "migrations/2_b_down.sql:1:6", "migrations/3_c.sql:1:14", "migrations/4_d.sql:1:1",
        "migrations/9_e.sql", "migrations/9_e.sql:1:8", "migrations/10_f.sql:1:41",
        "migrations/10_f.sql:2:9"]
    assert ": warning: " in found[3]
    document = folder.document(status=65)
    assert (document["ok"], document["migrations"], document["not_run"]) == (False, 5, 4)
    assert document["findings"][1] == {
        "file": "migrations/3_c.sql", "line": 1, "column": 14, "severity": "error",
        "message": "table b already exists"}


def test_all_faults_of_names_are_told_at_once(folder):
    good(folder).put("1_again", "SELECT 1;").put("0_x", "SELECT 1;").put("7x", "SELECT 1;")
    folder.put("8_lone_down", "SELECT 1;").put("9_last", "CREATE TABEL z (x);")
    found = folder.lines(status=65)
    names = " ".join(line.split(": ")[0].removeprefix("migrations/") for line in found)
    for name in ("0_x.sql", "7x.sql", "8_lone_down.sql"):
        assert name in names
    assert "two migration files have the number 1" in " ".join(found)
    assert found[-1] == 'migrations/9_last.sql:1:8: near "TABEL": syntax error'


GOOSE = """-- +goose Up
CREATE TABLE u (id INTEGER PRIMARY KEY);

-- +goose Down
DROP TABLE u;
"""


def test_a_file_with_both_directions_has_its_own_places(folder):
    folder.put("00001_u", GOOSE)
    folder.put("00002_m", GOOSE.replace("CREATE TABLE u (id INTEGER PRIMARY KEY)",
                                        "ALTER TABLE u ADD COLUMN m").replace(
                                            "DROP TABLE u", "ALTER TABLE u DROP COLUMN mm"))
    folder.put("00003_n", GOOSE.replace("u", "n").replace("DROP TABLE n;", "SELECT 1;"))
    folder.put("00004_o", GOOSE.replace("u", "o").replace("DROP TABLE", "DROP TABEL"))
    assert folder.lines(status=65) == [
        'migrations/00004_o.sql:5:6: near "TABEL": syntax error']
    assert folder.lines("--roundtrip", status=65) == [
        'migrations/00002_m.sql:5:27: no such column: "mm"',
        "migrations/00003_n.sql: does not bring the schema back: table n is left over",
        'migrations/00004_o.sql:5:6: near "TABEL": syntax error']
    document = folder.document("--roundtrip", status=65)
    assert (document["layout"], document["reversible"]) == ("goose", 1)


def test_the_order_is_that_of_the_layout(folder):
    for number, name in enumerate(["V1__a", "V1.2__b", "V1.10__c", "U1__a", "R__views"]):
        folder.put(name, f"SELECT {number};\nSELEKT {number};")
    found = folder.lines("--layout", "flyway", status=65)
    assert [line.split(":")[0].split("/")[1] for line in found] == [
        "V1__a.sql", "U1__a.sql", "V1.2__b.sql", "V1.10__c.sql", "R__views.sql"]


def test_one_without_a_transaction_goes_both_ways(folder):
    good(folder)
    folder.put("003_free", "-- liteinit: no-transaction\nCREATE TABLE f (x);\nVACUUM;")
    folder.put("003_free_down", "-- liteinit: no-transaction\nDROP TABLE f;\nVACUUM;")
    folder.put("004_half", "-- liteinit: no-transaction\nCREATE TABLE h (x);\nVACUUM;")
    folder.put("004_half_down", "-- liteinit: no-transaction\nVACUUM;")
    assert folder.lines("--roundtrip", status=65) == [
        "migrations/004_half_down.sql: does not bring the schema back: table h is left over"]


def test_a_gap_is_a_warning_and_a_timestamp_is_none(folder):
    for number in (1, 2, 3, 5, 6, 9, 20240101, 20240303):
        folder.put(f"{number}_x", "SELECT 1;")
    assert folder.lines(status=0) == [
        "migrations/5_x.sql: warning: there is no migration with the number 4",
        "migrations/9_x.sql: warning: there are no migrations with the numbers 7 to 8"]


def test_numbers_in_tens_have_no_gaps(folder):
    for number in (10, 20, 30, 40):
        folder.put(f"{number}_x", "SELECT 1;")
    assert folder.lines(status=0) == []


def test_what_is_left_alone_and_what_is_not_there_is_said(folder):
    assert folder.lines(status=0) == ["migrations: warning: there are no migrations in this folder"]
    good(folder).put("schema", "nonsense")
    assert folder.lines(status=0) == [
        "migrations: info: 1 .sql file is left alone: no number begins the name"]


ROUND_TRIPS = [
    # up; down; what is said of the down
    ("CREATE TABLE t (x);", "SELECT 1;", "table t is left over"),
    ("CREATE INDEX i ON items (name);", "SELECT 1;", "index i on items is left over"),
    ("CREATE VIEW v AS SELECT 1;", "SELECT 1;", "view v is left over"),
    ("CREATE TRIGGER g AFTER INSERT ON items BEGIN SELECT 1; END;", "SELECT 1;",
     "trigger g on items is left over"),
    ("DROP INDEX items_by_name;", "SELECT 1;", "index items_by_name on items is gone"),
    ("DROP INDEX items_by_name;", "CREATE UNIQUE INDEX items_by_name ON items (name);",
     "the text of index items_by_name differs: \"UNIQUE INDEX items_by_name ON items (name)\""),
    ("DROP VIEW all_items;", "CREATE VIEW all_items AS SELECT id FROM items;",
     "the text of view all_items differs: \"id FROM items\" instead of \"* FROM items\""),
    ("DROP VIEW all_items;", "SELECT 1;", "view all_items is gone"),
    ("ALTER TABLE items ADD COLUMN n;", "SELECT 1;", "table items: column n is left over"),
    ("ALTER TABLE items DROP COLUMN note;", "SELECT 1;", "table items: column note is gone"),
    ("ALTER TABLE items DROP COLUMN note;", "ALTER TABLE items ADD COLUMN note TEXT DEFAULT 'b';",
     "table items: column note has the default 'b' instead of the default 'a'"),
    ("ALTER TABLE items DROP COLUMN note;", "ALTER TABLE items ADD COLUMN note TEXT;",
     "table items: column note has no default instead of the default 'a'"),
    ("ALTER TABLE items DROP COLUMN note;", "ALTER TABLE items ADD COLUMN note BLOB DEFAULT 'a';",
     'table items: column note has the type "BLOB" instead of "TEXT"'),
    ("ALTER TABLE items DROP COLUMN note;",
     "ALTER TABLE items ADD COLUMN note TEXT NOT NULL DEFAULT 'a';",
     "table items: column note is NOT NULL and was not"),
    ("ALTER TABLE items DROP COLUMN size;", "ALTER TABLE items ADD COLUMN size INTEGER;",
     "table items: its columns are in another order"),
    ("DROP TABLE tags;", "CREATE TABLE tags (tag TEXT);",
     'the text of table tags differs: ")" instead of "UNIQUE)"'),
]


@pytest.mark.parametrize("up, down, words", ROUND_TRIPS)
def test_a_way_back_that_does_not_bring_the_schema_back(folder, up, down, words):
    folder.put("001_items", """
        CREATE TABLE items (id INTEGER PRIMARY KEY, name TEXT, size INTEGER, note TEXT DEFAULT 'a');
        CREATE TABLE tags (tag TEXT UNIQUE);
        CREATE INDEX items_by_name ON items (name);
        CREATE VIEW all_items AS SELECT * FROM items;
        -- liteinit: this is no head any more""")
    folder.put("001_items_down", "DROP VIEW all_items; DROP TABLE items; DROP TABLE tags;")
    folder.put("002_change", up).put("002_change_down", down)
    folder.put("003_after", "SELECT id, name FROM items;\n-- the bad down was run on a copy")
    folder.put("003_after_down", "SELECT 1;")
    assert folder.lines(status=0) == []
    found = folder.lines("--roundtrip", status=65)
    assert [line.split(": ", 2)[:2] for line in found] == [
        ["migrations/002_change_down.sql", "does not bring the schema back"]], found
    assert words in found[0]
    assert folder.document("--roundtrip", status=65)["reversible"] == 2


def test_a_round_trip_that_comes_back_in_other_words(folder):
    """A rebuilt table has its name in quotes; case, white space and comments do not count."""
    good(folder)
    folder.put("003_size", """
        ALTER TABLE items ADD COLUMN size INTEGER DEFAULT 0; -- to be dropped again
        CREATE TABLE counted (n INTEGER PRIMARY KEY AUTOINCREMENT);""")
    folder.put("003_size_down", """
        DROP TABLE counted;
        CREATE TABLE items_old (ID integer primary key, "name" text /* as before */);
        INSERT INTO items_old SELECT id, name FROM items;
        DROP TABLE items;
        ALTER TABLE items_old RENAME TO items;
        CREATE INDEX [items_by_name] ON ITEMS(Name);""")
    assert folder.lines("--roundtrip") == []


def test_a_down_that_fails_and_an_up_that_runs_only_once(folder):
    good(folder)
    folder.put("003_fails", "CREATE TABLE c (x);")
    folder.put("003_fails_down", "DROP TABLE c;\n  DROP TABLE nowhere;")
    folder.put("004_once", "INSERT INTO items VALUES (1, 'lamp');")
    folder.put("004_once_down", "SELECT 1;")
    folder.put("005_keys", "CREATE TABLE k (i REFERENCES items);")
    folder.put("005_keys_down", "DROP TABLE k; DELETE FROM items;\nROLLBACK;")
    found = folder.lines("--roundtrip")
    assert [line.split(": ")[0] for line in found] == [
        "migrations/003_fails_down.sql:2:3", "migrations/004_once.sql:1:1",
        "migrations/005_keys_down.sql:2:1"]
    assert "no such table: nowhere" in found[0]
    assert "UNIQUE constraint failed: items.id" in found[1]
    assert "004_once_down.sql" in found[1]
    assert "ROLLBACK is refused" in found[2]


def test_no_way_back_is_an_info_and_on_purpose_it_is_silent(folder):
    good(folder)
    folder.put("003_gone", "CREATE TABLE c (x);")
    folder.put("004_meant", "-- liteinit: irreversible\nCREATE TABLE d (x);")
    folder.put("005_unused", "-- liteinit: irreversible\nCREATE TABLE e (x);")
    folder.put("005_unused_down", "SELECT 1;")
    unused = ("migrations/005_unused_down.sql: warning: is never used: "
              "005_unused.sql says that it is irreversible")
    assert folder.lines(status=0) == [unused]
    assert folder.lines("--roundtrip", status=0) == [
        "migrations/003_gone.sql: info: irreversible: nothing takes it back", unused]


def test_what_is_no_file_is_told_and_never_waited_for(folder):
    good(folder).put("006_last", "SELECT 1;")
    (folder.dir / "003_gone.sql").symlink_to("nowhere")
    os.mkfifo(folder.dir / "004_pipe.sql")
    (folder.dir / "005_folder.sql").mkdir()
    found = folder.lines(status=65)
    assert [line.split(": ")[0] for line in found] == [
        "migrations/003_gone.sql", "migrations/004_pipe.sql", "migrations/005_folder.sql"]
    assert folder.document(status=65)["not_run"] == 4
    done = folder.run("migrations/001_items.sql")
    assert (done.returncode, done.stdout) == (66, b"")


def test_where_the_folder_is_taken_from(folder):
    elsewhere = folder.path / "sql"
    elsewhere.mkdir()
    (elsewhere / "001_a.sql").write_text("SELECT 1;")
    (elsewhere / "002_b.sql").write_text("SELECT 2;")
    good(folder)
    (folder.dir / "003_c.sql").write_text("SELECT 3;")

    def count(*args, **env):
        return json.loads(folder.run("--json", *args, **env).stdout)["migrations"]
    assert count() == 3
    assert count(LITEINIT_MIGRATIONS=str(elsewhere)) == 2
    assert count("--migrations", "sql") == 2
    assert count("migrations", LITEINIT_MIGRATIONS=str(elsewhere)) == 3


@pytest.mark.parametrize("args, status, words", [
    (["nowhere"], 66, "nowhere"),
    ([], 66, "no folder of migrations"),
    ([""], 66, "no folder of migrations"),
    (["migrations", "more"], 64, "more"),
    (["--roundtripp"], 64, "did you mean --roundtrip"),
    (["--layout", "flywy"], 64, "is none of"),
    (["--layout"], 64, "needs a value"),
])
def test_it_says_what_it_cannot_do(folder, args, status, words):
    folder.dir.rmdir()
    done = folder.run(*args)
    assert (done.returncode, done.stdout) == (status, b"")
    assert words in done.stderr.decode()
    document = folder.document(*args, status=status) if args != ["--layout"] else None
    assert document is None or document["error"]["exit_code"] == status


def test_two_thousand_files(folder):
    for number in range(1, 1001):
        folder.put(f"{number:04}_x", f"CREATE TABLE t{number} (x); DROP TABLE t{number};"
                   if number % 10 else f"CREATE TABLE t{number} (x);")
        folder.put(f"{number:04}_x_down", f"DROP TABLE IF EXISTS t{number};")
    began = time.monotonic()
    assert folder.run("--roundtrip").stdout == b"1000 migrations (liteinit), 1000 reversible: ok\n"
    assert time.monotonic() - began < 60


def test_nothing_is_written_anywhere(folder):
    """Not beside the files, and no temporary file either: as nobody, in folders of root's."""
    need_root()
    good(folder).put("003_sort", """
        CREATE TEMP TABLE many AS
          WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000)
          SELECT i, hex(randomblob(200)) AS text FROM n;
        INSERT INTO items (name) SELECT text FROM many ORDER BY text;
        CREATE INDEX items_twice ON items (name, id);""")
    folder.put("003_sort_down", "DROP INDEX items_twice; DELETE FROM items;")
    before = {path: path.stat().st_mtime_ns for path in folder.path.rglob("*")}
    for path in [folder.path, *folder.path.parents]:
        if "pytest" in str(path):  # pytest's own folders are its user's alone
            path.chmod(0o755)
    done = subprocess.run(
        ["strace", "-f", "-o", "/dev/stdout", "-e", "trace=openat,open,creat,mkdir,rename,unlink",
         "setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", BIN, "validate",
         "--roundtrip", "migrations"], cwd=folder.path, capture_output=True, timeout=60,
        stdin=subprocess.DEVNULL, check=False,
        # The sanitizers look for leaks by ptrace, as strace does.
        env={"PATH": os.environ["PATH"], "ASAN_OPTIONS": "detect_leaks=0"})
    text = done.stdout.decode()
    assert "3 reversible: ok" in text, text
    assert not [line for line in text.splitlines()
                if any(word in line for word in ("O_WRONLY", "O_RDWR", "O_CREAT", "mkdir("))]
    assert {path: path.stat().st_mtime_ns for path in folder.path.rglob("*")} == before


def test_a_stop_signal_ends_one_that_takes_long(folder):
    good(folder).put("003_slow", SLOW_SQL)
    process = subprocess.Popen([BIN, "validate", "migrations"], cwd=folder.path,
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                               stdin=subprocess.DEVNULL, env={"PATH": os.environ["PATH"]})
    try:
        def busy():
            with open(f"/proc/{process.pid}/stat", encoding="utf-8") as stat:
                return int(stat.read().rpartition(")")[2].split()[11]) >= 10
        until(busy, "it computes")
        process.send_signal(SIGTERM)
        out, err = process.communicate(timeout=30)
    finally:
        process.kill()
        process.wait()
    assert (process.returncode, out) == (143, b"")
    assert b"validate.failed" in err
