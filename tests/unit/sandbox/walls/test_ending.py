"""What is said of how a program ended."""

from weighbridge.sandbox.groups.interface import MEMORY, PROCESSES
from weighbridge.sandbox.walls.ending import TIME_OVER, End

SHARES = {MEMORY: 200 << 20, PROCESSES: 20}


def test_each_reason_is_said_with_what_was_allowed() -> None:
    """An exit code tells neither that time was over nor what a group refused."""
    end = End(TIME_OVER, over=True, exceeded=frozenset(SHARES))
    over, memory, processes = end.complaints(SHARES)
    assert "its time was over" in over
    assert "200 MiB" in memory
    assert "isolation.memory-mib" in memory
    assert "20 at a time" in processes
    assert "isolation.processes" in processes


def test_nothing_is_said_of_a_program_that_ended_by_itself() -> None:
    """Whatever it exits with: it may be what a program has whose time was over."""
    assert not [*End(TIME_OVER).complaints({})]
