"""What the integration tests share: a liteinit under observation, its events, and the database
seen through Python's own sqlite3.

    life = liteinit("sh", "-c", "exit 3")              # PID 1 of a namespace of its own
    life = liteinit("sleep", "60", pid1=False)         # a plain child
    life.wait_event("app.start")
    life.signal(SIGTERM)
    assert life.wait() == 143

Everything that waits has a deadline; nothing sleeps for luck.
"""

import contextlib
import functools
import json
import os
import sqlite3
import subprocess
import threading
import time
from pathlib import Path
from signal import SIGKILL, SIGTERM

import pytest

BIN = os.environ.get("LITEINIT_BIN", "")
DEADLINE = 30.0

# A migration that does not end by itself, after it has written something that must not stay.
SLOW_SQL = """
CREATE TABLE slow (n INTEGER);
INSERT INTO slow VALUES (1);
INSERT INTO slow
  WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100000000000)
  SELECT count(*) FROM n;
"""


def until(condition, what, timeout=DEADLINE, step=0.01):
    """Waits until condition() is true, and returns what it returned."""
    end = time.monotonic() + timeout
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"not within {timeout:g} s: {what}")
        time.sleep(step)


@functools.lru_cache(maxsize=None)
def namespace_command():
    """The command that makes its argument PID 1 of a new namespace; None where we may not."""
    plain = ["unshare", "--kill-child=KILL", "--pid", "--fork", "--mount-proc"]
    for command in (plain, [*plain[:1], "--user", "--map-root-user", *plain[1:]]):
        with contextlib.suppress(OSError, subprocess.TimeoutExpired):
            done = subprocess.run([*command, "true"], capture_output=True, timeout=20, check=False)
            if done.returncode == 0:
                return command
    return None


def need_namespaces():
    if namespace_command() is None:
        pytest.skip("needs PID namespaces: root, or user namespaces")


def need_root():
    if os.geteuid() != 0:
        pytest.skip("needs root")


def children_of(pid):
    """The processes whose parent is pid, from /proc."""
    found = []
    for entry in os.listdir("/proc"):
        if entry.isdigit() and stat_of(int(entry)).get("parent") == pid:
            found.append(int(entry))
    return sorted(found)


def stat_of(pid):
    """name, state, parent, group, session and start of a process; {} when it is gone."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return {}
    name, _, rest = text.partition("(")[2].rpartition(")")
    fields = rest.split()
    return {"name": name, "state": fields[0], "parent": int(fields[1]), "group": int(fields[2]),
            "session": int(fields[3]), "since": int(fields[19])}


def is_alive(pid):
    return stat_of(pid).get("state", "Z") not in "ZX"


def arguments_of(pid):
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace").split("\0")[:-1]
    except OSError:
        return []


def mask_of(pid, name):
    """A signal mask of /proc/PID/status (SigBlk, SigIgn, SigCgt) as a set of numbers."""
    for line in Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines():
        if line.startswith(name + ":"):
            return mask_set(line.split()[1])
    raise AssertionError(f"no {name} in the status of {pid}")


def mask_set(text):
    bits = int(text, 16)
    return {n for n in range(1, 65) if bits >> (n - 1) & 1}


class Life:
    """One run of liteinit."""

    def __init__(self, arguments, pid1, env, cwd, uid=None, program=BIN, **popen):
        prefix = namespace_command() if pid1 else []
        if uid is not None:
            prefix = [*prefix, "setpriv", f"--reuid={uid}", f"--regid={uid}", "--clear-groups"]
        self.pid1 = pid1
        self.program = program
        self.stdin = popen.pop("stdin", subprocess.DEVNULL)
        self.started = time.monotonic()
        self.process = subprocess.Popen(  # pylint: disable=consider-using-with
            [*prefix, program, *arguments], stdin=self.stdin, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, env=env, cwd=cwd, **popen)
        self.lines = []  # stderr, events and all
        self.events = []
        self.out = ""  # stdout
        self.changed = threading.Condition()
        self.readers = [threading.Thread(target=self.read_errors, daemon=True),
                        threading.Thread(target=self.read_output, daemon=True)]
        for reader in self.readers:
            reader.start()
        self.known_pid = None
        self.family = {}

    def read_errors(self):
        for raw in self.process.stderr:
            line = raw.decode("utf-8", "replace").rstrip("\n")
            event = None
            with contextlib.suppress(ValueError):
                event = json.loads(line)
            with self.changed:
                self.lines.append(line)
                if isinstance(event, dict) and "event" in event:
                    event["seen"] = time.monotonic()
                    self.events.append(event)
                self.changed.notify_all()

    def read_output(self):
        for raw in self.process.stdout:
            with self.changed:
                self.out += raw.decode("utf-8", "replace")
                self.changed.notify_all()

    @property
    def pid(self):
        """liteinit's pid as we see it from outside."""
        if not self.pid1:
            return self.process.pid
        if self.known_pid is None:
            def find():
                for pid in children_of(self.process.pid):
                    if arguments_of(pid)[:1] == [self.program]:
                        return pid
                assert self.process.poll() is None, f"ended before it began: {self.log()}"
                return None
            self.known_pid = until(find, "liteinit is executed", step=0.001)
        return self.known_pid

    def app_pid(self):
        """The app's pid as we see it: liteinit's child that leads a group and is no worker."""
        self.wait_event("app.start")
        for pid in children_of(self.pid):
            if arguments_of(pid)[1:2] not in (["prepare"], ["checkpoint"]):
                return pid
        raise AssertionError(f"no app below {self.pid}: {self.log()}")

    def worker_pid(self, work, timeout=DEADLINE):
        """The pid of the worker that does `work`, which is prepare or checkpoint."""
        def find():
            for pid in children_of(self.pid):
                if arguments_of(pid)[1:2] == [work]:
                    return pid
            return None
        return until(find, f"a worker for {work}", timeout, step=0.002)

    def signal(self, number):
        os.kill(self.pid, number)

    def signal_and_see(self, number):
        """Sends a signal and waits until it was taken. Of those that wait together the kernel
        hands out the lowest first, and equal ones merge: so, one after the other."""
        os.kill(self.pid, number)

        def taken():
            try:
                return number not in mask_of(self.pid, "ShdPnd")
            except OSError:
                return True
        until(taken, f"signal {number} was taken", step=0.001)

    def kill(self):
        """SIGKILL to liteinit itself, as an engine does after its grace; a namespace dies with it.
        Unshare has no status for that, so there is none."""
        self.note_family()
        os.kill(self.pid, SIGKILL)
        self.process.wait(DEADLINE)

    def wait_until_blocked(self):
        """Until signals are blocked: what is sent from here on cannot be lost."""
        until(lambda: SIGTERM in mask_of(self.pid, "SigBlk"), "signals are blocked",
              step=0.0005)

    def wait_event(self, name, timeout=DEADLINE, **fields):
        """The first event of this name whose fields are these; waits for it."""
        return self.wait_for(
            lambda: next((e for e in self.events if e["event"] == name and
                          all(e.get(k) == v for k, v in fields.items())), None),
            f"event {name} {fields or ''}", timeout)

    def wait_out(self, text, timeout=DEADLINE):
        """Until the app has written this on stdout."""
        return self.wait_for(lambda: text in self.out, f"{text!r} on stdout", timeout)

    def wait_for(self, condition, what, timeout=DEADLINE):
        end = time.monotonic() + timeout
        with self.changed:
            while True:
                value = condition()
                if value:
                    return value
                left = end - time.monotonic()
                ended = self.process.poll() is not None and not self.readers[0].is_alive()
                if left <= 0 or ended:
                    raise AssertionError(f"no {what} {'in its life' if ended else 'in time'}:\n" +
                                         self.log())
                self.changed.wait(min(left, 0.2))

    def wait(self, timeout=DEADLINE):
        """The exit status as a container engine sees it; all output has been read then."""
        try:
            status = self.process.wait(timeout)
        except subprocess.TimeoutExpired as timed_out:
            raise AssertionError(f"still there after {timeout:g} s:\n" + self.log()) from timed_out
        self.ended = time.monotonic()
        for reader in self.readers:
            reader.join(5)
        return status if status >= 0 else 128 - status

    def stop(self, number=SIGTERM, timeout=DEADLINE):
        """Sends a stop signal; the exit status and how many seconds it took."""
        begin = time.monotonic()
        self.signal(number)
        status = self.wait(timeout)
        return status, self.ended - begin

    def named(self, name):
        return [e for e in self.events if e["event"] == name]

    def order(self, *names):
        """True when events of these names are there, in this order."""
        seen = [e["event"] for e in self.events]
        at = 0
        for name in names:
            if name not in seen[at:]:
                return False
            at = seen.index(name, at) + 1
        return True

    def log(self):
        return "\n".join(self.lines) or "(nothing on stderr)"

    def end(self):
        """Leaves nothing running, whatever the test came to."""
        if self.process.poll() is None:
            self.note_family()
            self.process.kill()  # --kill-child takes a namespace along
            self.process.wait(DEADLINE)
        self.end_family()
        for reader in self.readers:
            reader.join(2)

    def note_family(self):
        """Remembers who descends from a plain child, to end them after its death."""
        if not self.pid1 and self.process.poll() is None:
            self.family.update((pid, stat_of(pid).get("since"))
                               for pid in self.descendants(self.process.pid))

    def end_family(self):
        for pid, since in self.family.items():
            if since is not None and stat_of(pid).get("since") == since:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, SIGKILL)
        self.family.clear()

    @staticmethod
    def descendants(pid):
        found = []
        for child in children_of(pid):
            found += [*Life.descendants(child), child]
        return found


class Box:
    """A folder with a database and migrations, and the liteinits that ran on it."""

    def __init__(self, folder):
        self.folder = Path(folder)
        self.data = self.folder / "data"
        self.data.mkdir()
        self.db = self.data / "app.db"
        self.migrations = self.folder / "migrations"
        self.migrations.mkdir()
        self.lives = []

    def migration(self, name, sql):
        """Writes a migration file; the name without .sql."""
        (self.migrations / f"{name}.sql").write_text(sql, encoding="utf-8")

    def environment(self, **more):
        env = {"PATH": os.environ["PATH"], "LITEINIT_DB": str(self.db),
               "LITEINIT_MIGRATIONS": str(self.migrations), "PYTHONUNBUFFERED": "1"}
        if "ASAN_OPTIONS" in os.environ:
            env["ASAN_OPTIONS"] = os.environ["ASAN_OPTIONS"]
        env.update({key: str(value) for key, value in more.items()})
        return {key: value for key, value in env.items() if value != "None"}

    def __call__(self, *command, options=(), pid1=True, env=None, cwd=None, **popen):
        """Starts liteinit over `command`. env adds variables; one that is None is taken away.
        uid= runs all of it as another user, which needs root; program= is another copy of it."""
        if pid1:
            need_namespaces()
        life = Life([*options, "--", *command], pid1, self.environment(**(env or {})),
                    cwd or self.folder, **popen)
        self.lives.append(life)
        return life

    def rows(self, sql, *values, path=None):
        """What an independent SQLite says."""
        with contextlib.closing(sqlite3.connect(path or self.db, timeout=10)) as db:
            return db.execute(sql, values).fetchall()

    def value(self, sql, *values):
        return self.rows(sql, *values)[0][0]

    def applied(self):
        return [row[0] for row in
                self.rows("SELECT version FROM schema_migrations ORDER BY version")]

    def attempts(self):
        """(version, status) of every attempt, the oldest first."""
        return self.rows("SELECT version, status FROM migration_history ORDER BY id")

    def leftovers(self):
        """The sidecars of the database that have something in them."""
        return [p.name for p in self.data.iterdir()
                if p.name.startswith(self.db.name + "-") and p.stat().st_size > 0]

    def integrity(self):
        return self.value("PRAGMA integrity_check")

    def record(self):
        """How the last life ended, as liteinit wrote it down."""
        path = self.data / "app.db.liteinit.state"
        return json.loads(path.read_text(encoding="utf-8"))

    def end(self):
        for life in self.lives:
            life.end()
