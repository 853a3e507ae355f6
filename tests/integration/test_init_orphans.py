"""Other processes: orphans are reaped, and nobody that may hold the database outlives the app
unseen: it is asked to stop, then killed, and only then the WAL is folded in."""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from harness import BIN, children_of, is_alive, need_root, stat_of, until

PYTHON = sys.executable
TABLE = "CREATE TABLE notes (id INTEGER PRIMARY KEY, text TEXT NOT NULL);\n"

# Many processes whose parent ends before them; ends itself when none is left unreaped.
ORPHANS = r"""
import os, sys, time
count, batch = int(sys.argv[1]), 250
for _ in range(count // batch):
    child = os.fork()
    if child == 0:
        for _ in range(batch):
            if os.fork() == 0:
                os._exit(0)
        os._exit(0)
    os.waitpid(child, 0)
init = os.getppid()
def left():
    n = 0
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                fields = open(f"/proc/{entry}/stat").read().rpartition(")")[2].split()
            except OSError:
                continue
            n += int(fields[1]) == init and int(entry) != os.getpid()
    return n
end = time.monotonic() + 60
while left() and time.monotonic() < end:
    time.sleep(0.02)
sys.exit(9 if left() else 0)
"""


@pytest.mark.parametrize("pid1", [True, False])
def test_ten_thousand_orphans(liteinit, pid1):
    life = liteinit(PYTHON, "-S", "-c", ORPHANS, "10000", pid1=pid1)
    assert life.wait(150) == 0


# The app of these tests: starts something that outlives it, waits for SIGTERM, ends.
APP = r"""
import os, signal, subprocess, sys
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
child = subprocess.Popen(sys.argv[2:], start_new_session=sys.argv[1] == "away",
                         preexec_fn=lambda: signal.pthread_sigmask(signal.SIG_SETMASK, []))
child.stdout
print("ready", flush=True)
signal.sigwait([signal.SIGTERM])
os._exit(4)
"""

# Holds a write transaction on the database, and commits when it is asked to stop.
HOLDER = r"""
import signal, sqlite3, sys, time
db = sqlite3.connect(sys.argv[1], isolation_level=None)
db.execute("PRAGMA journal_mode=WAL")
db.execute("BEGIN IMMEDIATE")
db.execute("INSERT INTO notes (text) VALUES ('from the one that stayed')")
def stop(n, frame):
    time.sleep(0.5)
    db.execute("COMMIT")
    sys.stdout.write("committed\n"); sys.stdout.flush()
    sys.exit(0)
signal.signal(signal.SIGTERM, stop)
print("holding", flush=True)
while True:
    time.sleep(60)
"""


@pytest.mark.parametrize("pid1", [True, False])
@pytest.mark.parametrize("where", ["away", "group"])
def test_worker_that_outlives_the_app_and_holds_the_database(liteinit, pid1, where):
    liteinit.migration("001_notes", TABLE)
    life = liteinit(PYTHON, "-c", APP, where, PYTHON, "-c", HOLDER, str(liteinit.db), pid1=pid1,
                    options=["--forward-to=child"])
    life.wait_out("ready")
    life.wait_out("holding")
    status, seconds = life.stop()
    assert status == 4, "the app's status stands"
    assert "committed" in life.out
    assert seconds < 6, "it is left the moment the last one is gone"
    assert not life.named("stragglers.killed")
    assert life.order("app.exit", "db.close", "init.exit")
    assert liteinit.leftovers() == []
    assert liteinit.rows("SELECT text FROM notes") == [("from the one that stayed",)]


@pytest.mark.parametrize("pid1", [True, False])
def test_straggler_that_ignores_sigterm_is_killed_and_named(liteinit, pid1):
    liteinit.migration("001_notes", TABLE)
    stubborn = "trap '' TERM; echo stubborn; while :; do sleep 1; done"
    life = liteinit(PYTHON, "-c", APP, "away", "sh", "-c", stubborn, pid1=pid1,
                    options=["--stop-timeout=600ms"])
    life.wait_out("ready")
    life.wait_out("stubborn")
    status, seconds = life.stop()
    assert status == 4
    assert 0.6 <= seconds < 5
    event = life.wait_event("stragglers.killed")
    assert event["level"] == "warn"
    assert event["count"] in (1, 2), "sh, and its sleep unless that has just ended"
    assert "sh " in event["processes"]
    assert not life.named("app.killed"), "the app itself did stop"
    assert life.order("app.exit", "stragglers.killed", "db.close", "init.exit")


def test_app_that_ends_by_itself_leaves_a_whole_grace_to_the_others(liteinit):
    liteinit.migration("001_notes", TABLE)
    script = "(trap 'sleep 0.3; echo tidied; exit' TERM; echo in; while :; do sleep 0.05; done) & " \
             "sleep 0.3; exit 6"
    life = liteinit("sh", "-c", script, options=["--stop-timeout=20s"])
    assert life.wait() == 6
    assert "tidied" in life.out
    assert life.wait_event("app.exit")["level"] == "error"
    assert not life.named("stragglers.killed")


def test_everything_dies_with_an_app_that_does_not_stop(liteinit):
    script = "trap '' TERM; setsid sh -c 'trap \"\" TERM; while :; do sleep 1; done' & " \
             "echo ready; while :; do sleep 1; done"
    life = liteinit("sh", "-c", script, options=["--stop-timeout=500ms"], pid1=False)
    life.wait_out("ready")
    until(lambda: len(life.descendants(life.pid)) >= 3, "the family is there")
    family = life.descendants(life.pid)
    status, seconds = life.stop()
    assert status == 137
    assert seconds < 5
    assert [pid for pid in family if is_alive(pid)] == []
    assert life.wait_event("app.killed")
    assert life.wait_event("stragglers.killed")["count"] >= 1


def test_process_that_came_in_from_outside(liteinit):
    """What `docker exec` starts is in the namespace, but nobody's child there."""
    need_root()
    liteinit.migration("001_notes", TABLE)
    life = liteinit("sleep", "60")
    life.wait_event("app.start")
    guest = subprocess.Popen(["nsenter", "--target", str(life.pid), "--pid", "--mount", "--",
                              "sh", "-c", "trap 'sleep 0.4; echo bye; exit 0' TERM; echo in;"
                              "while :; do sleep 0.05; done"], stdout=subprocess.PIPE)
    try:
        assert guest.stdout.readline() == b"in\n"
        status, seconds = life.stop()
        assert status == 143
        assert 0.4 <= seconds < 5
        assert guest.stdout.readline() == b"bye\n"
        assert guest.wait(10) == 0
        assert liteinit.leftovers() == []
    finally:
        guest.kill()
        guest.wait(10)
        guest.stdout.close()


def test_process_that_may_not_be_killed(liteinit):
    """liteinit as a plain user, and root came in: it waits its time, leaves the WAL alone, and
    goes with the app's status."""
    need_root()
    folder = Path(tempfile.mkdtemp(prefix="liteinit-"))
    guest = None
    try:
        shutil.copy(BIN, folder / "liteinit")
        (folder / "liteinit").chmod(0o755)
        os.chown(folder, 65534, 65534)
        life = liteinit("sleep", "60", uid=65534, cwd="/", program=str(folder / "liteinit"),
                        options=["--stop-timeout=300ms"],
                        env={"LITEINIT_DB": folder / "app.db", "LITEINIT_MIGRATIONS": None})
        life.wait_event("app.start")
        guest = subprocess.Popen(["nsenter", "--target", str(life.pid), "--pid", "--mount", "--",
                                  "sh", "-c", "echo in; exec sleep 60"], stdout=subprocess.PIPE)
        assert guest.stdout.readline() == b"in\n"
        status, seconds = life.stop()
        assert status == 143
        assert 1.3 <= seconds < 6, "the grace, and a second for what was killed"
        assert "sleep" in life.wait_event("stragglers.killed")["processes"]
        assert "cannot be killed" in life.wait_event("wal.checkpoint")["msg"]
        assert not life.named("db.close")
        record = json.loads((folder / "app.db.liteinit.state").read_text(encoding="utf-8"))
        assert record["wal"] == "left"
        # The namespace has ended with its init, and so has everybody in it.
        assert guest.wait(10) != 0
    finally:
        if guest is not None:
            guest.kill()
            guest.wait(10)
            guest.stdout.close()
        shutil.rmtree(folder)


def test_shell_of_docker_exec_does_not_hold_up_the_stop(liteinit):
    """An interactive shell ignores SIGTERM; it goes when its terminal does."""
    need_root()
    life = liteinit("sleep", "60", options=["--stop-timeout=20s"])
    life.wait_event("app.start")
    master, slave = os.openpty()

    def own_terminal():
        os.setsid()
        import fcntl
        import termios
        fcntl.ioctl(0, termios.TIOCSCTTY, 0)

    # nsenter forks, and the shell of a real engine leads its session: setsid --ctty does that.
    guest = subprocess.Popen(["nsenter", "--target", str(life.pid), "--pid", "--mount", "--",
                              "setsid", "--ctty", "--wait", "bash", "--norc", "-i"],
                             stdin=slave, stdout=slave, stderr=slave, preexec_fn=os.setpgrp)
    os.close(slave)
    try:
        os.write(master, b"echo shell-$((40 + 2))\n")
        seen = b""
        while b"shell-42" not in seen:
            seen += os.read(master, 1000)
        status, seconds = life.stop()
        assert status == 143
        assert seconds < 6
        assert not life.named("stragglers.killed")
    finally:
        guest.kill()
        guest.wait(10)
        os.close(master)


def test_orphans_of_a_running_app_leave_no_zombie(liteinit):
    life = liteinit("sh", "-c", "for i in 1 2 3 4 5 6 7 8; do (sleep 0.05 & exit 0); done;"
                    "echo ready; exec sleep 60")
    life.wait_out("ready")
    until(lambda: len(children_of(life.pid)) == 1, "only the app is left")
    assert [stat_of(pid)["state"] for pid in children_of(life.pid)] == ["S"]
    assert life.stop()[0] == 143


def test_it_adopts_orphans_when_it_is_not_pid_1(liteinit):
    """As a plain child it is a subreaper: what the app leaves behind does not escape."""
    life = liteinit("sh", "-c", "(setsid sleep 300 & exit 0); echo ready; exec sleep 60",
                    pid1=False)
    life.wait_out("ready")
    until(lambda: len(children_of(life.pid)) == 2, "the orphan is liteinit's child")
    orphans = children_of(life.pid)
    assert life.stop()[0] == 143
    assert [pid for pid in orphans if is_alive(pid)] == []


def test_signal_to_a_group_that_its_leader_has_left(liteinit):
    """The app moves to a group of another: it is still told to stop."""
    app = ("import os, signal, sys, time\n"
           "child = os.fork()\n"
           "if child == 0:\n"
           "    os.setpgid(0, 0)\n"
           "    time.sleep(300)\n"
           "time.sleep(0.2)\n"
           "os.setpgid(0, child)\n"
           "signal.signal(signal.SIGTERM, lambda n, f: os._exit(11))\n"
           "print('moved', flush=True)\n"
           "time.sleep(300)\n")
    life = liteinit(PYTHON, "-c", app)
    life.wait_out("moved")
    status, seconds = life.stop()
    assert status == 11
    assert seconds < 5
