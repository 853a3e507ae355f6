"""Fixtures of the fault campaigns. The harness and the rule about skips are the integration
tests'."""

import sys
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "integration")]

pytest.register_assert_rewrite("harness", "faults")
import harness  # noqa: E402  pylint: disable=wrong-import-position

pytest_plugins = ["ci_skips"]


@pytest.fixture
def liteinit(tmp_path):
    """A harness.Box in a folder of its own; nothing that it started outlives the test."""
    box = harness.Box(tmp_path)
    yield box
    box.end()


def pytest_configure():
    if not harness.BIN:
        pytest.exit("LITEINIT_BIN must name the binary under test", returncode=4)
