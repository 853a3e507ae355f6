"""What a database says of itself goes to terminals: it must not be able to draw there."""

import contextlib
import sqlite3

from dbkit import must, tool


def test_records_cannot_draw_on_the_terminal(liteinit):
    liteinit.migration("001_first", "CREATE TABLE item (x);")
    must(tool(liteinit, "prepare"))
    with contextlib.closing(sqlite3.connect(liteinit.db)) as db:
        db.execute("UPDATE migration_history SET status = 'failed', started_at = char(27) || 'A',"
                   " error_message = char(27, 10, 13, 0x9B) || '[2J' || CAST(x'FF' AS TEXT)")
        db.commit()
    for command in ("history", "status"):
        plain = tool(liteinit, command)
        assert plain.status == 0
        assert not any(ord(c) < 32 and c != "\n" or 0x7F <= ord(c) < 0xA0 for c in plain.out)
        assert len([line for line in plain.out.splitlines() if "[2J" in line]) == 1
        assert "? ???[2J?" in plain.out
        assert tool(liteinit, command, "--json").document()
