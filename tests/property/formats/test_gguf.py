"""GGUF headers come back as they were written, or are refused in our own words."""

import struct

from hypothesis import given, settings
from hypothesis import strategies as st

from support.gguf import Tensor, array, build_gguf, pair, text
from weighbridge.core.content import BytesSource
from weighbridge.core.errors import LimitExceededError, MalformedContentError
from weighbridge.formats.gguf import parse_header

_TEXT = st.text(st.characters(codec="utf-8"), min_size=1, max_size=10)
_BASE = build_gguf(
    [
        pair("general.architecture", 8, text("llama")),
        pair("tokens", 9, array(8, 2, text("a") + text("b"))),
        pair("n", 4, bytes(4)),
    ],
    [Tensor(name="a"), Tensor(name="b", kind=2, shape=(32, 2), offset=32)],
    data=bytes(32 + 36),
)


@given(
    numbers=st.dictionaries(
        _TEXT.filter(lambda k: k != "general.alignment"),
        st.integers(0, 2**64 - 1) | _TEXT,
        max_size=6,
    ),
    sizes=st.lists(st.integers(0, 20), max_size=5),
    version=st.sampled_from([2, 3]),
)
def test_round_trip(numbers: dict[str, int | str], sizes: list[int], version: int) -> None:
    """Every pair and every tensor is read back, in its order and at its place."""
    pairs = [
        pair(k, 10, struct.pack("<Q", v)) if isinstance(v, int) else pair(k, 8, text(v))
        for k, v in numbers.items()
    ]
    tensors, at = [], 0
    for index, size in enumerate(sizes):
        tensors.append(Tensor(name=f"t{index}", shape=(size,), offset=at))
        at += -(-size * 4 // 32) * 32
    header = parse_header(BytesSource(build_gguf(pairs, tensors, data=bytes(at), version=version)))
    assert dict(header.metadata) == numbers
    assert {t.name: t.end - t.start for t in header.tensors} == {
        f"t{index}": size * 4 for index, size in enumerate(sizes)
    }


@settings(max_examples=400)
@given(at=st.integers(0, len(_BASE)), junk=st.binary(max_size=8), cut=st.integers(0, 8))
def test_mutants_are_refused_in_its_own_words(at: int, junk: bytes, cut: int) -> None:
    """A mutated file gives a header whose tensors lie in the file, or an error of our own."""
    data = _BASE[:at] + junk + _BASE[at + cut :]
    try:
        header = parse_header(BytesSource(data))
    except (MalformedContentError, LimitExceededError):
        return
    assert all(header.data_offset <= t.start <= t.end <= len(data) for t in header.tensors)


@given(st.binary(max_size=100), st.sampled_from([2, 3]))
def test_arbitrary_headers_are_refused_in_its_own_words(data: bytes, version: int) -> None:
    """Arbitrary bytes behind a magic give a header or an error of our own."""
    try:
        parse_header(BytesSource(b"GGUF" + struct.pack("<I", version) + data))
    except (MalformedContentError, LimitExceededError):
        return
