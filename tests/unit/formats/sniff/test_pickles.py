"""What is told to be a pickle, and what only looks like one."""

import pickle
import struct
from collections import OrderedDict

import pytest

from support.sniffing import CALL, LEGACY, found, sniffed
from weighbridge.core.artifact import FileFormat as F
from weighbridge.core.limits.sniffing import MAX_SNIFF_READS
from weighbridge.formats.sniff import suffix_format


@pytest.mark.parametrize(
    "rest", [b"cos\nsystem\n\x12", b"\x84\x11\0\0\0)R\x12", b".", b"\x840000."]
)
def test_a_model_of_catboost_may_be_a_pickle(rest: bytes) -> None:
    """What an unpickler imports by name, calls or ends well with is a pickle, whatever it is else."""
    told = sniffed(b"CBM1" + bytes(64) + rest + bytes(8), "m.cbm")
    assert (told.format, told.also) == (F.PICKLE, (F.CATBOOST,))


VALUES = {"weights": [1.5, 2, None, True, "text", b"bytes"], "more": OrderedDict(a=(1, 2))}


@pytest.mark.parametrize("protocol", range(6))
@pytest.mark.parametrize(
    "value",
    [
        VALUES,
        [],
        5,
        "text",
        {"a": 1},
        list(range(5000)),
        OrderedDict(),
        "x" * 100_000,
        b"x" * 100_000,
    ],
    ids=lambda v: repr(v)[:10],
)
def test_tells_pickles_of_every_protocol(value: object, protocol: int) -> None:
    """Whatever Python pickles, in whichever protocol, is a pickle."""
    assert found(pickle.dumps(value, protocol)) is F.PICKLE
    assert found(pickle.dumps(value, protocol), "pytorch_model.bin") is F.PICKLE


@pytest.mark.parametrize(
    "data",
    [
        CALL,
        CALL[:-1],
        CALL[:-1] + b"\xff garbage",
        b"(S'id'\nios\nsystem\n.",
        b"(cos\nsystem\nS'id'\no.",
        b"(Vid\nios\nsystem\n",
        b"]p0\n0cbuiltins\nexec\n(Vpass\ntR.",
        b"N0N0N0" + CALL,
        b"I0x10\n0" + CALL,
        b"I5\x00abc\n0" + CALL,
        b"L0b11L\n0" + CALL,
        b"F1.5\n0" + CALL,
        b"((1" + CALL,
        b"(0" + CALL,
        b"Nq\x00h\x000" + CALL,
        b"Np5\ng5\n20" + CALL,
        b"V" + b"x" * 20_000 + b"\n0" + CALL,
        b"U\x03abc0" + CALL,
        b"X\x00\x30\x00\x00" + b"x" * 0x3000 + b"0" + CALL,
        b"\x95" + struct.pack("<Q", len(CALL)) + CALL,
        b"\x95\x00\x00\x00\x00\x00\x00\x00\x00" + CALL,
        b"\x80\x00" + CALL,
        b"\x80\x05\x95\x00\x00\x00\x00\x00\x00\x00\x00" + CALL,
        b"K\x01K\x02\x860" + CALL,
        b"\x8c\x02os\x8c\x06system\x93\x8c\x02id\x85R.",
        b"cos\nsystem\n)\x81.",
        b"cos\nsystem\n)}\x92.",
        b"\x82\x01)R.",
        b"\x80\x02cos\nsystem\nq\x00X\xff\xff\xff\xff",
        b"cos\r\nsystem\r\n(S'id'\ntR.",
    ],
)
def test_tells_pickles_that_call_something(data: bytes) -> None:
    """A stream of any form that an unpickler follows up to a call is a pickle, broken or not."""
    assert found(data) is F.PICKLE
    assert found(data, "weights.bin") is F.PICKLE


@pytest.mark.parametrize("name", ["README.md", "vocab.txt", "config.json", "model.py", "data.csv"])
def test_no_name_hides_a_call(name: str) -> None:
    """Text that an unpickler would run is a pickle whatever it is called, and the name lies."""
    result = sniffed(CALL, name)
    assert result.format is F.PICKLE
    assert result.suffix_format is suffix_format(name)
    assert sniffed(b"N0" * 500 + CALL, name).format is F.PICKLE


@pytest.mark.parametrize(
    "data",
    [
        b"conda\nnumpy\ntorch\n",
        b"cat\ndog\n",
        b"import os\nimport sys\n",
        b"from a import b\n",
        b"class A:\n    pass\n",
        b"(c) 2024 Somebody\n",
        b"Version 1.0\n.. note\n",
        b"I am.\n",
        b"None.\n",
        b"S'quoted\n",
        b"Paris\nLondon\n",
        b"Python is\nnice\n",
        b"0.5\n0.25\n",
        b"1\n2\n3\n",
        b"2.5\n",
        b"].\n"[1:],
        b"all\nbe\n",
        b"get 1\n",
        b"put 1\n",
        b"g0\n",
        b"p0\n",
        b"a: 1\nb: 2\n",
        b"t\nu\ne\n",
        b"(((",
        b"Lorem ipsum\n",
        b"F-measure\n",
        b"jane\nqueen\nroy\n",
        b"{'a': 1}",
        b"#comment\n",
        b"- item\n",
        b"<html></html>",
        b"e\nd\nl\nd\n",
        b"d",
        b"\n\n",
        b"hello",
        b"Rest\n",
        b"bash\n",
        b"some\n",
    ],
)
@pytest.mark.parametrize("name", ["README.md", "vocab.txt"])
def test_text_is_no_pickle(data: bytes, name: str) -> None:
    """Ordinary text is text, whichever opcodes its letters are."""
    assert found(data, name) is F.TEXT


def test_a_lone_import_is_a_pickle_unless_the_name_promises_text() -> None:
    """Two lines that read like an import are a pickle in a file of weights, and a list in a list."""
    data = b"cantigravity\nwings\nnonsense"
    assert found(data, "model.bin") is F.PICKLE
    assert found(data, "model") is F.PICKLE
    assert found(data, "requirements.txt") is F.TEXT
    assert found(b"cos\nsystem\n.", "requirements.txt") is F.PICKLE


@pytest.mark.parametrize(
    "data",
    [
        b"\x80\x06" + CALL,
        b"\x80",
        b"N",
        b"K\x01",
        b"K\x01\x00",
        b"\x95\xff\xff\xff\xff\xff\xff\xff\x7f" + CALL,
        b"T\xff\xff\xff\xff" + CALL,
        b"X\xff\xff\xff\x7f" + CALL,
        b"h\x00" + CALL,
        b"0" + CALL,
        b"t" + CALL,
        b"c\xff\nsystem\n)R.",
        b"cos\nsys tem\n)R.",
        b"c\nsystem\n)R.",
        b"P\xff\n.",
        b"\x8b\xff\xff\xff\xff" + CALL,
        b"Ix\n" + CALL,
        b"Fx\n" + CALL,
        b"Sx\n" + CALL,
        b"gx\n" + CALL,
        b"o" + CALL,
        b"(o" + CALL,
        b"N\x80\x09" + CALL,
    ],
)
def test_what_an_unpickler_refuses_at_once_is_no_pickle(data: bytes) -> None:
    """Streams that fail before anything is imported, and have no header, are no pickles."""
    assert found(data) in (F.UNKNOWN, F.TEXT, F.MSGPACK)


@pytest.mark.parametrize("data", [b"\x80\x02N\xff", b"\x80\x04\x95", b"\x80\x02}q\x00X"])
def test_a_header_makes_a_broken_pickle_one(data: bytes) -> None:
    """A stream with the header of protocol 2 stays a pickle though it breaks off."""
    assert found(data) is F.PICKLE


def test_a_pickle_is_followed_behind_its_padding() -> None:
    """Padding beyond the first read does not hide what follows it."""
    padding = b"B" + struct.pack("<I", 9000) + bytes(9000) + b"0"
    assert found(padding * 5 + CALL) is F.PICKLE
    long = padding * (MAX_SNIFF_READS + 5)
    assert found(long + CALL) is F.PICKLE
    assert found(b"V" + b"x" * 200_000 + b"\n0" + CALL) is F.PICKLE
    assert found(b"V" + b"x" * 200_000) is F.TEXT
    assert found(b"V" + b"x" * 3_000_000) is F.PICKLE
    assert found(b"V" + b"x" * 8000, "a.txt") is F.TEXT


@pytest.mark.parametrize("padding", [b"V" + b"x" * 3_000_000 + b"\n0", b"N0" * 30_000])
def test_padding_that_outlasts_the_walk_hides_no_pickle_behind_a_name_of_text(
    padding: bytes,
) -> None:
    """What is still a pickle where the walk's bounds end is one, though its name promises text."""
    assert found(padding + CALL, "vocab.txt") is F.PICKLE
    assert found(b"x" + padding, "vocab.txt") is F.TEXT


@pytest.mark.parametrize("start", [b"S", b"I", b"L", b"F", b"cos", b"ios", b"(ios"])
def test_a_long_line_of_prose_is_no_argument_of_a_pickle(start: bytes) -> None:
    """Text whose first letter is an opcode is text, however far its first line reaches."""
    assert found(start + b" some words" * 300_000, "corpus.txt") is F.TEXT
    assert found(start + b" some words" * 300_000) is F.TEXT


@pytest.mark.parametrize(
    "literal",
    [
        b"Np+5\n0",
        b"Np1_0\n0",
        b"Np0000000000000000000000005\n0",
        b"Np5\x0c\n0",
        b"Np5\0x\n0",
        b"Np5\ng+5\n00",
        b"I5\r\n0",
        b"I\r5\n0",
        b"I\x0b5\n0",
        b"I5\0x\n0",
        b"L5\r\n0",
        b"F1\0x\n0",
        b"F1_0\n0",
    ],
)
def test_numbers_are_read_as_unpicklers_read_them(literal: bytes) -> None:
    """A spelling that only an unpickler takes hides no pickle, in text or behind an image's magic."""
    behind_magic = b"GIF87aXXX0"
    assert found(literal + CALL, "vocab.txt") is F.PICKLE
    assert sniffed(behind_magic + literal + CALL).format is F.PICKLE
    assert sniffed(behind_magic + literal.replace(b"5", b"x").replace(b"1", b"x") + CALL) == (
        sniffed(b"GIF87a" + bytes(99))
    )


def test_a_frame_makes_a_pickle_of_what_breaks_behind_it() -> None:
    """An opcode that crosses a frame's end breaks for one unpickler, and not for another."""
    crossing = struct.pack("<Q", 5) + b"I1e400\n0"
    assert found(b"N\x95" + crossing + CALL) is F.PICKLE
    assert sniffed(b"GIF87aXXX0\x95" + crossing + CALL).format is F.PICKLE
    assert found(b"N" + crossing + CALL) is F.UNKNOWN


def test_a_persistent_id_within_a_stream_may_have_any_ascii() -> None:
    """Control characters in an id end the walk only where a file starts with the id."""
    assert found(b"NP\x01\n0" + CALL) is F.PICKLE
    assert found(b"P\x01\n0" + CALL) is F.UNKNOWN


@pytest.mark.parametrize(
    "first",
    [
        pickle.dumps(LEGACY, 0),
        pickle.dumps(LEGACY, 1),
        pickle.dumps(LEGACY, 2),
        pickle.dumps(LEGACY, 4),
        b"L0x1950a86a20f9469cfc6cL\n.",
        b"I0x1950A86A20F9469CFC6C\n.",
        b"I119547037146038801333356\n.",
        b"\x8b\x0a\x00\x00\x00l\xfc\x9cF\xf9 j\xa8P\x19.",
    ],
)
def test_tells_legacy_torch_files(first: bytes) -> None:
    """The magic number of torch's old files is found in each of its spellings."""
    rest = pickle.dumps(1001, 2) + pickle.dumps({}, 2)
    assert found(first + rest) is F.TORCH_LEGACY
    assert found(first + rest, "model.pt") is F.TORCH_LEGACY
    assert found(pickle.dumps(LEGACY + 1, 2) + rest) is F.PICKLE


def test_tells_joblib_by_its_globals() -> None:
    """A pickle that names joblib's array wrapper is joblib's."""
    wrapper = b"\x80\x03cjoblib.numpy_pickle\nNumpyArrayWrapper\nq\x00)\x81q\x01."
    assert found(wrapper) is F.JOBLIB
    assert found(wrapper.replace(b"joblib", b"goblin")) is F.PICKLE
