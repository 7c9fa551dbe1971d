"""Rule `tflite-structure`, and what is packed behind a model."""

import io
import pickle
import zipfile

import pytest

from support.rule_vectors import assert_vector_holds, findings_of
from support.scanning import examined, rules_of
from support.tflite import Fields, Number, code, operator, tensor, tflite
from weighbridge.core.artifact import FileFormat
from weighbridge.core.evidence import Severity

RULE = "tflite-structure"
DATA: tuple[Fields, ...] = ({}, {0: bytes(16)})
FAR: tuple[Fields, ...] = ({}, {1: Number(1 << 40, 8), 2: Number(16, 8)})
NEAR: tuple[Fields, ...] = ({}, {1: Number(64, 8), 2: Number(16, 8)})


def test_vector() -> None:
    """A tensor larger than its buffer is found, one that fits is not."""
    assert_vector_holds(RULE)


@pytest.mark.parametrize(
    ("data", "hit"),
    [
        (tflite(code(0), operators=(operator(0),)), False),
        (tflite(code(0), operators=(operator(1),)), True),
        (tflite(code(0), operators=(operator(inputs=(0, -1)),)), False),
        (tflite(code(0), operators=(operator(inputs=(1,)),)), True),
        (tflite(code(0), operators=(operator(inputs=(-2,)),)), True),
        (tflite(tensors=(tensor(2, 2, buffer=1),), buffers=DATA), False),
        (tflite(tensors=(tensor(2, 3, buffer=1),), buffers=DATA), True),
        (tflite(tensors=(tensor(-2, 2, buffer=1),), buffers=DATA), True),
        (tflite(tensors=(tensor(2, 2, buffer=2),), buffers=DATA), True),
        (tflite(tensors=(tensor(2, 2, buffer=1),), buffers=NEAR), False),
        (tflite(tensors=(tensor(2, 2, buffer=1),), buffers=FAR), True),
        (tflite(code(7, old=6)), True),
        (tflite(groups=("weights.bin",)), False),
        (tflite(groups=("../weights.bin",)), True),
    ],
)
def test_structure(data: bytes, hit: bool) -> None:
    """Indexes, sizes and places that do not fit are found."""
    assert bool(findings_of(RULE, examined(data, format=FileFormat.TFLITE))) == hit


def test_files_outside_are_grave() -> None:
    """A file outside the directory is worse than a number that does not fit."""
    data = tflite(groups=("/etc/passwd",))
    (finding,) = findings_of(RULE, examined(data, format=FileFormat.TFLITE))
    assert finding.severity is Severity.HIGH


@pytest.mark.parametrize("cut", [0, 4, 8, 12, 30, 60])
def test_cut_models(cut: int) -> None:
    """A model that ends early is a gap."""
    data = tflite(code(0), operators=(operator(0),))[:cut]
    assert rules_of(examined(data, format=FileFormat.TFLITE)) == {"scan-malformed"}


def with_zip(model: bytes, name: str, content: bytes) -> bytes:
    """Return *model* with a zip behind it, as tools pack labels."""
    stream = io.BytesIO(model)
    with zipfile.ZipFile(stream, "a") as archive:
        archive.writestr(name, content)
    return stream.getvalue()


class Marker:
    """Calls a harmless function when it is unpickled."""

    def __reduce__(self) -> tuple[object, ...]:
        """Return the call."""
        return print, ("marker",)


def test_labels_behind_a_model() -> None:
    """Labels packed behind a model pass, a pickle in their place is found."""
    model = tflite(code(0))
    assert not examined(with_zip(model, "labels.txt", b"cat\ndog\n"), format=FileFormat.TFLITE)
    bad = with_zip(model, "labels.txt", pickle.dumps(Marker()))
    assert examined(bad, format=FileFormat.TFLITE)


def test_a_checkpoint_behind_a_model() -> None:
    """A zip that torch would load is one format too many."""
    data = with_zip(tflite(code(0)), "archive/data.pkl", pickle.dumps([1]))
    assert "polyglot" in rules_of(examined(data, format=FileFormat.TFLITE))
