"""HDF5 files: whole Keras models in attributes, and bounds."""

import json
from typing import Any, Final

import pytest

from support.hdf5 import FOLDER, examined_file
from support.keras import layer, sequential
from support.scanning import examined, rules_of
from weighbridge.core.artifact import FileFormat
from weighbridge.core.evidence import Finding, Gap

_FILE: Final = (FOLDER / "model.h5").read_bytes()
_ROOM: Final = b'{"class_name": "Sequential", "config": "' + b"-" * 600


def _model(document: Any, *, tail: bytes = b"") -> tuple[Finding | Gap, ...]:
    """Return what the scan says of an HDF5 file whose model_config is *document*."""
    data = document if isinstance(document, bytes) else json.dumps(document).encode()
    start = _FILE.index(_ROOM)
    end = _FILE.index(b'"}', start + len(_ROOM)) + 2
    changed = _FILE[:start] + (data + tail).ljust(end - start) + _FILE[end:]
    return examined(changed, format=FileFormat.HDF5, path="model.h5")


def test_clean_model() -> None:
    """A model of layers that compute is clean."""
    assert _model(sequential(layer("Dense", module=None))) == ()


@pytest.mark.parametrize(
    ("document", "rule"),
    [
        (sequential(layer("Lambda")), "keras-lambda-layer"),
        (sequential(layer("TFSMLayer", {"filepath": "x"})), "keras-unsafe-layer"),
        (sequential(layer("Popen", module="subprocess")), "keras-foreign-object"),
        (sequential(layer("StringLookup", {"vocabulary": "/x"})), "keras-file-reference"),
    ],
)
def test_findings(document: Any, rule: str) -> None:
    """What a model's configuration would do is found, and is about the attribute."""
    (finding,) = _model(document)
    assert isinstance(finding, Finding)
    assert (finding.rule, finding.member) == (rule, "/@model_config")


def test_behind_the_end_of_the_string() -> None:
    """A string ends at its first NUL for the library, and so it does here."""
    assert rules_of(_model(sequential(layer("Lambda")), tail=b"\0{")) == {"keras-lambda-layer"}


def test_unreadable_configuration() -> None:
    """A configuration that nobody can read is a gap."""
    (gap,) = _model(b'{"class_name')
    assert isinstance(gap, Gap)


@pytest.mark.parametrize(
    "name", ["large", "many", "paged", "narrow", "sequences", "types", "types-latest"]
)
def test_no_gaps(name: str) -> None:
    """Files that the library wrote are read to the end."""
    assert not [each for each in examined_file(name) if isinstance(each, Gap)]


def test_no_hdf5() -> None:
    """A file without a superblock is a gap."""
    (gap,) = examined(b"\x89HDF\r\n\x1a\n\x07", format=FileFormat.HDF5)
    assert isinstance(gap, Gap)


def test_indexes() -> None:
    """Bytes in one chunk are examined; of those whose index is not followed, only numbers pass."""
    (finding,) = examined_file("indexes")
    assert isinstance(finding, Finding)
    assert (finding.rule, finding.evidence) == (
        "hdf5-pickle",
        ("/single, /single-zipped, /compact",),
    )
    data = (FOLDER / "indexes.h5").read_bytes()
    at = data.index(b"\x10\0\0\0\1\0\0\0\0\0\x08\0")
    opaque = b"\x15\0\0\0\1\0\0\0\0\0\x08\0"
    assert at
    evidence = examined(data.replace(data[at : at + 12], opaque), format=FileFormat.HDF5)
    gaps = {each.reason.partition(":")[0] for each in evidence if isinstance(each, Gap)}
    assert {"/fixed", "/extensible"} <= gaps
