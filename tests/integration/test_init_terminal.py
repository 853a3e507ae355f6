"""A terminal, when there is one, is the app's while it runs, and ours again afterwards."""

import contextlib
import fcntl
import os
import pty
import signal
import sys
import termios
import threading

import pytest

from harness import until

PYTHON = sys.executable


class Terminal:
    """A pseudo terminal, and what was written to it."""

    def __init__(self):
        self.master, self.slave = pty.openpty()
        self.seen = b""
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()

    def read(self):
        with contextlib.suppress(OSError):
            while data := os.read(self.master, 4096):
                self.seen += data

    def take(self):
        """In the child: makes it the controlling terminal of a session of its own."""
        os.setsid()
        fcntl.ioctl(self.slave, termios.TIOCSCTTY, 0)

    def front(self):
        """The process group in the foreground, as numbered outside."""
        return os.tcgetpgrp(self.master)

    def type(self, data):
        os.write(self.master, data)

    def close(self):
        os.close(self.slave)
        os.close(self.master)


@pytest.fixture
def terminal():
    made = Terminal()
    yield made
    made.close()


def on_terminal(liteinit, terminal, *command, **kwargs):
    """liteinit as the leader of the terminal's session; its log stays a pipe."""
    return liteinit(*command, stdin=terminal.slave, preexec_fn=terminal.take, **kwargs)


def test_app_is_in_the_foreground(liteinit, terminal):
    life = on_terminal(liteinit, terminal, PYTHON, "-S", "-c",
                       "import os; print(os.tcgetpgrp(0) == os.getpgrp(), flush=True);"
                       "print('line', input(), flush=True)", pid1=False)
    life.wait_out("True")
    assert terminal.front() == life.app_pid()
    terminal.type(b"hello\n")
    assert life.wait() == 0
    assert "line hello" in life.out


def test_control_c_reaches_the_app_alone(liteinit, terminal):
    life = on_terminal(liteinit, terminal, PYTHON, "-S", "-c",
                       "import os, signal, sys\n"
                       "signal.signal(signal.SIGINT, lambda n, f: os._exit(33))\n"
                       "print('ready', flush=True)\n"
                       "while True: signal.pause()\n", pid1=False)
    life.wait_out("ready")
    until(lambda: terminal.front() == life.app_pid(), "the app is in front")
    terminal.type(b"\x03")
    assert life.wait() == 33
    assert not life.named("signal.forward"), "the terminal itself told the app"
    assert "by itself" in life.wait_event("app.exit")["msg"]


def test_terminal_is_taken_back(liteinit, terminal):
    script = "(trap '' TERM HUP; echo armed; while :; do sleep 0.1; done) <&- & read line; exit 0"
    life = on_terminal(liteinit, terminal, "sh", "-c", script, pid1=False,
                       options=["--stop-timeout=1500ms"])
    life.wait_out("armed")
    terminal.type(b"\n")
    life.wait_event("app.exit")
    until(lambda: terminal.front() == life.pid, "liteinit is in front again", timeout=1.4)
    assert life.wait() == 0


def test_terminal_as_pid_1(liteinit, terminal):
    life = on_terminal(liteinit, terminal, PYTHON, "-S", "-c",
                       "import os; print(os.tcgetpgrp(0) == os.getpgrp(), flush=True); input()",
                       pid1=True)
    life.wait_out("True")
    terminal.type(b"\n")
    assert life.wait() == 0


def test_terminal_that_is_not_ours_is_left_alone(liteinit, terminal):
    """Standard input is a terminal, but of another session: the app is started all the same."""
    life = liteinit("sh", "-c", "echo started; exec sleep 60", pid1=False, stdin=terminal.slave,
                    start_new_session=True)
    life.wait_out("started")
    assert life.stop(signal.SIGTERM)[0] == 143


def test_hang_up_of_the_terminal_reaches_the_app(liteinit):
    terminal = Terminal()
    life = on_terminal(liteinit, terminal, PYTHON, "-S", "-c",
                       "import os, signal\n"
                       "signal.signal(signal.SIGHUP, lambda n, f: os._exit(44))\n"
                       "print('ready', flush=True)\n"
                       "while True: signal.pause()\n", pid1=False)
    life.wait_out("ready")
    life.signal(signal.SIGHUP)
    assert life.wait() == 44
    terminal.close()
