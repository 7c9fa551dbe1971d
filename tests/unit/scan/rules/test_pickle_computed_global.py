"""Names and callables that only the running program knows are reported."""

import pytest

from support import pickles as p
from support.scanning import examined
from weighbridge.core.artifact import FileFormat
from weighbridge.core.evidence import Finding, Severity


def _found(data: bytes) -> list[Finding]:
    """Return the rule's findings about a raw pickle."""
    evidence = examined(data, format=FileFormat.PICKLE)
    return [e for e in evidence if isinstance(e, Finding) and e.rule == "pickle-computed-global"]


BAD = {
    "name-from-call": p.stream(
        p.text("os"),
        p.call(p.name("builtins", "str"), p.text("system")),
        p.STACK_GLOBAL,
        protocol=4,
    ),
    "module-from-encode": p.stream(
        p.call(p.name("_codecs", "encode"), p.text("x"), p.text("latin1")),
        p.text("system"),
        p.STACK_GLOBAL,
        protocol=4,
    ),
    "name-from-persistent-id": p.stream(
        p.text("os"), p.text("x"), p.BINPERSID, p.STACK_GLOBAL, protocol=4
    ),
    "call-of-a-result": p.stream(p.call(p.call(p.name("collections", "OrderedDict")), p.text("x"))),
    "call-of-persistent-id": p.stream(p.text("x"), p.BINPERSID, p.EMPTY_TUPLE, p.REDUCE),
}
GOOD = {
    "constant-name": p.stream(
        p.text("collections"), p.text("OrderedDict"), p.STACK_GLOBAL, protocol=4
    ),
    "result-as-value": p.stream(
        p.list_of(p.call(p.name("_codecs", "encode"), p.text("x"), p.text("latin1")))
    ),
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
