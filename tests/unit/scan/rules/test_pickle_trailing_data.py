"""Bytes that belong to no stream are reported."""

import pytest

from support import pickles as p
from support.scanning import examined
from weighbridge.core.artifact import FileFormat
from weighbridge.core.evidence import Finding, Severity


def _found(data: bytes) -> list[Finding]:
    """Return the rule's findings about a raw pickle."""
    evidence = examined(data, format=FileFormat.PICKLE)
    return [e for e in evidence if isinstance(e, Finding) and e.rule == "pickle-trailing-data"]


BAD = {
    "junk": p.stream(p.NONE) + b"junk",
    "one-byte": p.stream(p.NONE) + b"a",
    "between-streams": p.stream(p.NONE) + b"\xff\xfe" + p.stream(p.NONE),
    "appended-zip": p.stream(p.NONE) + b"PK\x05\x06" + bytes(18),
}
GOOD = {
    "nothing": p.stream(p.NONE),
    "second-stream": p.stream(p.NONE) + p.stream(p.NONE),
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


def test_zeros_are_less() -> None:
    """Padding with zeros is low."""
    (found,) = _found(p.stream(p.NONE) + bytes(16))
    assert found.severity is Severity.LOW


@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
def test_the_end_of_a_line_is_of_low_severity(end: bytes) -> None:
    """A file that an editor ended with a line is told from one that has more behind it."""
    assert {item.severity for item in _found(p.stream(p.NONE) + end)} == {Severity.LOW}
    assert {item.severity for item in _found(p.stream(p.NONE) + end + b" ")} == {Severity.MEDIUM}
