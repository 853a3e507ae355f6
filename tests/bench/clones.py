"""The rehearsal on filesystems that share blocks, beside cp: on loop files, which only root may mount."""

import contextlib
import json
import os
import shutil
import subprocess

from measure import MB, flags, have, in_turns, median, ratio, row, run, say, spread, target


@contextlib.contextmanager
def volume(work, kind, size):
    """A folder on a new filesystem of this kind; None where that cannot be had."""
    image = work / f"{kind}.img"
    place = work / kind
    place.mkdir()
    with open(image, "wb") as file:
        file.truncate(size)
    try:
        made = subprocess.run([f"mkfs.{kind}", "-q", str(image)], capture_output=True, check=False)
        mounted = made.returncode == 0 and subprocess.run(
            ["mount", "-o", "loop", str(image), str(place)], capture_output=True,
            check=False).returncode == 0
        try:
            yield place if mounted else None
        finally:
            if mounted:
                run(["umount", place])
    finally:
        image.unlink()


def bench_clones(liteinit, work, source, rounds):
    size = os.path.getsize(source / "app.db")
    for kind in ("btrfs", "xfs"):
        say(f"A rehearsal of {size / MB:.0f} MB on {kind} ({rounds} rounds in turns, medians)")
        if os.geteuid() != 0 or not have(f"mkfs.{kind}"):
            row("not measured", "-", f"needs root and mkfs.{kind}")
            continue
        with volume(work, kind, 3 * size + 1024 * MB) as place:
            if place is None:
                row("not measured", "-", f"{kind} cannot be mounted here")
                continue
            measure(liteinit, place, source, rounds)
        if kind == "btrfs":
            say()


def measure(liteinit, place, source, rounds):
    shutil.copy(source / "app.db", place / "app.db")
    shutil.copytree(source / "m", place / "m")
    number = len(list((place / "m").iterdir())) + 1
    (place / "m" / f"{number:04}_more.sql").write_text("ALTER TABLE data ADD COLUMN rehearsed;\n")
    copies = []

    def rehearse(*more):
        done = run([liteinit, "up", "--dry-run", "--json", *flags(place), *more],
                   stdout=subprocess.PIPE)
        said = json.loads(done.stdout)
        assert said["cloned"], "the volume does not share blocks"
        copies.append(said["copy_ms"])

    def copy(*options):
        run(["cp", *options, place / "app.db", place / "copy"])
        run(["sync", place / "copy"])
        (place / "copy").unlink()

    times = in_turns(rounds, {
        "reflink": lambda: copy("--reflink=always"),
        "unchecked": lambda: rehearse("--check", "off"),
        "whole": rehearse,
        "copy": lambda: copy("--reflink=never"),
    })
    row("liteinit: the clone", f"{median(copies):.0f} ms",
        f"{spread(copies)}; " + target(median(copies) < 50, "under 50 ms"))
    row("cp --reflink=always + sync", f"{median(times['reflink']):.0f} ms", spread(times["reflink"]))
    row("up --dry-run --check off", f"{median(times['unchecked']):.0f} ms",
        f"{spread(times['unchecked'])}; {ratio(times['unchecked'], times['reflink'], 'cp --reflink')}")
    row("up --dry-run, with its check", f"{median(times['whole']):.0f} ms",
        spread(times["whole"]))
    row("cp --reflink=never + sync", f"{median(times['copy']):.0f} ms",
        f"{spread(times['copy'])}; {ratio(times['copy'], times['unchecked'], 'the rehearsal')}")
