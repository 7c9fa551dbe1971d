"""The table of what a process pickled: byte for byte, bounded, and of late protocols only."""

import pickle
import threading

import pytest

from weighbridge.load.guard.own_pickles import OwnPickles

DATA = pickle.dumps(["some", "value"], 4)


def test_exact_bytes_are_known() -> None:
    """A pickle is known again by its bytes alone, and no bytes that differ in one are."""
    own = OwnPickles()
    own.keep(DATA)
    assert own.made(bytes(bytearray(DATA)))
    for position in range(2, len(DATA)):
        changed = bytearray(DATA)
        changed[position] ^= 1
        assert not own.made(bytes(changed))
    assert not own.made(DATA + b"x")
    assert not own.made(DATA[:-1])


@pytest.mark.parametrize("protocol", [0, 1, 2, 3])
def test_protocols_with_names_that_end_with_their_line_do_not_count(protocol: int) -> None:
    """What could go on as other opcodes behind a name with a line break is never kept."""
    own = OwnPickles()
    data = pickle.dumps([1], protocol)
    own.keep(data)
    assert not own.made(data)


@pytest.mark.parametrize("data", [b"", b"\x80", b"\x80\x04", bytearray(DATA), memoryview(DATA), 1])
def test_what_is_no_bytes_of_a_pickle_does_not_count(data: object) -> None:
    """Only immutable bytes that begin as a pickle are kept."""
    own = OwnPickles()
    own.keep(data)
    assert not own.made(data)


def test_the_oldest_is_forgotten_first() -> None:
    """As many as were agreed on are kept, those that were used last."""
    own = OwnPickles(size=2)
    first, second, third = (pickle.dumps(number, 5) for number in range(3))
    own.keep(first)
    own.keep(second)
    assert own.made(first)
    own.keep(third)
    assert [own.made(each) for each in (first, second, third)] == [True, False, True]


def test_a_child_does_not_wait_for_its_parents_threads() -> None:
    """A lock that another thread held at a fork is not the child's."""
    own = OwnPickles()
    own.keep(DATA)
    held = threading.Event()
    go_on = threading.Event()

    def hold() -> None:
        with own._lock:
            held.set()
            go_on.wait()

    thread = threading.Thread(target=hold)
    thread.start()
    held.wait()
    own.after_fork()
    assert own.made(DATA)
    go_on.set()
    thread.join()
