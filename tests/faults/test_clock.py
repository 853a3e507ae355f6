"""A clock that was wrong: machines without a battery start in 1970 until they have asked for the
time, and some come back from the future."""

import json

import pytest

from faults import App, backups_of, expect_unharmed, prepare


@pytest.mark.parametrize("keep", [1, 3])
def test_backups_from_the_future_do_not_push_out_the_one_just_made(tmp_path, keep):
    """The retention goes by the time in the manifests; the backup that this very migration relies
    on stays whatever the clock says."""
    app = App(tmp_path, "wal")
    box = app.case()
    for i in range(4):
        assert prepare(box, f"--reason=r{i}", command=("backup",)).returncode == 0
    folder = box.data / "backups"
    for i, manifest in enumerate(sorted(folder.glob("*.json"))):
        said = json.loads(manifest.read_text(encoding="utf-8"))
        said["created"] = f"2099-01-0{i + 1}T00:00:00.000Z"
        manifest.write_text(json.dumps(said), encoding="utf-8")
    before = set(backups_of(folder))
    done = prepare(box, f"--keep={keep}")
    assert done.returncode == 0, done.stderr
    expect_unharmed(app, box, migrated=True)
    new = set(backups_of(folder)) - before
    assert len(new) == 1, done.stderr
    assert box.value("SELECT backup FROM schema_migrations WHERE version = 3") == str(
        folder / new.pop())
    assert len(backups_of(folder)) == keep + 1
