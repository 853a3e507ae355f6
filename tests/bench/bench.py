"""Figures of liteinit beside its peers, measured in turns in one run.

    sh tests/bench/run.sh [--quick] [PART…]

These machines are noisy: look at the ratios, not at the milliseconds. Nothing here passes or
fails; a target that is missed is marked so that a person looks at it.
"""

import argparse
import contextlib
import os
import sys
import tempfile
from pathlib import Path

from backups import bench_backup
from clones import bench_clones
from inits import bench_memory, bench_size, bench_start
from large import bench_large, make_large
from measure import MB, fresh_database, say
from migrations import bench_migrations, bench_rehearsed
from planning import bench_planning

PARTS = ("size", "start", "memory", "migrations", "rehearsed", "planning", "backup", "large",
         "clones")


def measure_large(liteinit, work, parts, quick):
    folder = fresh_database(work / "large", 0)
    make_large(folder / "app.db", 100 * MB if quick else 1024 * MB)
    if "large" in parts:
        bench_large(liteinit, folder, 4 if quick else 12)
        say()
    if "clones" in parts:
        bench_clones(liteinit, work, folder, 3 if quick else 5)
        say()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--liteinit", required=True)
    parser.add_argument("--folder", help="where the databases are made: a real disk")
    parser.add_argument("--quick", action="store_true", help="fewer rounds, no database of 1 GB")
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"of {', '.join(PARTS)}")
    options = parser.parse_args()
    for part in options.parts:
        if part not in PARTS:
            parser.error(f"there is no part {part}: {', '.join(PARTS)}")
    parts = options.parts or PARTS
    liteinit = Path(options.liteinit).resolve()
    quick = options.quick
    rounds = 20 if quick else 100
    few = 3 if quick else 7
    for name in ("LITEINIT_DB", "LITEINIT_MIGRATIONS", "DATABASE_PATH", "DATABASE_URL"):
        os.environ.pop(name, None)
    with contextlib.ExitStack() as stack:
        work = Path(stack.enter_context(tempfile.TemporaryDirectory(dir=options.folder)))
        for part, measure in {
            "size": lambda: bench_size(liteinit),
            "start": lambda: bench_start(liteinit, work, rounds),
            "memory": lambda: bench_memory(liteinit, work, few),
            "migrations": lambda: bench_migrations(liteinit, work, 1000, few),
            "rehearsed": lambda: bench_rehearsed(liteinit, work, 1000, few),
            "planning": lambda: bench_planning(
                liteinit, work, [100, 1000] if quick else [100, 1000, 10000], 5 if quick else 15),
            "backup": lambda: bench_backup(
                liteinit, work, [100 * MB] if quick else [100 * MB, 1024 * MB], few),
        }.items():
            if part in parts:
                measure()
                say()
        if "large" in parts or "clones" in parts:
            measure_large(liteinit, work, parts, quick)
    return 0


if __name__ == "__main__":
    sys.exit(main())
