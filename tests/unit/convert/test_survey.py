"""What a checkpoint holds, and everything that is in the way."""

import json

import pytest

from support import pickles as p
from support.holding import hold
from support.torch_files import (
    NO_HOOKS,
    checkpoint,
    floats,
    integers,
    legacy_checkpoint,
    state,
    storage,
    tensor,
    vector,
)
from weighbridge.convert import survey as module
from weighbridge.convert.survey import Survey, survey
from weighbridge.core.artifact import FileFormat
from weighbridge.core.codes import Code
from weighbridge.core.errors import (
    ArtifactRefusedError,
    LimitExceededError,
    MalformedContentError,
    UsageError,
)
from weighbridge.load import torch_state

ORDERED = p.name("collections", "OrderedDict")
V3 = p.name("torch._utils", "_rebuild_tensor_v3")
UNTYPED = p.name("torch.storage", "UntypedStorage")
PARAMETER = p.name("torch._utils", "_rebuild_parameter")
DATA = {"0": floats(1, 2)}


def look(value: bytes, *, key: str | None = None, tensors_only: bool = False) -> Survey:
    """Return what is found in a zip checkpoint of *value* with one storage of two floats."""
    return survey(
        hold(checkpoint(value, DATA)),
        FileFormat.TORCH_ZIP,
        where="f",
        key=key,
        tensors_only=tensors_only,
    )


def names(found: Survey) -> list[str]:
    """Return the tensors' names."""
    return [name for name, _ in found.tensors]


def refusal(value: bytes, *, tensors_only: bool = False) -> ArtifactRefusedError:
    """Return the error that refuses *value*."""
    with pytest.raises(ArtifactRefusedError) as caught:
        look(value, tensors_only=tensors_only)
    return caught.value


GOOD = vector("0", 2)


def test_tensors_by_flat_names() -> None:
    """Nested dicts, lists and tuples become names that are joined by dots."""
    value = state(a=GOOD, b=state(c=GOOD, d=p.list_of(GOOD, p.tuple_of(GOOD))))
    assert names(look(value)) == ["a", "b.c", "b.d.0", "b.d.1.0"]


def test_a_tensor_alone() -> None:
    """A checkpoint that is a tensor has one, called `tensor`; one that is a number has none."""
    assert names(look(GOOD)) == ["tensor"]
    assert "the object itself: int" in str(refusal(p.integer(3)))


CONSTANTS = {
    "int": p.integer(3),
    "NoneType": p.NONE,
    "bool": p.TRUE,
    "str": p.text("x"),
    "an empty dict": p.dict_of(),
    "an empty list": p.list_of(),
    "an empty tuple": p.tuple_of(),
    "torch.float32": p.name("torch", "float32"),
    "torch.Size": p.call(p.name("torch", "Size"), integers([1])),
    "torch.device": p.call(p.name("torch", "device"), p.text("cpu")),
}


@pytest.mark.parametrize("kind", CONSTANTS)
def test_what_is_no_tensor(kind: str) -> None:
    """A value that is no tensor is refused by its name and kind, or left out and listed."""
    value = state(a=GOOD, b=state(c=CONSTANTS[kind]))
    shown = f"b.c: {'None' if kind == 'NoneType' else kind}"
    error = refusal(value)
    assert error.code is Code.CONVERT_REFUSED
    assert shown in str(error)
    assert "--tensors-only" in str(error.hint)
    found = look(value, tensors_only=True)
    assert (names(found), found.left) == (["a"], (shown,))


def test_an_empty_ordered_dict_is_an_empty_dict() -> None:
    """An `OrderedDict` without items is refused like a dict without any."""
    assert "b: an empty dict" in str(refusal(state(a=GOOD, b=p.call(ORDERED))))


OBJECTS = {
    "a sparse tensor": p.call(p.name("torch._utils", "_rebuild_sparse_tensor"), p.NONE),
    "a quantized tensor": p.call(p.name("torch._utils", "_rebuild_qtensor"), GOOD),
    "what acme.model.Net makes": p.call(p.name("acme.model", "Net")),
    "the global acme.model.Net": p.name("acme.model", "Net"),
    "a storage that is no tensor": storage("0", 2),
    "a parameter with hooks": p.call(PARAMETER, GOOD, p.TRUE, p.dict_of(p.text("h"), p.NONE)),
    "a tensor with hooks or metadata": tensor(storage("0", 2), [2], [1], hooks=p.list_of(p.NONE)),
    "a tensor on torch.QInt8Storage": tensor(
        storage("0", 2, kind=p.name("torch", "QInt8Storage")), [2], [1]
    ),
    "a tensor of torch.complex32, a type that safetensors lacks": tensor(
        storage("0", 8, kind=UNTYPED), [2], [1], rebuild=V3, rest=[p.name("torch", "complex32")]
    ),
}


@pytest.mark.parametrize("kind", OBJECTS)
def test_what_no_option_leaves_out(kind: str) -> None:
    """What is more than a plain value is refused by name, with `--tensors-only` as well."""
    value = state(a=GOOD, b=state(c=OBJECTS[kind]))
    for only in (False, True):
        error = refusal(value, tensors_only=only)
        assert error.code is Code.CONVERT_REFUSED
        assert f"b.c: {kind}" in str(error)
        assert "--tensors-only" not in str(error.hint)


def test_complex_numbers_of_double_precision() -> None:
    """complex128, which a load gives, is refused, and complex64 is not."""
    double = tensor(storage("0", 1, kind=p.name("torch", "ComplexDoubleStorage")), [1], [1])
    single = tensor(storage("0", 1, kind=p.name("torch", "ComplexFloatStorage")), [1], [1])
    data = {"0": bytes(16)}
    with pytest.raises(ArtifactRefusedError, match="complex128"):
        survey(hold(checkpoint(double, data)), FileFormat.TORCH_ZIP, where="f")
    data = {"0": bytes(8)}
    assert survey(hold(checkpoint(single, data)), FileFormat.TORCH_ZIP, where="f").tensors


def test_all_problems_are_named_at_once() -> None:
    """Whoever converts learns of everything in one go, up to a bound; what is fine is not named."""
    values = {f"n{at}": p.integer(at) for at in range(100)}
    text = str(refusal(state(fine=GOOD, **values)))
    assert text.count("\n  n") == 40
    assert "and 60 more" in text
    assert "fine" not in text


def test_a_name_cannot_fake_a_line() -> None:
    """Line breaks and control characters in names are escaped."""
    text = str(refusal(p.dict_of(p.text("a"), GOOD, p.text("b\n  c: int\x1b[2J"), p.integer(1))))
    assert "b\\n  c: int\\x1b[2J: int" in text


BAD_NAMES = {
    "no Unicode": p.text("\ud800"),
    "metadata": p.text("__metadata__"),
    "too many characters": p.text("x" * 5000),
    "neither text nor an index": p.tuple_of(p.integer(1)),
}


@pytest.mark.parametrize("problem", BAD_NAMES)
def test_names_that_no_file_can_have(problem: str) -> None:
    """A tensor under a key that gives no name for the format is refused; others have long ones."""
    assert problem in str(refusal(p.dict_of(BAD_NAMES[problem], GOOD)))
    assert names(look(p.dict_of(p.text("x" * 4095), GOOD))) == ["x" * 4095]


def test_two_tensors_of_one_name() -> None:
    """Nested names that meet are refused."""
    value = p.dict_of(p.text("a.b"), GOOD, p.text("a"), state(b=GOOD))
    assert "a.b: two tensors of this name" in str(refusal(value))


def test_code_anywhere_is_refused_and_does_not_run() -> None:
    """What the result does not show is refused all the same: another loader would do it."""
    hidden = p.system() + p.POP + state(a=GOOD)
    with pytest.raises(ArtifactRefusedError) as caught:
        look(hidden, tensors_only=True)
    assert caught.value.code is Code.LOAD_REFUSED


def test_one_part() -> None:
    """`key` takes a part, with names from there on; another key is wrong usage."""
    value = state(state_dict=state(a=GOOD), epoch=p.integer(3))
    assert names(look(value, key="state_dict")) == ["a"]
    assert names(look(p.list_of(p.integer(1), state(a=GOOD)), key="1")) == ["a"]
    for wrong in ("a", "", "state_dict.a"):
        with pytest.raises(UsageError, match="no such part"):
            look(value, key=wrong)
    with pytest.raises(UsageError, match="no such part"):
        look(GOOD, key="a")


def test_code_beside_the_part_is_refused() -> None:
    """The rest of the checkpoint has to be such that a load would take it."""
    value = state(state_dict=state(a=GOOD), other=p.call(p.name("acme.model", "Net")))
    with pytest.raises(ArtifactRefusedError, match=r"acme\.model\.Net"):
        look(value, key="state_dict")


def noted(*pairs: bytes, attribute: str = "_metadata") -> bytes:
    """Return a state dict with an attribute of *pairs*."""
    made = p.call(ORDERED) + b"(" + p.text("a") + GOOD + b"u"
    return made + p.dict_of(p.text(attribute), p.dict_of(*pairs)) + b"b"


def test_notes_of_a_state_dict() -> None:
    """The versions that PyTorch notes on a state dict are taken down, nested ones by name."""
    note = (p.text(""), state(version=p.integer(1)))
    assert look(noted(*note)).notes == (("", '{"":{"version":1}}'),)
    nested = look(state(model=noted(*note)))
    assert [(name, json.loads(text)) for name, text in nested.notes] == [
        ("model", {"": {"version": 1}})
    ]
    assert look(noted()).notes == ()


def test_notes_that_cannot_be_carried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Notes that are no plain values, and more of them than the limit, are refused."""
    assert "no plain value" in str(refusal(noted(p.text("x"), p.name("torch", "float32"))))
    assert "no plain value" in str(refusal(noted(p.integer(1), p.NONE)))
    assert "no plain value" in str(refusal(noted(p.text("x"), p.NONE, attribute="other")))
    note = (p.text(""), state(version=p.integer(1)))
    monkeypatch.setattr(module, "MAX_CONVERT_NOTES", 3)
    assert look(noted(*note)).notes
    monkeypatch.setattr(module, "MAX_CONVERT_NOTES", 2)
    assert "no plain value" in str(refusal(noted(*note)))


def test_notes_that_pythons_two_pickled() -> None:
    """An `OrderedDict` that is made of pairs is read like one that is filled."""
    pairs = p.list_of(p.list_of(p.text("x"), p.integer(1)))
    made = p.call(ORDERED) + b"(" + p.text("a") + GOOD + b"u"
    value = made + p.dict_of(p.text("_metadata"), p.call(ORDERED, pairs)) + b"b"
    assert look(value).notes == (("", '{"x":1}'),)


def test_legacy_checkpoints() -> None:
    """The five pickles of old checkpoints are read the same, and their magic number counts."""
    value = state(a=vector("0", 2, legacy=True))
    data = {"0": (2, floats(1, 2))}
    good = legacy_checkpoint(value, data)
    assert names(survey(hold(good), FileFormat.TORCH_LEGACY, where="f")) == ["a"]
    with pytest.raises(MalformedContentError, match="magic"):
        survey(hold(legacy_checkpoint(value, data, magic=1)), FileFormat.TORCH_LEGACY, where="f")


def test_structures_that_double(monkeypatch: pytest.MonkeyPatch) -> None:
    """A list that holds itself again and again is ended by a bound."""
    value = p.list_of(GOOD) + p.put(0)
    for at in range(40):
        value += b"0" + p.list_of(p.get(at), p.get(at)) + p.put(at + 1)
    monkeypatch.setattr(torch_state, "MAX_PICKLE_OPCODES", 10_000)
    with pytest.raises(LimitExceededError):
        look(value)


def test_nothing_to_convert() -> None:
    """A checkpoint without a tensor is refused, whatever is left out of it."""
    error = refusal(state(a=p.integer(1)), tensors_only=True)
    assert "without a tensor" in str(error)


def test_parameters() -> None:
    """A parameter is its tensor; one that is no tensor is refused."""
    assert names(look(state(a=p.call(PARAMETER, GOOD, p.TRUE, NO_HOOKS)))) == ["a"]
    sparse = p.call(p.name("torch._utils", "_rebuild_sparse_tensor"), p.NONE)
    error = refusal(state(a=p.call(PARAMETER, sparse, p.TRUE, NO_HOOKS)))
    assert "a: a sparse tensor" in str(error)
