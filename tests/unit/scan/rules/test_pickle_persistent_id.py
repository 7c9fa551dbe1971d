"""Persistent ids are reported unless they are the storages of a checkpoint."""

import pytest

from support import pickles as p
from support.scanning import examined, rules_of
from weighbridge.core.artifact import FileFormat
from weighbridge.core.evidence import Finding, Severity


def _found(data: bytes) -> list[Finding]:
    """Return the rule's findings about a raw pickle."""
    evidence = examined(data, format=FileFormat.PICKLE)
    return [e for e in evidence if isinstance(e, Finding) and e.rule == "pickle-persistent-id"]


BAD = {
    "binary": p.stream(p.text("x"), p.BINPERSID),
    "text": b"Px\n.",
    "storage-outside-a-checkpoint": p.stream(
        p.tuple_of(
            p.text("storage"),
            p.name("torch", "FloatStorage"),
            p.text("0"),
            p.text("cpu"),
            p.integer(1),
        ),
        p.BINPERSID,
    ),
}
GOOD = {
    "tuple-as-data": p.stream(p.tuple_of(p.text("storage"), p.text("0"))),
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


def test_classes_of_old_checkpoints_are_not() -> None:
    """A class with its source is what old checkpoints of whole modules hold; elsewhere not."""
    pid = p.tuple_of(
        p.text("module"), p.name("torch.nn.modules.linear", "Linear"), p.NONE, p.text("class ...")
    )
    data = p.stream(pid, p.BINPERSID, p.EMPTY_TUPLE, p.NEWOBJ)
    found = examined(
        p.stream(p.integer(0x1950A86A20F9469CFC6C)) + data, format=FileFormat.TORCH_LEGACY
    )
    assert not {"pickle-persistent-id", "pickle-computed-global"} & rules_of(found)
    assert _found(data)
