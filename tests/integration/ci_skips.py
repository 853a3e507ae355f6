"""A pytest plugin: with CI=true, a skipped test fails unless tests/expected-skips.txt lists it.

conftest.py loads it with `pytest_plugins = ["ci_skips"]`. Without CI=true it does nothing.
"""

import os
from pathlib import Path

import pytest

LIST = Path(__file__).resolve().parent.parent / "expected-skips.txt"


def expected_skips():
    lines = (line.strip() for line in LIST.read_text(encoding="utf-8").splitlines())
    return {line for line in lines if line and not line.startswith("#")}


def is_expected(nodeid, names):
    """nodeid is PATH/FILE::TEST[parameters]; names hold FILE::TEST or FILE."""
    path, _, test = nodeid.partition("::")
    file = path.rsplit("/", 1)[-1]
    return file in names or f"{file}::{test.split('[')[0]}" in names


def refuse(report):
    reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
    report.outcome = "failed"
    report.longrepr = (
        f"{report.nodeid[:200]}: {reason}\n"
        "In CI this skip is not expected: tests/expected-skips.txt does not list it."
    )


def is_surprising(report):
    return (
        report.outcome == "skipped"
        and not hasattr(report, "wasxfail")
        and os.environ.get("CI") == "true"
        and not is_expected(report.nodeid, expected_skips())
    )


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    outcome = yield
    report = outcome.get_result()
    if is_surprising(report):
        refuse(report)


@pytest.hookimpl(hookwrapper=True)
def pytest_make_collect_report(collector):
    """Whole files, skipped by pytest.importorskip or a skip at module level."""
    outcome = yield
    report = outcome.get_result()
    if is_surprising(report):
        refuse(report)
