"""Several streams in one file, and what one takes over from the other."""

from importlib import import_module

import pytest

from support.scanning import examined, rules_of
from weighbridge.core.artifact import FileFormat
from weighbridge.core.codes import Code

MODULE = import_module("weighbridge.scan.pickle_streams")

STORES = b"\x80\x04\x8c\x05posix\x94\x8c\x06system\x94\x93\x94."
"""A stream that leaves posix.system in its memo."""

CALLS = b"\x80\x04h\x02\x8c\x04true\x85R."
"""A stream that calls what an earlier one left in the memo."""


def _codes(*streams: bytes) -> set[str]:
    return rules_of(examined(b"".join(streams), format=FileFormat.PICKLE))


def test_a_call_through_the_memo_of_the_stream_before_is_found() -> None:
    """A program that unpickles twice with one unpickler would run it."""
    assert "pickle-dangerous-global" in _codes(STORES, CALLS)


@pytest.mark.parametrize(("bound", "gap"), [(2, True), (3, False)])
def test_a_memo_too_large_to_carry_is_a_gap(
    monkeypatch: pytest.MonkeyPatch, bound: int, gap: bool
) -> None:
    """Where the memo is not followed into the next stream, that is said; at the bound it is."""
    monkeypatch.setattr(MODULE, "MAX_CARRIED_MEMO", bound)
    assert (Code.SCAN_LIMIT in _codes(STORES, b"\x80\x04N.")) is gap


def test_a_single_stream_needs_no_memo_carried(monkeypatch: pytest.MonkeyPatch) -> None:
    """The bound is about following streams only."""
    monkeypatch.setattr(MODULE, "MAX_CARRIED_MEMO", 0)
    assert Code.SCAN_LIMIT not in _codes(b"\x80\x04]\x94.")
