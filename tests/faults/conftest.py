"""Fixtures of the fault campaigns. The harness and the rule about skips are the integration
tests'."""

import sys
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "integration")]

pytest.register_assert_rewrite("harness", "faults")
import disks  # noqa: E402  pylint: disable=wrong-import-position
import faults  # noqa: E402  pylint: disable=wrong-import-position
import harness  # noqa: E402  pylint: disable=wrong-import-position

pytest_plugins = ["ci_skips"]


@pytest.fixture
def liteinit(tmp_path):
    """A harness.Box in a folder of its own; nothing that it started outlives the test."""
    box = harness.Box(tmp_path)
    yield box
    box.end()


@pytest.fixture(scope="session")
def mounts():
    """Mounts of the test's own."""
    disks.own_mounts()


@pytest.fixture
def disk(tmp_path, mounts):  # pylint: disable=redefined-outer-name,unused-argument
    """A disks.Disk, for a campaign that needs strace too."""
    faults.need_strace()
    with disks.mounted_disk(tmp_path) as made:
        yield made


def pytest_configure():
    if not harness.BIN:
        pytest.exit("LITEINIT_BIN must name the binary under test", returncode=4)
