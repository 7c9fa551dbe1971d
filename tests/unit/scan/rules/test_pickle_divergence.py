"""What unpicklers do not agree on is reported."""

import pytest

from support import pickles as p
from support.scanning import examined
from weighbridge.core.artifact import FileFormat
from weighbridge.core.evidence import Finding, Severity


def _found(data: bytes) -> list[Finding]:
    """Return the rule's findings about a raw pickle."""
    evidence = examined(data, format=FileFormat.PICKLE)
    return [e for e in evidence if isinstance(e, Finding) and e.rule == "pickle-divergence"]


BAD = {
    "octal": b"I010\n.",
    "nul-in-number": b"I1\0x\n.",
    "spaced-float": b"F 1.0\n.",
    "list-as-arguments": p.stream(p.name("collections", "OrderedDict"), p.EMPTY_LIST, p.REDUCE),
    "inst-without-mark": b"icollections\nOrderedDict\n.",
    "empty-name": b"ccollections\n\n.",
    "overlong-frame": p.proto(4) + p.frame(99) + b"N.",
    "crossing-frame": p.proto(4) + p.frame(2) + p.text("ab") + b".",
    "frame-in-frame": p.proto(4) + p.frame(11) + p.frame(2) + b"N.",
}
GOOD = {
    "decimal": b"I10\n.",
    "float": b"F1.0\n.",
    "exact-frame": p.proto(4) + p.frame(2) + b"N.",
    "tuple-as-arguments": p.stream(p.name("collections", "OrderedDict"), p.EMPTY_TUPLE, p.REDUCE),
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


@pytest.mark.parametrize(
    "data",
    [
        p.proto(2) + p.NONE + p.POP + p.stream(p.NONE),
        p.stream(p.list_of(p.NONE), p.integer(0), p.NONE, p.SETITEM),
        p.stream(p.NONE, b"r\xff\xff\xff\xff"),
        p.stream(b"\x97", protocol=5),
    ],
    ids=["protocol-inside", "item-assigned", "memo-index", "buffer"],
)
def test_oddities_are_medium(data: bytes) -> None:
    """What no pickler writes is medium where the unpicklers agree."""
    assert [found.severity for found in _found(data)] == [Severity.MEDIUM]


def test_old_strings_are_low() -> None:
    """A Python 2 string that is not ASCII is low, and an ASCII one is nothing."""
    assert [found.severity for found in _found(b"U\x01\xff.")] == [Severity.LOW]
    assert not _found(b"U\x01a.")
