"""More streams than one are reported, and how the memo joins them."""

import pytest

from support import pickles as p
from support.scanning import examined
from weighbridge.core.artifact import FileFormat
from weighbridge.core.evidence import Finding, Severity


def _found(data: bytes) -> list[Finding]:
    """Return the rule's findings about a raw pickle."""
    evidence = examined(data, format=FileFormat.PICKLE)
    return [e for e in evidence if isinstance(e, Finding) and e.rule == "pickle-several-streams"]


BAD = {
    "two": p.stream(p.NONE) + p.stream(p.NONE),
    "three-with-padding": p.stream(p.NONE) + bytes(3) + p.stream(p.NONE),
}
GOOD = {
    "one": p.stream(p.NONE),
}


@pytest.mark.parametrize("data", BAD.values(), ids=BAD)
def test_it_is_reported(data: bytes) -> None:
    """The stream has a finding of the rule, with a place and a message."""
    found = _found(data)
    assert found
    assert found[0].offset is not None
    assert found[0].message
    assert found[0].severity is Severity.LOW


@pytest.mark.parametrize("data", GOOD.values(), ids=GOOD)
def test_its_twin_is_not(data: bytes) -> None:
    """The same stream without the offence has no finding of the rule."""
    assert not _found(data)


def test_a_shared_memo_is_graver() -> None:
    """A stream that names something else with the memo of the one before is high."""
    first = p.stream(p.text("os"), p.put(0), p.text("system"), p.put(1))
    second = p.stream(p.get(0), p.get(1), p.STACK_GLOBAL, protocol=4)
    assert Severity.HIGH in {found.severity for found in _found(first + second)}
    assert Severity.HIGH not in {found.severity for found in _found(first + first)}
