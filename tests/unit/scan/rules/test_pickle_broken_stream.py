"""A stream that breaks is reported, and more gravely after an import."""

import pytest

from support import pickles as p
from support.scanning import examined
from weighbridge.core.artifact import FileFormat
from weighbridge.core.evidence import Finding, Severity


def _found(data: bytes) -> list[Finding]:
    """Return the rule's findings about a raw pickle."""
    evidence = examined(data, format=FileFormat.PICKLE)
    return [e for e in evidence if isinstance(e, Finding) and e.rule == "pickle-broken-stream"]


BAD = {
    "unknown-opcode": p.proto(2) + b"\xff",
    "no-stop": p.proto(2) + p.NONE,
    "truncated-string": p.proto(2) + b"X\xff\0\0\0ab",
    "bad-protocol": b"\x80\x09N.",
    "empty-stack": p.stream(),
    "missing-mark": p.stream(p.TUPLE),
    "missing-memo": p.stream(p.get(7)),
    "negative-index": b"Np-1\n.",
}
GOOD = {
    "whole": p.stream(p.NONE),
}


@pytest.mark.parametrize("data", BAD.values(), ids=BAD)
def test_it_is_reported(data: bytes) -> None:
    """The stream has a finding of the rule, with a place and a message."""
    found = _found(data)
    assert found
    assert found[0].offset is not None
    assert found[0].message
    assert found[0].severity is Severity.MEDIUM


@pytest.mark.parametrize("data", GOOD.values(), ids=GOOD)
def test_its_twin_is_not(data: bytes) -> None:
    """The same stream without the offence has no finding of the rule."""
    assert not _found(data)


def test_a_break_after_an_import_is_graver() -> None:
    """What was imported before the break has run: high instead of medium."""
    (found,) = _found(p.proto(2) + p.name("collections", "OrderedDict") + b"\xff")
    assert found.severity is Severity.HIGH
    assert found.evidence == ("collections.OrderedDict",)
