"""Planning when all is applied, beside alembic, and beside reading the same files with sha256sum."""

import os
import shutil
import sqlite3
import subprocess

from measure import flags, have, in_turns, median, ratio, row, run, say, spread, target

ALEMBIC_INI = """[alembic]
script_location = {folder}
sqlalchemy.url = sqlite:///{folder}/app.db
"""
ALEMBIC_ENV = """from alembic import context
from sqlalchemy import create_engine
engine = create_engine(context.config.get_main_option("sqlalchemy.url"))
with engine.connect() as connection:
    context.configure(connection=connection)
    with context.begin_transaction():
        context.run_migrations()
"""
ALEMBIC_REVISION = """revision = "{number:05}"
down_revision = {before}
def upgrade():
    pass
def downgrade():
    pass
"""


def applied(liteinit, folder, count):
    """A database with so many applied migrations, each a file and a row."""
    (folder / "m").mkdir(parents=True)
    (folder / "m" / "00001_t.sql").write_text("CREATE TABLE t (id INTEGER PRIMARY KEY, name TEXT);\n")
    for n in range(2, count + 1):
        (folder / "m" / f"{n:05}_t.sql").write_text(f"INSERT INTO t (name) VALUES ('row {n}');\n")
    run([liteinit, "prepare", *flags(folder), "--backup", "never"])
    return folder


def alembic(folder, count):
    """The same for alembic, whose history is one row that names the newest revision."""
    (folder / "versions").mkdir(parents=True)
    (folder / "alembic.ini").write_text(ALEMBIC_INI.format(folder=folder))
    (folder / "env.py").write_text(ALEMBIC_ENV)
    for n in range(1, count + 1):
        before = f'"{n - 1:05}"' if n > 1 else "None"
        (folder / "versions" / f"{n:05}_t.py").write_text(
            ALEMBIC_REVISION.format(number=n, before=before))
    with sqlite3.connect(folder / "app.db") as connection:
        connection.execute("CREATE TABLE alembic_version (version_num VARCHAR(32) PRIMARY KEY)")
        connection.execute("INSERT INTO alembic_version VALUES (?)", (f"{count:05}",))
    connection.close()
    return ["alembic", "-c", folder / "alembic.ini", "upgrade", "head"]


def cpu(argv):
    """User and system time of a command in ms, which neighbours on the machine stretch less."""
    process = subprocess.Popen([str(a) for a in argv], stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise subprocess.CalledProcessError(process.returncode, argv)
    return (usage.ru_utime + usage.ru_stime) * 1000


def bench_planning(liteinit, work, counts, rounds):
    say(f"Nothing pending, so many applied: files and rows ({rounds} rounds in turns, medians)")
    medians = {}
    for count in counts:
        folder = applied(liteinit, work / f"planning{count}", count)
        plan = [liteinit, "prepare", *flags(folder)]
        actions = {"liteinit": lambda plan=plan: run(plan)}
        if have("sqlite3"):
            floor = (f"sqlite3 -readonly '{folder}/app.db' 'SELECT version, checksum FROM"
                     f" schema_migrations' && cd '{folder}/m' && printf '%s\\0' * | xargs -0 sha256sum")
            actions["floor"] = lambda floor=floor: run(["sh", "-c", floor],
                                                       stdout=subprocess.DEVNULL)
        times = in_turns(rounds, actions)
        ours = times["liteinit"]
        medians[count] = median(ours)
        spent = median([cpu(plan) for _ in range(rounds)])
        note = f"{spread(ours)}, of the processor {spent:.0f} ms"
        if count == 10000:
            note += "; " + target(median(ours) < 50, "under 50 ms")
        row(f"liteinit prepare, {count:,}", f"{median(ours):.1f} ms", note)
        if "floor" in times:
            row("  sqlite3 SELECT, then sha256sum", f"{median(times['floor']):.1f} ms",
                f"liteinit takes {ratio(ours, times['floor'], 'this')}")
        if have("alembic"):
            peer = alembic(work / f"alembic{count}", count)
            once = in_turns(1 if count > 1000 else 3, {
                "alembic": lambda peer=peer: run(peer, stderr=subprocess.DEVNULL)})["alembic"]
            row("  alembic upgrade head", f"{median(once):.0f} ms",
                f"{median(once) / median(ours):.0f} x liteinit; {len(once)} rounds")
            shutil.rmtree(work / f"alembic{count}")
        shutil.rmtree(folder)
    if len(counts) > 1:
        most, fewer = counts[-1], counts[-2]
        grown = medians[most] / medians[fewer]
        row(f"from {fewer:,} to {most:,}", f"{grown:.1f} x",
            target(grown <= 1.2 * most / fewer, "linear"))
