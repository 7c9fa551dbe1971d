"""
Raw arrays of joblib that are not as long as they seem.

Each file is read by `joblib.load` in another way than by whoever takes its description at its
word: it runs a payload that stands where the other sees a string of bytes.
"""

from struct import pack

import pytest

from support import pickles as p
from support.scanning import examined, rules_of
from weighbridge.core.artifact import FileFormat
from weighbridge.core.content import BytesSource
from weighbridge.core.evidence import Finding, Gap
from weighbridge.formats.sniff import sniff

WRAPPER = p.name("joblib.numpy_pickle", "NumpyArrayWrapper")
SPELLED = b"V\\u006aoblib.numpy_pickle\n" + p.text("NumpyArrayWrapper") + p.STACK_GLOBAL
"""The same name in other letters: the unpickler reads escapes in text."""

HIDDEN = p.POP + p.system() + p.STOP
REMADE = p.call(p.name("copyreg", "_reconstructor"), WRAPPER, p.name("builtins", "object"), p.NONE)
"""An instance of the wrapper, made by copyreg's function, as for protocols 0 and 1."""


def evidence(data: bytes) -> tuple[Finding | Gap, ...]:
    """Return what the scan says of a file whose format is told from its content."""
    told = sniff(BytesSource(data), name="m.joblib").format
    return examined(data, format=told, path="m.joblib")


def dtype(code: str, *, size: int | None = None) -> bytes:
    """Return a type, with a state that says *size*."""
    made = p.call(p.name("numpy", "dtype"), p.text(code), p.FALSE, p.TRUE)
    if size is None:
        return made
    state = (p.integer(3), p.text("|"), p.NONE, p.NONE, p.NONE)
    return made + p.tuple_of(*state, p.integer(size), p.integer(1), p.integer(0)) + p.BUILD


def described(count: int, *more: bytes, kind: bytes = b"") -> bytes:
    """Return the state of a wrapper: *count* elements, by default of a byte each."""
    return p.dict_of(
        p.text("subclass"), p.name("numpy", "ndarray"),
        p.text("shape"), p.tuple_of(p.integer(count)),
        p.text("order"), p.text("C"),
        p.text("dtype"), kind or dtype("u1"),
        p.text("allow_mmap"), p.FALSE,
        *more,
    ) + p.BUILD  # fmt: skip


ALIGNED = (p.text("numpy_array_alignment_bytes"), p.integer(16))


def literal(content: bytes) -> bytes:
    """Return a string of bytes whose opcode and length are five bytes."""
    return b"B" + pack("<I", len(content)) + content


FILES = {
    # joblib takes the size from the state: the array ends within the string.
    "size-of-text": p.new(WRAPPER) + described(1, kind=dtype("S1", size=6)) + b"x",
    # What the first description says of padding holds for the second one too.
    "described-twice": p.new(WRAPPER) + p.put(1) + described(1, *ALIGNED) + b"\x00x" + p.POP
    + p.get(1) + described(1) + b"\x04",
    "made-by-copyreg": REMADE + described(5),
    "spelled-otherwise": p.new(SPELLED) + described(5),
}  # fmt: skip


@pytest.mark.parametrize("head", FILES.values(), ids=FILES)
def test_what_joblib_would_run_is_found(head: bytes) -> None:
    """A payload in the string behind the array is found; without it there is only the string."""
    hidden = p.proto(2) + head + literal(HIDDEN) + p.POP + p.STOP
    assert evidence(hidden)
    plain = p.new(WRAPPER) + described(1) + b"x"
    assert not evidence(p.proto(2) + plain + literal(HIDDEN) + p.POP + p.STOP)


def test_sizes_that_are_what_they_say() -> None:
    """A type of text whose code and state agree is clean, and stepped over as it is."""
    data = p.proto(2) + p.new(WRAPPER) + described(1, kind=dtype("S6", size=6)) + b"x" * 6 + p.STOP
    assert not evidence(data)


@pytest.mark.parametrize("name", ["read", "read_array", "_safe", "unexpected"])
def test_attributes_that_joblib_does_not_write(name: str) -> None:
    """An attribute could take the place of the method that reads the array, and is refused."""
    good = p.proto(2) + p.new(WRAPPER) + described(1, *ALIGNED) + b"\x00x" + p.STOP
    assert not evidence(good)
    more = (p.text(name), p.name("builtins", "slice"))
    bad = p.proto(2) + p.new(WRAPPER) + described(1, *more) + b"x" + p.STOP
    assert "pickle-broken-stream" in rules_of(evidence(bad))


def test_a_wrapper_is_no_value() -> None:
    """The class is made instances of, and not kept for others to make them."""
    kept = p.stream(p.list_of(WRAPPER))
    found = examined(kept, format=FileFormat.PICKLE)
    assert "pickle-argument" in rules_of(found)
    assert not examined(p.stream(p.list_of(p.name("numpy", "ndarray"))), format=FileFormat.PICKLE)
