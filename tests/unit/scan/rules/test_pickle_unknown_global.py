"""Default deny: a name that nobody lists is reported."""

import pytest

from support import pickles as p
from support.scanning import examined
from weighbridge.core.artifact import FileFormat
from weighbridge.core.evidence import Finding, Severity


def _found(data: bytes) -> list[Finding]:
    """Return the rule's findings about a raw pickle."""
    evidence = examined(data, format=FileFormat.PICKLE)
    return [e for e in evidence if isinstance(e, Finding) and e.rule == "pickle-unknown-global"]


BAD = {
    "unknown-module": p.stream(p.new(p.name("acme.models", "Model"))),
    "unknown-name-of-known-module": p.stream(p.name("numpy", "loadtxt")),
    "case-differs": p.stream(p.name("collections", "ordereddict")),
    "dotted-below-listed": p.stream(p.stacked("collections", "OrderedDict.fromkeys"), protocol=4),
    "other-split": p.stream(p.stacked("numpy.nothing", "dtype"), protocol=4),
}
GOOD = {
    "listed": p.stream(p.call(p.name("collections", "OrderedDict"))),
    "python-2-name": p.stream(p.call(p.name("__builtin__", "set"), p.list_of())),
    "torch-type": p.stream(p.name("torch", "float32")),
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
