"""Rule `gguf-structure`, and the templates that GGUF files hold."""

import struct

from support.rule_vectors import assert_vector_holds
from support.scanning import examined, rules_of
from weighbridge.core.artifact import FileFormat

RULE = "gguf-structure"
STRING = 8


def test_vector() -> None:
    """A header that promises more than there is is found, an empty one is not."""
    assert_vector_holds(RULE)


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
