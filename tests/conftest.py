"""What all tests share, and what the harnesses counted, told at the end of a run."""

import signal

import pytest
from hypothesis import HealthCheck, settings

# A shell starts what it puts into the background deaf to Ctrl-C, and so would be every process of the tests.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

pytest.register_assert_rewrite("vns3_rig")
# A machine that does other things meanwhile is slow, not wrong.
settings.register_profile("patient", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("patient")

COUNTS = (" lives", " faults at ", " rounds")


def counts_of(reports):
    """What the tests printed that counts something, with the test's name."""
    for report in reports:
        for line in report.capstdout.splitlines():
            if any(word in line for word in COUNTS):
                yield report.nodeid.rpartition("::")[2], line


def pytest_terminal_summary(terminalreporter):
    """The table of what the harnesses lived through; pytest keeps what a good test prints to itself."""
    reports = [report for report in terminalreporter.getreports("passed") if report.when == "call"]
    rows = list(counts_of(reports))
    if rows:
        terminalreporter.section("what the harnesses lived through")
        for test, line in rows:
            terminalreporter.write_line(f"{test}: {line}")
