"""Fixtures for the tests of the real binary."""

import importlib.util
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

pytest.register_assert_rewrite("harness")
import harness  # noqa: E402  pylint: disable=wrong-import-position

# With CI=true a skip that nobody expects is a failure.
pytest_plugins = ["ci_skips"] if importlib.util.find_spec("ci_skips") else []


@pytest.fixture
def liteinit(tmp_path):
    """A harness.Box in a folder of its own; nothing that it started outlives the test."""
    box = harness.Box(tmp_path)
    yield box
    box.end()


def pytest_configure(config):
    config.addinivalue_line("markers", "slow: takes more than a few seconds")
    if not harness.BIN:
        pytest.exit("LITEINIT_BIN must name the binary under test", returncode=4)
