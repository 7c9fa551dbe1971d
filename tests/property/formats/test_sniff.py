"""What an unpickler would follow is never taken for anything harmless."""

import contextlib
import io
import pickle
import struct
from typing import Self

from hypothesis import example, given, settings
from hypothesis import strategies as st

from support.gguf import build_gguf, pair, text
from support.zips import zip_of
from weighbridge.core.artifact import FileFormat as F
from weighbridge.core.content import BytesSource
from weighbridge.formats.sniff import Sniffed, sniff

PICKLES = {F.PICKLE, F.JOBLIB, F.TORCH_LEGACY}
NAMES = st.sampled_from(
    ["model", "model.bin", "a.txt", "a.py", "a.json", "a.pt", "README.md", "a.yaml"]
)


class Stub:
    """What an import gives: does nothing, takes everything."""

    def __new__(cls, *_: object, **__: object) -> Self:
        """Take any arguments."""
        return super().__new__(cls)

    def __init__(self, *_: object, **__: object) -> None:
        """Take any arguments."""

    def __setstate__(self, _: object) -> None:
        """Take any state."""


class Recorder(pickle.Unpickler):
    """CPython's own unpickler, which imports nothing and notes what it was asked for."""

    def __init__(self, data: bytes) -> None:
        super().__init__(io.BytesIO(data))
        self.asked: list[tuple[str, str]] = []

    def find_class(self, module: str, name: str, /) -> type[Stub]:
        """Note the name."""
        self.asked.append((module, name))
        return Stub

    def persistent_load(self, _: object, /) -> None:
        """Take any id."""


def imports(data: bytes) -> bool:
    """
    Tell whether unpickling *data* would import a module with an ordinary name.

    Only the first name counts: a real unpickler ends at one that no module can have.
    """
    recorder = Recorder(data)
    with contextlib.suppress(Exception):  # Hostile streams fail in every way there is.
        recorder.load()
    return any(
        m.replace(".", "").isidentifier() and n.replace(".", "").isidentifier()
        for m, n in recorder.asked[:1]
    )


def formats(result: Sniffed) -> set[F]:
    """Return every format that was told."""
    return {result.format, *result.also}


_NUMBER = st.integers(0, 3)
_OPCODES = st.one_of(
    st.sampled_from(
        [
            bytes([c])
            for c in b"(0123NRQ)]}abdelostu.\x81\x85\x86\x87\x88\x89\x8f\x90\x91\x92\x93\x94\x97\x98"
        ]
    ),
    st.sampled_from(
        [
            b"cos\nsystem\n",
            b"ios\nsystem\n",
            b"ccollections\nOrderedDict\n",
            b"\x8c\x02os\x8c\x06system\x93",
        ]
    ),
    st.sampled_from(
        [
            b"I1\n",
            b"I0x1F\n",
            b"I01\n",
            b"L5L\n",
            b"L5\n",
            b"F1.5\n",
            b"S'a'\n",
            b'S"b"\n',
            b"Vtext\n",
            b"Pid\n",
        ]
    ),
    st.sampled_from(
        [
            b"K\x01",
            b"M\x01\x00",
            b"J\x01\x00\x00\x00",
            b"G" + bytes(8),
            b"U\x01a",
            b"X\x01\x00\x00\x00a",
            b"C\x01a",
        ]
    ),
    st.sampled_from(
        [
            b"T\x01\x00\x00\x00a",
            b"B\x01\x00\x00\x00a",
            b"\x8a\x01\x05",
            b"\x8b\x01\x00\x00\x00\x05",
            b"\x80\x02",
            b"\x80\x05",
        ]
    ),
    st.builds(lambda n: b"g%d\n" % n, _NUMBER),
    st.builds(lambda n: b"p%d\n" % n, _NUMBER),
    st.builds(lambda c, n: c + bytes([n]), st.sampled_from([b"h", b"q"]), _NUMBER),
    st.builds(lambda c, n: c + struct.pack("<I", n), st.sampled_from([b"j", b"r"]), _NUMBER),
    st.builds(lambda n: b"\x95" + struct.pack("<Q", n), _NUMBER),
    st.binary(max_size=3),
)


@settings(max_examples=600)
@given(parts=st.lists(_OPCODES, max_size=25))
@example(parts=[b"cos\nsystem\n", b"(", b"S'id'\n", b"t", b"R", b"."])
def test_what_an_unpickler_imports_is_a_pickle(parts: list[bytes]) -> None:
    """Every stream on which CPython's unpickler comes to an import is told as a pickle."""
    data = b"".join(parts)
    if imports(data):
        assert formats(sniff(BytesSource(data), name="weights")) & PICKLES


_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=5)
    | st.binary(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(max_size=3), inner, max_size=4)
        | st.tuples(inner, inner)
    ),
    max_leaves=10,
)


@given(value=_VALUES, protocol=st.integers(0, 5), rest=st.binary(max_size=10))
def test_what_python_pickles_is_a_pickle(value: object, protocol: int, rest: bytes) -> None:
    """Any value in any protocol is a pickle, whatever follows it."""
    data = pickle.dumps(value, protocol) + rest
    assert formats(sniff(BytesSource(data), name="weights")) & PICKLES


@given(
    value=_VALUES,
    protocol=st.integers(0, 5),
    at=st.integers(0, 200),
    junk=st.binary(max_size=4),
    name=NAMES,
)
def test_mutants_are_sniffed_without_failing(
    value: object, protocol: int, at: int, junk: bytes, name: str
) -> None:
    """A mutated pickle is told as something, and as a pickle wherever a call remains."""
    data = pickle.dumps((Stub, value), protocol)
    data = data[:at] + junk + data[at + len(junk) :]
    result = sniff(BytesSource(data), name=name)
    if imports(data) and name in {"model", "model.bin", "a.pt"}:
        assert formats(result) & PICKLES


_SEEDS = st.sampled_from(
    [
        zip_of({"a/data.pkl": b"x", "a/version": b"3"}),
        zip_of({"a.npy": b"x"}, deflate=True),
        build_gguf([pair("k", 8, text("v"))]),
        struct.pack("<Q", 2) + b"{}",
        b'{"a": [1, "b", null]}',
        b"---\na: 1\n",
        b"#!/bin/sh\n",
        b"\x08\x08\x12\x01x\x3a\x02\x0a\x00\x42\x02\x10\x11",
        b"\x78\x9c" + bytes(10),
        bytes(257) + b"ustar\0" + bytes(300),
        bytes(512) + b"\x89HDF\r\n\x1a\n",
    ]
)


@settings(max_examples=300)
@given(
    seed=_SEEDS,
    at=st.integers(0, 600),
    junk=st.binary(max_size=40),
    cut=st.integers(0, 40),
    name=NAMES,
)
def test_anything_is_sniffed_without_failing(
    seed: bytes, at: int, junk: bytes, cut: int, name: str
) -> None:
    """Mutants of every family are told as something; never an error."""
    data = seed[:at] + junk + seed[at + cut :]
    assert sniff(BytesSource(data), name=name).format in F


@given(data=st.binary(max_size=400), name=st.text(max_size=20))
def test_arbitrary_bytes_are_sniffed_without_failing(data: bytes, name: str) -> None:
    """Arbitrary bytes under an arbitrary name are told as something; only nothing is empty."""
    assert (sniff(BytesSource(data), name=name).format is F.EMPTY) == (not data)


@given(
    head=st.binary(min_size=1, max_size=40),
    members=st.dictionaries(st.text("abc/.", min_size=1), st.binary(), min_size=1),
)
def test_an_appended_zip_is_always_told(head: bytes, members: dict[str, bytes]) -> None:
    """Whatever a file starts with, a zip at its end is among its formats."""
    result = sniff(BytesSource(head + zip_of(members)), name="a")
    assert formats(result) & {F.ZIP, F.NPZ, F.TORCH_ZIP, F.TORCHSCRIPT, F.KERAS_V3}


@given(length=st.integers(2, 31).map(lambda n: 8 * n), content=st.binary(max_size=400))
@example(length=72, content=b"\n\x84\x01\x02\x03\x04R.")
@example(length=80, content=b"\n\x84\x01\x02\x03\x04R.")
def test_padded_weights_are_no_pickle_whatever_they_hold(length: int, content: bytes) -> None:
    """Writers of safetensors pad the header to eight bytes: its length begins no pickle then."""
    size = f'{{"w":{{"dtype":"U8","shape":[{len(content)}],"data_offsets":[0,{len(content)}]}}}}'
    header = size.encode().ljust(max(length, -(-len(size) // 8) * 8))
    told = sniff(BytesSource(struct.pack("<Q", len(header)) + header + content), name="m")
    assert told.format is F.SAFETENSORS
    assert told.also == ()
