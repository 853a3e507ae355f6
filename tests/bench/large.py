"""What guards and records cost on a large database, and that they do not look at all of it."""

import os
import shutil
import sqlite3
import subprocess

from measure import MB, flags, have, median, ratio, row, run, run_and_look, say, spread, timed

PLAIN = ["--check", "off", "--backup", "never", "--rehearse", "never"]


def make_large(path, size):
    """`data` has nearly all of the bytes; the rows of `child` refer to it; `small` is small."""
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA journal_mode = OFF")
    connection.execute("PRAGMA synchronous = OFF")
    connection.executescript(
        "CREATE TABLE data (id INTEGER PRIMARY KEY, word TEXT, body BLOB);"
        "CREATE TABLE child (id INTEGER PRIMARY KEY, data INTEGER REFERENCES data(id));"
        "CREATE INDEX child_data ON child(data);"
        "CREATE TABLE small (id INTEGER PRIMARY KEY, word TEXT);")
    rows = size // 4096 * 3  # so many are on a page
    connection.executemany("INSERT INTO data (word, body) VALUES (?, ?)",
                           ((f"word {n}", os.urandom(1300)) for n in range(rows)))
    connection.executemany("INSERT INTO child (data) VALUES (?)",
                           ((n,) for n in range(1, rows + 1, 2)))
    connection.executemany("INSERT INTO small (word) VALUES (?)", ((f"{n}",) for n in range(1000)))
    connection.commit()
    connection.execute("PRAGMA journal_mode = WAL")
    connection.close()


class Alteration:
    """One migration more on each call: liteinit's run from a folder, the shell's from its input."""

    def __init__(self, liteinit, folder, sql):
        self.liteinit = liteinit
        self.folder = folder
        self.sql = sql
        self.number = len(list((folder / "m").iterdir()))

    def text(self):
        self.number = len(list((self.folder / "m").iterdir())) + 1
        return self.sql.format(number=self.number)

    def up(self, *options):
        text = self.text()
        (self.folder / "m" / f"{self.number:04}_more.sql").write_text(text)
        return run_and_look([self.liteinit, "up", *flags(self.folder), *options],
                            stdout=subprocess.DEVNULL)

    def shell(self):
        """Not in the folder, so its column must not be the name of one to come."""
        text = self.text().replace("column", f"shell{os.urandom(4).hex()}_")
        with subprocess.Popen(["printf", "%s", f"BEGIN IMMEDIATE;{text}COMMIT;"],
                              stdout=subprocess.PIPE) as pipe:
            return run_and_look(["sqlite3", self.folder / "app.db"], stdin=pipe.stdout)


def show(name, results, note=""):
    times = [spent for spent, _ in results]
    read = median([count for _, count in results])
    row(name, f"{median(times):.1f} ms", f"{spread(times)}, {read / MB:.2f} MB read{note}")
    return times


def bench_large(liteinit, folder, rounds):
    size = os.path.getsize(folder / "app.db")
    say(f"A column more in a table of {size / MB:.0f} MB that another refers to"
        f" ({rounds} rounds in turns, medians)")
    add = "ALTER TABLE data ADD COLUMN column{number} INTEGER;\n"
    alter = Alteration(liteinit, folder, add)
    write = Alteration(liteinit, folder,
                       add + "UPDATE small SET word = 'migration {number}' WHERE id <= 100;\n")
    results = {"shell": [], "alter": [], "shell write": [], "write": []}
    for _ in range(rounds):
        if have("sqlite3"):
            results["shell"].append(alter.shell())
            results["shell write"].append(write.shell())
        results["alter"].append(alter.up(*PLAIN))
        results["write"].append(write.up(*PLAIN))
    for ours, peer, what in (("alter", "shell", "ALTER"),
                             ("write", "shell write", "ALTER, a small table written")):
        note = ""
        if results[peer]:
            shell = show(f"sqlite3: {what}", results[peer])
            times = [spent for spent, _ in results[ours]]
            note = f"; {ratio(times, shell, 'sqlite3')}"
        show("liteinit up: the same", results[ours], note)
    few = max(1, rounds // 4)
    copies = []
    for _ in range(few):
        copies.append(timed(lambda: (run(["cp", folder / "app.db", folder / "copy"]),
                                     run(["sync", folder / "copy"]))))
        (folder / "copy").unlink()
    row(f"cp + sync of all of it ({few} rounds)", f"{median(copies):.0f} ms", spread(copies))
    full = []
    for _ in range(few):
        shutil.rmtree(folder / "backups", ignore_errors=True)
        full.append(alter.up())
    shutil.rmtree(folder / "backups", ignore_errors=True)
    show(f"liteinit up, defaults ({few} rounds)", full,
         f"; backup and checks: {ratio([t for t, _ in full], copies, 'cp + sync')}")
