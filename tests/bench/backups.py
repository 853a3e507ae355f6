"""The cold backup beside cp and the sqlite3 shell."""

import json
import os
import shutil
import subprocess

from measure import MB, fill, fresh_database, median, row, run, say, target, timed


def cold_backup(liteinit, folder):
    """Copy and verification of liteinit's cold backup, in ms, as its own event tells them."""
    shutil.rmtree(folder / "backups", ignore_errors=True)
    os.sync()
    done = subprocess.run(
        [str(a) for a in (liteinit, "prepare", "--db", folder / "app.db", "--backup", "always",
                          "--log-format", "json")],
        check=True, stderr=subprocess.PIPE, text=True)
    for line in done.stderr.splitlines():
        event = json.loads(line)
        if event["event"] == "backup.done":
            return event["copy_ms"], event["verify_ms"]
    raise AssertionError("no backup was made")


def bench_backup(liteinit, work, sizes, rounds):
    for size in sizes:
        say(f"Cold verified backup of {size // MB} MB ({rounds} rounds in turns, medians)")
        folder = fresh_database(work / f"backup{size}")
        fill(folder / "app.db", size)
        target_file = folder / "copy"
        copies, verifications, plain, shell = [], [], [], []

        def cp_and_sync():
            run(["cp", folder / "app.db", target_file])
            run(["sync", target_file])

        def sqlite_shell():
            run(["sqlite3", folder / "app.db", f".backup {target_file}"])

        # With the page cache warm for all, as it is right after the checks at start.
        run(["cat", folder / "app.db"], stdout=subprocess.DEVNULL)
        for _ in range(rounds):
            target_file.unlink(missing_ok=True)
            plain.append(timed(cp_and_sync))
            target_file.unlink(missing_ok=True)
            copy, verify = cold_backup(liteinit, folder)
            copies.append(copy)
            verifications.append(verify)
            if shutil.which("sqlite3"):
                shell.append(timed(sqlite_shell))
                target_file.unlink(missing_ok=True)
        ratio = median(copies) / median(plain)
        row("cp + sync", f"{median(plain):.0f} ms")
        row("liteinit: copying, summed and synced", f"{median(copies):.0f} ms",
            f"{ratio:.2f} x cp + sync; " + target(ratio <= 1.1, "at most 1.1 x"))
        row("liteinit: verification", f"{median(verifications):.0f} ms",
            "quick_check, row counts")
        if shell:
            row("sqlite3 .backup (unverified)", f"{median(shell):.0f} ms")
        shutil.rmtree(folder)
