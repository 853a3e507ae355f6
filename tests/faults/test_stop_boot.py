"""SIGTERM at random moments of a start as PID 1 that rolls back, migrates several files or puts a
backup back: it ends with 143 and nothing is half done."""

import contextlib
import random
import time
from signal import SIGTERM

import pytest

from faults import LONG, fast_folder, options_of
from harness import need_namespaces
from test_kill_down import WORKS, Shop

STARTS = {
    "rollback": ("--on-newer-schema=rollback",),
    "up": ("--rehearse=never",),
    "up-rehearsed": ("--rehearse=always",),
    "up-restore": ("--rehearse=never", "--on-failure=restore"),
}


@pytest.mark.parametrize("mode", ["wal", "crashed", "delete"])
@pytest.mark.parametrize("name", STARTS)
def test_stop_at_a_random_moment(tmp_path, mode, name):
    need_namespaces()
    work = next(work for work in WORKS if work.name == name)
    chance = random.Random(f"{name} {mode}")
    seen = {}
    with fast_folder(tmp_path) as folder:
        shop = Shop(folder, mode, work)
        started = 0
        for _ in range(100 if LONG else 5):
            box = shop.case()
            life = box("sleep", "60", options=[*options_of(box), *STARTS[name]])
            delay = chance.random() * 0.015
            with contextlib.suppress(ProcessLookupError, AssertionError):  # it may have ended
                life.wait_until_blocked()
                time.sleep(delay)  # the moment is what is tested
                life.signal(SIGTERM)
            status = life.wait()
            what = f"{delay * 1000:.1f} ms ({name}, {mode}): {status}\n{life.log()}"
            assert status in {143, work.status or 143}, what
            was = shop.look(ended=True)
            started += life.named("app.start") != []
            if life.named("app.start"):
                assert was == work.after, what
            seen[tuple(was)] = seen.get(tuple(was), 0) + 1
            box.end()
            box.lives.clear()
    print(f"{name} {mode}: {seen}, the app was started {started} times")
