"""What all tests share: profiles of the property tests, and that nothing is skipped in CI."""

import os
import signal
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from support.fork_servers import one_fork_server

SHARED = Path(__file__).parents[2] / "shared"
"""Interoperability vectors, beside the repository where there are any."""

IN_CI = bool(os.environ.get("CI"))

# Nothing about how long an example takes: the machine may be busy.
settings.register_profile("default", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile(
    "ci",
    deadline=None,
    derandomize=True,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("ci" if IN_CI else "default")


# Started in the background of a shell (`make test &`, nohup), we and every command under test
# would inherit that Ctrl-C is ignored.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session", autouse=True)
def fork_servers() -> Iterator[None]:
    """Have the scans of this process share what forks their workers; commands have their own."""
    with one_fork_server():
        yield


_MEASURING = {name: value for name, value in os.environ.items() if "COVERAGE_PROCESS_" in name}
"""By what coverage measures the programs that this process starts."""


@pytest.fixture(scope="session", autouse=True)
def own_coverage() -> None:
    """
    Count as covered what the processes that run tests run, and not what these start.

    Programs take twice as long when they are measured; see `measured_programs`.
    """
    for name in _MEASURING:
        os.environ.pop(name, None)


@pytest.fixture(scope="module")
def measured_programs() -> Iterator[None]:
    """Count what the programs run that a module's tests start: for code that only programs run."""
    os.environ.update(_MEASURING)
    yield
    for name in _MEASURING:
        os.environ.pop(name, None)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """
    Turn a skipped test into a failed one in CI, and one that was expected to fail.

    Elsewhere a test may skip, with its reason, when a server, a package or the vectors beside
    the repository are not there. In CI everything is there, except for the vectors where the
    repository stands alone.
    """
    report = yield
    if not (IN_CI and report.skipped):
        return report
    if item.get_closest_marker("shared") and not SHARED.is_dir():
        return report
    report.outcome = "failed"
    report.longrepr = f"skipped in CI, where nothing may be: {report.longrepr}"
    return report
