"""Changes to what a stream only refers to are reported."""

import pytest

from support import pickles as p
from support.scanning import examined
from weighbridge.core.artifact import FileFormat
from weighbridge.core.evidence import Finding, Severity


def _found(data: bytes) -> list[Finding]:
    """Return the rule's findings about a raw pickle."""
    evidence = examined(data, format=FileFormat.PICKLE)
    return [e for e in evidence if isinstance(e, Finding) and e.rule == "pickle-patched-reference"]


BAD = {
    "build-on-class": p.stream(
        p.name("collections", "OrderedDict"),
        p.dict_of(p.text("items"), p.name("builtins", "object")),
        p.BUILD,
    ),
    "slots-on-class": p.stream(
        p.name("collections", "OrderedDict"),
        p.tuple_of(p.NONE, p.dict_of(p.text("items"), p.NONE)),
        p.BUILD,
    ),
    "setitem-on-module-dict": p.stream(
        p.stacked("numpy", "__dict__"), p.text("load"), p.NONE, p.SETITEM, protocol=4
    ),
    "append-on-list-of-module": p.stream(p.name("numpy", "__all__"), p.NONE, p.APPEND),
    "build-on-persistent-object": p.stream(p.text("x"), p.BINPERSID, p.EMPTY_DICT, p.BUILD),
}
GOOD = {
    "build-on-instance": p.stream(
        p.new(p.name("torch.nn.modules.linear", "Linear")), p.dict_of(p.text("a"), p.NONE), p.BUILD
    ),
    "setitem-on-own-dict": p.stream(p.dict_of(p.text("a"), p.NONE)),
}


@pytest.mark.parametrize("data", BAD.values(), ids=BAD)
def test_it_is_reported(data: bytes) -> None:
    """The stream has a finding of the rule, with a place and a message."""
    found = _found(data)
    assert found
    assert found[0].offset is not None
    assert found[0].message
    assert found[0].severity is Severity.CRITICAL


@pytest.mark.parametrize("data", GOOD.values(), ids=GOOD)
def test_its_twin_is_not(data: bytes) -> None:
    """The same stream without the offence has no finding of the rule."""
    assert not _found(data)
