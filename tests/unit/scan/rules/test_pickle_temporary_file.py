"""Unpickling that writes a file is reported, below the default bar where all of it is known."""

import pytest

from support import pickles as p
from support.scanning import examined
from support.tagger_files import MODEL, file_with, state_of, tagger_with
from weighbridge.core.artifact import FileFormat
from weighbridge.core.evidence import Finding, Severity


def _found(data: bytes) -> list[Finding]:
    """Return the rule's findings about a raw pickle."""
    evidence = examined(data, format=FileFormat.PICKLE)
    return [e for e in evidence if isinstance(e, Finding) and e.rule == "pickle-temporary-file"]


BAD = {
    "in-a-tagger": p.stream(tagger_with(p.text("modelfile"), file_with(state_of())), protocol=3),
    "by-itself": p.stream(file_with(state_of()), protocol=3),
}
GOOD = {
    "not-fitted": p.stream(tagger_with(p.text("modelfile"), file_with(state_of(None))), protocol=3),
    "no-file": p.stream(tagger_with(p.text("modelfile"), p.NONE), protocol=3),
}


@pytest.mark.parametrize("data", BAD.values(), ids=BAD)
def test_it_is_reported(data: bytes) -> None:
    """The finding is low and says how many bytes are written, and by which class."""
    (found,) = _found(data)
    assert found.severity is Severity.LOW
    assert f"a new temporary file of {len(MODEL)} bytes" in found.message
    assert found.offset is not None
    assert found.evidence == ("sklearn_crfsuite._fileresource.FileResource",)


def test_each_file_is_reported() -> None:
    """Two files have two findings."""
    assert len(_found(p.stream(p.tuple_of(*2 * [file_with(state_of())]), protocol=3))) == 2


@pytest.mark.parametrize("data", GOOD.values(), ids=GOOD)
def test_its_twin_is_not(data: bytes) -> None:
    """A tagger without a model writes nothing, and has no finding of the rule."""
    assert not _found(data)
