"""Headers of safetensors files: what is written is what every reader takes."""

import json

import pytest
import safetensors.numpy

from weighbridge.core.content import BytesSource
from weighbridge.core.errors import LimitExceededError
from weighbridge.formats import safetensors_layout
from weighbridge.formats.safetensors import DTYPE_BITS, parse_header
from weighbridge.formats.safetensors_layout import TensorForm, lay_out, name_problem


def file(forms: dict[str, TensorForm], metadata: dict[str, str] | None = None) -> bytes:
    """Return a file with zeros for tensors."""
    layout = lay_out(forms, metadata=metadata or {}, where="f")
    return layout.header + bytes(layout.size - len(layout.header))


@pytest.mark.parametrize("dtype", sorted(DTYPE_BITS))
def test_every_type_is_read_back(dtype: str) -> None:
    """A tensor of each type has the type, shape and place that was asked for."""
    forms = {"a": TensorForm(dtype, (4, 2)), "b": TensorForm("U8", (3,))}
    found = parse_header(BytesSource(file(forms)))
    assert {t.name: TensorForm(t.dtype, t.shape) for t in found.tensors} == forms


def test_the_reference_reader_takes_it() -> None:
    """Odd names, scalars, empty tensors and notes are what safetensors itself reads."""
    forms = {
        "": TensorForm("F32", ()),
        'quote " and \\ \x00 \u2028 é': TensorForm("I64", (2,)),
        "empty": TensorForm("F64", (0, 7)),
        "byte": TensorForm("U8", (1,)),
    }
    found = safetensors.numpy.load(file(forms, {"note": "é"}))
    assert {name: array.shape for name, array in found.items()} == {
        name: form.shape for name, form in forms.items()
    }


def test_every_tensor_is_aligned() -> None:
    """Larger elements come first, so that each tensor starts at a multiple of its elements' size."""
    forms = {
        "byte": TensorForm("U8", (3,)),
        "long": TensorForm("I64", (1,)),
        "half": TensorForm("F16", (5,)),
        "float": TensorForm("F32", (1,)),
    }
    layout = lay_out(forms, metadata={}, where="f")
    assert [name for name, _ in layout.places] == ["long", "float", "half", "byte"]
    for name, start in layout.places:
        assert start % (DTYPE_BITS[forms[name].dtype] // 8) == 0


def test_the_order_of_equal_types_stays() -> None:
    """Tensors of one element size lie in the order in which they were given."""
    forms = {name: TensorForm("F32", (1,)) for name in "zaq"}
    assert [name for name, _ in lay_out(forms, metadata={}, where="f").places] == ["z", "a", "q"]


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("__metadata__", "metadata"),
        ("\ud800", "Unicode"),
        ("é" * 2049, "4096"),
        ("é" * 2048, None),
        ("__metadata", None),
        ("", None),
    ],
)
def test_names(name: str, problem: str | None) -> None:
    """Names that the format lacks are told, their closest neighbours are not."""
    found = name_problem(name)
    assert found is None if problem is None else problem in str(found)


def test_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    """More tensors or header than a reader takes are refused; as many as it takes are not."""
    forms = {name: TensorForm("U8", (1,)) for name in "ab"}
    header = len(lay_out(forms, metadata={}, where="f").header) - 8
    monkeypatch.setattr(safetensors_layout, "MAX_SAFETENSORS_HEADER_BYTES", header)
    monkeypatch.setattr(safetensors_layout, "MAX_TENSORS", 2)
    lay_out(forms, metadata={}, where="f")
    with pytest.raises(LimitExceededError, match="tensors"):
        lay_out(forms | {"c": TensorForm("U8", (1,))}, metadata={}, where="f")
    monkeypatch.setattr(safetensors_layout, "MAX_SAFETENSORS_HEADER_BYTES", header - 1)
    with pytest.raises(LimitExceededError, match="header"):
        lay_out(forms, metadata={}, where="f")


def test_no_tensor_ends_within_a_byte() -> None:
    """Three elements of four bits are no tensor, and four are."""
    assert TensorForm("F4", (4,)).size == 2
    with pytest.raises(ValueError, match="byte"):
        _ = TensorForm("F4", (3,)).size


def test_without_notes_there_is_no_metadata() -> None:
    """An empty metadata object, which some readers refuse, is not written."""
    layout = lay_out({"a": TensorForm("U8", (1,))}, metadata={}, where="f")
    assert list(json.loads(layout.header[8:])) == ["a"]
