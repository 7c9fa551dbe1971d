"""References by number are reported for each opcode that makes one."""

import pytest

from support import pickles as p
from support.scanning import examined
from weighbridge.core.artifact import FileFormat
from weighbridge.core.evidence import Finding, Severity


def _found(data: bytes) -> list[Finding]:
    """Return the rule's findings about a raw pickle."""
    evidence = examined(data, format=FileFormat.PICKLE)
    return [e for e in evidence if isinstance(e, Finding) and e.rule == "pickle-extension-registry"]


BAD = {
    "ext1": p.stream(b"\x82\x01"),
    "ext2": p.stream(b"\x83\x01\x02"),
    "ext4": p.stream(b"\x84\x01\x02\x03\x04"),
}
GOOD = {
    "number-as-data": p.stream(p.integer(1)),
    "code-zero-breaks": p.stream(b"\x82\x00"),
}


@pytest.mark.parametrize("data", BAD.values(), ids=BAD)
def test_it_is_reported(data: bytes) -> None:
    """The stream has a finding of the rule, with a place and a message."""
    found = _found(data)
    assert found
    assert found[0].offset is not None
    assert found[0].message
    assert found[0].severity is Severity.HIGH


@pytest.mark.parametrize("data", GOOD.values(), ids=GOOD)
def test_its_twin_is_not(data: bytes) -> None:
    """The same stream without the offence has no finding of the rule."""
    assert not _found(data)
