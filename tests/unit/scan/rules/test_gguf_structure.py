"""Rule `gguf-structure`, and the templates that GGUF files hold."""

import struct

import pytest

from support.gguf import Tensor, array, build_gguf, pair, text
from support.rule_vectors import assert_vector_holds
from support.scanning import examined, rules_of
from weighbridge.core.artifact import FileFormat

RULE = "gguf-structure"
STRING = 8


def test_vector() -> None:
    """A header that promises more than there is is found, an empty one is not."""
    assert_vector_holds(RULE)


HUGE = 2**63 + 1
TRICKS = {
    "a tensor count that overflows": build_gguf(tensor_count=HUGE),
    "a key count that overflows": build_gguf(key_count=HUGE),
    "counts that the file cannot hold": build_gguf(tensor_count=1_000, key_count=1_000),
    "a key that is longer than the file": build_gguf([struct.pack("<Q", HUGE)], key_count=1),
    "a string that is longer than the file": build_gguf([pair("a", 8, struct.pack("<Q", HUGE))]),
    "an array that is longer than the file": build_gguf([pair("a", 9, array(4, HUGE, b""))]),
    "an array of strings without an end": build_gguf([pair("a", 9, array(8, 2**40, b""))]),
    "arrays within arrays": build_gguf([pair("a", 9, array(9, 1, b"") + array(9, 1, b"") * 9)]),
    "a key twice": build_gguf([pair("a", 8, text("x"))] * 2),
    "a type that there is not": build_gguf([pair("a", 99, b"")]),
    "an alignment of zero": build_gguf([pair("general.alignment", 4, struct.pack("<I", 0))]),
    "an alignment that lies": build_gguf(
        [pair("general.alignment", 4, struct.pack("<I", 64))],
        [Tensor(), Tensor(name="u", offset=32)],
        data=bytes(64),
    ),
    "a tensor outside the file": build_gguf([], [Tensor(offset=1 << 40)], data=bytes(32)),
    "a tensor longer than the file": build_gguf([], [Tensor(shape=(1 << 40,))], data=bytes(32)),
    "dimensions whose product overflows": build_gguf(
        [], [Tensor(shape=(1 << 32, 1 << 32, 1 << 32))], data=bytes(32)
    ),
    "too many dimensions": build_gguf([], [Tensor(shape=(1,) * 5)], data=bytes(32)),
    "tensors over one another": build_gguf(
        [], [Tensor(), Tensor(name="u", offset=0)], data=bytes(64)
    ),
    "a hole between tensors": build_gguf(
        [], [Tensor(), Tensor(name="u", offset=64)], data=bytes(96)
    ),
    "a tensor name twice": build_gguf([], [Tensor(), Tensor(offset=32)], data=bytes(64)),
    "bytes behind the tensors": build_gguf([], [Tensor()], data=bytes(100)),
    "the other byte order": b"GGUF" + struct.pack(">IQQ", 3, 0, 0),
    "a version from before": build_gguf(version=1),
}


@pytest.mark.parametrize("trick", TRICKS)
def test_tricks(trick: str) -> None:
    """Each way to mislead a reader in C++ is a finding (CVE-2025-53630 and its like)."""
    assert RULE in rules_of(examined(TRICKS[trick], format=FileFormat.GGUF))


def test_sound_files() -> None:
    """A file with metadata and tensors that hold together is passed, a part of a split one too."""
    split = [
        pair("split.no", 2, struct.pack("<H", 1)),
        pair("split.count", 2, struct.pack("<H", 2)),
    ]
    tensors = [Tensor(), Tensor(name="u", offset=32)]
    assert examined(build_gguf(split, tensors, data=bytes(64)), format=FileFormat.GGUF) == ()


def _gguf(**metadata: str) -> bytes:
    """Return a GGUF file without tensors; `__` in a key stands for a dot."""
    data = b"GGUF" + struct.pack("<IQQ", 3, 0, len(metadata))
    for key, value in metadata.items():
        name = key.replace("__", ".").encode()
        text = value.encode()
        data += struct.pack("<Q", len(name)) + name
        data += struct.pack("<IQ", STRING, len(text)) + text
    return data + bytes(-len(data) % 32)


def test_template_in_metadata() -> None:
    """A chat template in the metadata is read as one."""
    bad = _gguf(tokenizer__chat_template="{{ x.__class__ }}")
    named = _gguf(tokenizer__chat_template__tool="{{ x.__class__ }}")
    assert rules_of(examined(bad, format=FileFormat.GGUF)) == {"chat-template"}
    assert rules_of(examined(named, format=FileFormat.GGUF)) == {"chat-template"}


def test_other_metadata() -> None:
    """The same text under another key is data, and so is a harmless template."""
    other = _gguf(general__description="{{ x.__class__ }}")
    good = _gguf(tokenizer__chat_template="{{ x.strip() }}")
    assert examined(other, format=FileFormat.GGUF) == ()
    assert examined(good, format=FileFormat.GGUF) == ()
