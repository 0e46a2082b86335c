"""What holds for every test: marks and time limits by folder, obstacles, how hard Hypothesis tries."""

import os
import shutil
import signal
import sys
import threading
from collections.abc import Generator
from pathlib import Path

import pytest
import structlog
from hypothesis import settings

from elastic.local.sandbox import availability

TESTS = Path(__file__).parent

# Daemons start in seconds, but growing and shrinking takes minutes; `full` tests set their own limit.
LAB_TIMEOUT_SECONDS = 900

# No deadline: on a busy machine a slow example says nothing about the code, and pytest-timeout ends a hang.
# In CI the same examples every time: red is then the change's doing. New ones are tried everywhere else.
settings.register_profile("usual", deadline=None, max_examples=100, derandomize="CI" in os.environ)
# What was not told where to log prints to standard output, into whatever another test reads there.
structlog.configure(logger_factory=structlog.PrintLoggerFactory(file=sys.__stderr__))

settings.register_profile("full", deadline=None, max_examples=2000)
settings.load_profile("usual")


def lab_obstacle() -> str | None:
    """Why this machine cannot run the unpacked HTCondor daemons; None if it can."""
    available = availability()
    return None if available else available.reason


def browser_obstacle() -> str | None:
    """Why this machine cannot run the browser tests; None if it can."""
    return None if shutil.which("chromium") else "no browser (Debian package chromium)"


# Side by side, the longest begin first; a run is as long as its longest file.
LONGEST_FIRST = (
    "test_validate.py",
    "test_requirements.py",
    "test_kills.py",
    "test_faults.py",
    "test_unstartable.py",
    "test_stress.py",
)

OBSTACLES = {"lab": lab_obstacle, "browser": browser_obstacle}


def pytest_configure() -> None:
    """Give Ctrl-C back to whom tests start: in the background of a script it is ignored, and that is inherited."""
    if threading.current_thread() is threading.main_thread() and signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--nothing-skipped",
        action="store_true",
        help="count a skipped test as failed: for machines that can run all of them",
    )


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    reasons: dict[str, str | None] = {}
    items.sort(key=lambda item: LONGEST_FIRST.index(item.path.name) if item.path.name in LONGEST_FIRST else 99)
    for item in items:
        folder = item.path.relative_to(TESTS).parts[0] if item.path.is_relative_to(TESTS) else ""
        if folder not in OBSTACLES:
            continue
        if folder not in reasons:
            reasons[folder] = OBSTACLES[folder]()
        item.add_marker(folder)
        if folder == "lab":
            # Deadlines meet real daemons on a machine that others use: once more, and the summary tells of it.
            item.add_marker(pytest.mark.flaky(reruns=1))
        if item.get_closest_marker("timeout") is None:
            item.add_marker(pytest.mark.timeout(LAB_TIMEOUT_SECONDS))
        if reason := reasons[folder]:
            item.add_marker(pytest.mark.skip(reason=reason))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    _refuse_skip(report, item.config)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(
    collector: pytest.Collector,
) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    report = yield
    _refuse_skip(report, collector.config)
    return report


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say why first tries failed: that the second one passed explains nothing."""
    for report in terminalreporter.getreports("rerun"):
        terminalreporter.section(f"first try of {report.nodeid}", sep="-")
        terminalreporter.line(report.longreprtext)


def _refuse_skip(report: pytest.TestReport | pytest.CollectReport, config: pytest.Config) -> None:
    expected_failure = hasattr(report, "wasxfail")
    unshipped = isinstance(report, pytest.TestReport) and "unshipped" in report.keywords
    if report.skipped and not expected_failure and not unshipped and config.getoption("--nothing-skipped"):
        report.outcome = "failed"
        report.longrepr = f"skipped, where nothing may be: {report.longrepr}"
