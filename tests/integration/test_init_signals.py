"""Signals: every catchable one reaches the app, none is lost, and a stop has one clock."""

import os
import signal
import subprocess
import sys
import time

import pytest

from harness import (BIN, is_alive, mask_of, namespace_command, need_namespaces, stat_of, until)

PYTHON = sys.executable
STOPS = {signal.SIGTERM, signal.SIGINT, signal.SIGQUIT, signal.SIGRTMIN + 3}
# SIGCHLD is init's own: it tells about its children.
OTHERS = sorted(set(signal.valid_signals()) - STOPS -
                {signal.SIGKILL, signal.SIGSTOP, signal.SIGCHLD})

# Writes the number of each signal that it gets, one a line; SIGUSR2 or a stop signal ends it.
LISTENER = """
import signal, sys
every = signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP, signal.SIGCHLD}
signal.pthread_sigmask(signal.SIG_BLOCK, every)
print("ready", flush=True)
last = {int(a) for a in sys.argv[1:]}
while True:
    n = int(signal.sigwaitinfo(every).si_signo)
    print(f"got {n}.", flush=True)
    if n in last:
        sys.exit(0)
"""


def listen(liteinit, *last, **kwargs):
    life = liteinit(PYTHON, "-c", LISTENER, *(str(int(n)) for n in last), **kwargs)
    life.wait_out("ready")
    return life


@pytest.mark.parametrize("pid1", [True, False])
def test_every_catchable_signal_is_forwarded(liteinit, pid1):
    life = listen(liteinit, signal.SIGTERM, pid1=pid1)
    for number in OTHERS:
        life.signal(number)
        life.wait_out(f"got {int(number)}.")
    assert not life.named("app.exit"), "only a stop signal may stop"
    status, _ = life.stop()
    assert status == 0


@pytest.mark.parametrize("number", sorted(STOPS))
def test_stop_signals_stop(liteinit, number):
    life = listen(liteinit, number)
    status, seconds = life.stop(number)
    assert status == 0
    assert seconds < 5
    assert f"got {int(number)}." in life.out
    assert life.wait_event("signal.forward")["level"] == "info"
    assert life.order("app.start", "signal.forward", "app.exit", "init.exit")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL, signal.SIGSEGV,
                                    signal.SIGUSR1, signal.SIGRTMIN + 5])
def test_status_is_128_and_the_signal_that_ended_the_app(liteinit, number):
    life = liteinit("sleep", "60")
    life.wait_event("app.start")
    os.kill(life.app_pid(), number)
    assert life.wait() == 128 + number
    assert life.wait_event("app.exit")["exit_code"] == 128 + number


@pytest.mark.parametrize("code", [0, 1, 3, 64, 77, 126, 127, 137, 143, 255])
def test_status_is_the_apps(liteinit, code):
    life = liteinit("sh", "-c", f"exit {code}")
    assert life.wait() == code
    assert life.wait_event("app.exit")["exit_code"] == code
    assert life.wait_event("init.exit")["exit_code"] == code


def test_expected_status_counts_as_zero(liteinit):
    life = liteinit("sleep", "60", options=["--expect-exit=143"])
    life.wait_event("app.start")
    status, _ = life.stop()
    assert status == 0
    assert life.wait_event("app.exit")["signal"] == "SIGTERM"
    assert liteinit("sh", "-c", "exit 3", options=["--expect-exit=143"]).wait() == 3


def test_stop_signal_is_translated(liteinit):
    life = listen(liteinit, signal.SIGQUIT, options=["--stop-signal=SIGQUIT"])
    status, _ = life.stop(signal.SIGTERM)
    assert status == 0
    assert f"got {int(signal.SIGQUIT)}." in life.out
    assert f"got {int(signal.SIGTERM)}." not in life.out


def test_rewritten_signals(liteinit):
    life = listen(liteinit, signal.SIGTERM, options=["--rewrite=1:10,12:0"])
    life.signal(signal.SIGUSR2)
    life.signal(signal.SIGHUP)
    life.wait_out(f"got {int(signal.SIGUSR1)}.")
    life.stop()
    assert f"got {int(signal.SIGUSR2)}." not in life.out
    assert f"got {int(signal.SIGHUP)}." not in life.out


FAMILY = r"""
import os, signal, sys, time
def say(who):
    def handler(n, frame):
        os.write(1, f"{who} got {n}.\n".encode())
        if n == signal.SIGTERM:
            os._exit(0)
    return handler
child = os.fork()
who = "leader" if child else "member"
signal.signal(signal.SIGUSR1, say(who))
signal.signal(signal.SIGTERM, say(who))
os.write(1, f"{who} ready\n".encode())
while True:
    time.sleep(60)
"""


@pytest.mark.parametrize("target", ["group", "child"])
def test_forwarding_to_group_or_child(liteinit, target):
    life = liteinit(PYTHON, "-c", FAMILY, options=[f"--forward-to={target}"])
    life.wait_out("leader ready")
    life.wait_out("member ready")
    life.signal(signal.SIGUSR1)
    life.wait_out("leader got 10.")
    if target == "group":
        life.wait_out("member got 10.")
    assert life.stop()[0] == 0
    assert ("member got 10." in life.out) == (target == "group")


def test_app_that_ignores_sigterm_is_killed_when_the_grace_is_over(liteinit):
    life = liteinit("sh", "-c", "trap '' TERM; echo ready; while :; do sleep 1; done",
                    options=["--stop-timeout=700ms"])
    life.wait_out("ready")
    status, seconds = life.stop()
    assert status == 137
    assert 0.7 <= seconds < 5
    event = life.wait_event("app.killed")
    assert event["signal"] == "SIGKILL"
    assert "stop_grace_period" in event["hint"]
    assert life.order("signal.forward", "app.killed", "app.exit", "init.exit")
    assert liteinit.record()["killed"] is True


def test_second_stop_signal_is_forwarded_and_changes_no_clock(liteinit):
    life = listen(liteinit, options=["--stop-timeout=900ms"])
    begin = time.monotonic()
    life.signal(signal.SIGTERM)
    life.wait_out("got 15.")
    life.signal(signal.SIGINT)
    life.wait_out("got 2.")
    assert life.wait() == 137
    assert life.ended - begin >= 0.9
    assert len(life.named("signal.forward")) == 2


@pytest.mark.parametrize("after", [[signal.SIGQUIT], [signal.SIGTERM, signal.SIGTERM]])
def test_who_will_not_wait_is_obeyed(liteinit, after):
    life = listen(liteinit, options=["--stop-timeout=60s"])
    life.signal(signal.SIGTERM)
    life.wait_event("signal.forward")
    begin = time.monotonic()
    for number in after:
        life.signal_and_see(number)
    assert life.wait() == 137
    assert life.ended - begin < 5
    assert life.wait_event("app.killed")


def test_app_that_ends_while_it_is_stopped(liteinit):
    life = liteinit("sh", "-c", "trap 'sleep 0.4; exit 7' TERM; echo ready; while :; do sleep 0.05; done")
    life.wait_out("ready")
    status, seconds = life.stop()
    assert status == 7
    assert 0.4 <= seconds < 5
    assert not life.named("app.killed")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGRTMIN + 3])
@pytest.mark.parametrize("prepare", ["always", "never"])
@pytest.mark.parametrize("pid1", [True, False])
def test_stop_that_is_there_before_anything_else(liteinit, number, pid1, prepare):
    """It was sent in the first moment: pending, blocked, before the app or a worker exists."""
    begin = ("import os, signal, sys;"
             f"signal.pthread_sigmask(signal.SIG_BLOCK, [{int(number)}]);"
             f"os.kill(os.getpid(), {int(number)});"
             "os.execv(sys.argv[1], sys.argv[1:])")
    box = liteinit
    wrapped = [PYTHON, "-c", begin, BIN, f"--prepare={prepare}", "--", "sh", "-c",
               "echo the app runs"]
    if pid1:
        need_namespaces()
        wrapped = [*namespace_command(), *wrapped]
    done = subprocess.run(wrapped, env=box.environment(), capture_output=True, timeout=30,
                          check=False)
    assert done.returncode == 128 + number
    assert b"the app runs" not in done.stdout
    assert b"app.start" not in done.stderr
    assert b"the app was not started" in done.stderr
    assert not box.db.exists(), "nothing was begun"


def test_no_stop_is_lost_however_early(liteinit):
    """From the moment that signals are blocked, a stop works: before, while and after the worker
    runs and the app is started."""
    apps = 0
    for i in range(25):
        life = liteinit("sleep", "60", pid1=i % 2 == 0)
        life.wait_until_blocked()
        end = time.perf_counter() + i * 0.0004
        while time.perf_counter() < end:
            pass
        status, seconds = life.stop()
        assert status == 143, life.log()
        assert seconds < 5
        apps += bool(life.named("app.start"))
    assert apps < 25, "none came early enough to be a test"


def test_app_starts_with_the_mask_and_dispositions_of_before(liteinit):
    """Blocked and ignored signals stay so for the app, and nothing else is."""
    def prepare():
        signal.pthread_sigmask(signal.SIG_SETMASK, [signal.SIGUSR2, signal.SIGRTMIN + 1])
        for number in (signal.SIGUSR1, signal.SIGPIPE, signal.SIGTTOU):
            signal.signal(number, signal.SIG_IGN)
        signal.signal(signal.SIGXFSZ, signal.SIG_DFL)  # Python ignores it

    life = liteinit("sleep", "60", pid1=False, preexec_fn=prepare, restore_signals=False)
    app = life.app_pid()
    assert mask_of(app, "SigBlk") == {signal.SIGUSR2, signal.SIGRTMIN + 1}
    assert mask_of(app, "SigIgn") == {signal.SIGUSR1, signal.SIGPIPE, signal.SIGTTOU}
    assert mask_of(app, "SigCgt") == set()
    # liteinit itself has every signal blocked and handles none: they come through a descriptor.
    assert mask_of(life.pid, "SigBlk") == set(range(1, 65)) - {signal.SIGKILL, signal.SIGSTOP}
    # (A build with sanitizers has handlers for its own faults.)
    faults = {signal.SIGSEGV, signal.SIGBUS, signal.SIGFPE}
    assert mask_of(life.pid, "SigCgt") - faults == set()
    assert life.stop()[0] == 143


def test_plain_start_gives_the_app_a_plain_mask(liteinit):
    life = liteinit("sleep", "60")
    app = life.app_pid()
    assert mask_of(app, "SigBlk") == set()
    assert mask_of(app, "SigIgn") == set()
    assert life.stop()[0] == 143


def test_status_is_known_with_sigchld_ignored(liteinit):
    """A parent that ignores SIGCHLD leaves it so: then the kernel would reap in our place."""
    life = liteinit(PYTHON, "-S", "-c", "input(); raise SystemExit(5)", pid1=False,
                    stdin=subprocess.PIPE, restore_signals=False,
                    preexec_fn=lambda: signal.signal(signal.SIGCHLD, signal.SIG_IGN))
    assert signal.SIGCHLD in mask_of(life.app_pid(), "SigIgn")
    assert signal.SIGCHLD not in mask_of(life.pid, "SigIgn")
    life.process.stdin.close()
    assert life.wait() == 1, "the end of its input is an error in Python"
    life = liteinit(PYTHON, "-S", "-c", "raise SystemExit(5)", pid1=False, restore_signals=False,
                    preexec_fn=lambda: signal.signal(signal.SIGCHLD, signal.SIG_IGN))
    assert life.wait() == 5


def test_nothing_wakes_it_while_the_app_runs(liteinit):
    life = liteinit("sleep", "60")
    life.wait_event("app.start")

    def switches():
        with open(f"/proc/{life.pid}/status", encoding="utf-8") as status:
            return next(line for line in status if line.startswith("voluntary"))

    until(lambda: stat_of(life.pid)["state"] == "S", "it sleeps")
    before = switches()
    time.sleep(2)
    assert switches() == before
    assert is_alive(life.pid)
    assert life.stop()[0] == 143


def test_log_that_nobody_reads_ends_nothing(liteinit):
    """Writing to a closed log raises SIGPIPE in liteinit: no worker dies of it, and it is not the
    app's business."""
    liteinit.migration("001_notes", "CREATE TABLE notes (text);\n")
    reader, writer = os.pipe()
    os.close(reader)
    environment = liteinit.environment(LITEINIT_LOG_LEVEL="debug")
    process = subprocess.Popen([BIN, "--", PYTHON, "-c", LISTENER, "15"], env=environment,
                               stderr=writer, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL)
    os.close(writer)

    def read_until(text):
        nonlocal out
        while text not in out:
            data = os.read(process.stdout.fileno(), 100)
            assert data, f"it ended with status {process.wait(20)} after {out}"
            out += data

    out = b""
    try:
        read_until(b"ready")
        process.send_signal(signal.SIGUSR1)
        read_until(b"got 10.")
        process.send_signal(signal.SIGTERM)
        rest, _ = process.communicate(timeout=20)
        assert process.returncode == 0
        assert b"got 13." not in out + rest
    finally:
        if process.poll() is None:
            process.kill()
            process.wait(20)
        process.stdout.close()
    assert liteinit.leftovers() == []
    assert liteinit.applied() == [1]
