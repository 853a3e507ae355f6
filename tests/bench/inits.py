"""The inits: start and end of an app, idle memory, the size of the binary."""

import os
import shutil
import signal
import subprocess
import time

from measure import (HERE, MB, flags, fresh_database, median, row, run, say, target)


class Inits:
    """The commands that start an app under each init; None for one that is not installed."""

    def __init__(self, liteinit, folder):
        self.commands = {
            "liteinit, nothing to prepare": [liteinit, "--prepare", "never", "--"],
            "liteinit, database up to date": [liteinit, *flags(folder), "--"],
        }
        for name, command in {
            "tini": ["tini", "-s", "--"],
            "dumb-init": ["dumb-init", "--"],
            "catatonit": ["catatonit", "--"],
        }.items():
            if shutil.which(name):
                self.commands[name] = [shutil.which(name), *command[1:]]


def bench_start(liteinit, work, rounds):
    say(f"Start and end of an app ({rounds} rounds in turns, medians)")
    stamp = work / "stamp"
    run([os.environ.get("CC", "cc"), "-O2", "-static", "-o", stamp, HERE / "stamp.c"])
    folder = fresh_database(work / "start")
    run([liteinit, "prepare", *flags(folder)])
    inits = Inits(liteinit, folder)
    began = {name: [] for name in inits.commands}
    ended = {name: [] for name in inits.commands}
    for _ in range(rounds):
        for name, command in inits.commands.items():
            argv = [str(a) for a in (*command, stamp)]
            start = time.monotonic_ns()
            process = subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
            output = process.stdout.read()
            process.wait()
            end = time.monotonic_ns()
            process.stdout.close()
            began[name].append((int(output) - start) / 1e6)
            ended[name].append((end - int(output)) / 1e6)
    tini = median(began["tini"]) if "tini" in began else None
    for name, values in began.items():
        note = ""
        if tini is not None:
            more = median(values) - tini
            note = f"{more:+.2f} ms against tini"
            if name == "liteinit, database up to date":
                note += "; " + target(more <= 2, "at most 2 ms more")
        row(name, f"{median(values):.2f} ms", note)
    say("  From the app's end to the init's end:")
    for name, values in ended.items():
        note = ""
        if name == "liteinit, database up to date":
            note = target(median(values) <= 10, "at most 10 ms with an empty WAL")
        row(name, f"{median(values):.2f} ms", note)


def pss(pid):
    with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as lines:
        for line in lines:
            if line.startswith("Pss:"):
                return int(line.split()[1])
    return None


def image(work, programs):
    """A root folder with these programs and their libraries, as an image has them: copies, that no
    process outside shares."""
    root = work / "image"
    for program in programs:
        (root / program.lstrip("/")).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(program, root / program.lstrip("/"))
        found = subprocess.run(["ldd", program], capture_output=True, text=True, check=False)
        for word in found.stdout.split():
            if word.startswith("/"):
                (root / word.lstrip("/")).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(word, root / word.lstrip("/"))
    return root


def idle_pss(argv):
    """The Pss of the process that argv becomes, once it has stopped changing."""
    process = subprocess.Popen([str(a) for a in argv], stdout=subprocess.DEVNULL,
                               stderr=subprocess.DEVNULL)
    last = None
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        time.sleep(0.1)
        size = pss(process.pid)
        if size is not None and size == last:
            break
        last = size
    process.send_signal(signal.SIGTERM)
    process.wait()
    return last


def bench_memory(liteinit, work, rounds):
    folder = fresh_database(work / "memory")
    run([liteinit, "prepare", *flags(folder)])
    inits = Inits(liteinit, folder).commands
    sleep = os.path.realpath(shutil.which("sleep"))
    places = [("on the host, its libc shared with all that runs there", inits, sleep)]
    if os.geteuid() == 0:
        names = [os.path.realpath(command[0]) for command in inits.values()]
        root = image(work, [*names, sleep])
        inside = fresh_database(root / "data")
        run([liteinit, "prepare", *flags(inside)])
        moved = {name: ["chroot", root, os.path.realpath(command[0]),
                        *[str(a).replace(str(folder), "/data") for a in command[1:]]]
                 for name, command in inits.items()}
        places.append(("in a root of its own, as in a container", moved, sleep))
    for place, commands, app in places:
        say(f"Idle memory of the init while an app runs, {place} (Pss, median of {rounds})")
        sizes = {name: [] for name in commands}
        for _ in range(rounds):
            for name, command in commands.items():
                sizes[name].append(idle_pss([*command, app, "60"]))
        for name, values in sizes.items():
            note = ""
            if "tini" in sizes and name == "liteinit, database up to date":
                note = target(median(values) <= median(sizes["tini"]), "at most tini's")
            row(name, f"{median(values):.0f} kB", note)
    if shutil.which("s6-svscan"):
        (work / "scan").mkdir(exist_ok=True)
        row("s6-svscan on the host (no app)", f"{idle_pss(['s6-svscan', work / 'scan']):.0f} kB")


def bench_size(liteinit):
    say("Size of the binary")
    size = os.path.getsize(liteinit)
    row("liteinit, static and stripped", f"{size / MB:.2f} MiB",
        target(size <= 1.5 * 1e6, "at most 1.5 MB"))
    for name in ("tini", "dumb-init", "catatonit"):
        path = shutil.which(name)
        if path:
            row(f"{name} (dynamic)", f"{os.path.getsize(path) / 1024:.0f} KiB")
