"""Files of numbers and names that are told by their first bytes have to hold together."""

import struct
from pathlib import Path

import pytest

from support.protobuf import field
from support.scanning import examined, rules_of
from support.tflite import flatbuffer, tflite
from weighbridge.core.artifact import FileFormat as F
from weighbridge.core.content import BytesSource
from weighbridge.core.limits.documents import MAX_VOCABULARY_BYTES
from weighbridge.core.limits.sniffing import SNIFF_BYTES
from weighbridge.formats.sniff import sniff

GRAPHS = Path(__file__).parents[3] / "vectors" / "graphs"
WEIGHTS = GRAPHS / "program.mlpackage" / "Data" / "com.apple.CoreML" / "weights" / "weight.bin"
POSTSCRIPT = field(1, 10) + field(2, 0) + field(5, 0) + field(8000, b"ORC")
ORC = b"ORC\0" + bytes(10) + POSTSCRIPT + bytes([len(POSTSCRIPT)])
PIECES = field(1, field(1, "a") + b"\x15\0\0\0\0") * 3 + field(2, field(1, "b"))


def ocdbt(mark: int, size: int) -> bytes:
    """Return a manifest or a node that says it has *size* bytes."""
    return bytes([0x0C, 0xDB]) + struct.pack(">H", mark) + struct.pack("<Q", size) + bytes(8)


def detector(name: bytes, *numbers: int) -> bytes:
    """Return the head of a model of GGML that begins with its *name*."""
    sizes = struct.pack("<8i", *numbers)
    return b"lmgg" + len(name).to_bytes(4, "little") + name + sizes + bytes(32)


def ggml(*numbers: int) -> bytes:
    """Return the head of a model of GGML with *numbers*."""
    return b"lmgg" + struct.pack("<8i", *numbers) + bytes(32)


@pytest.mark.parametrize(
    ("file_format", "data"),
    [
        (F.ORC, ORC),
        (F.TOKENIZER, PIECES),
        (F.TENSORSTORE, ocdbt(0x3A2A, 20)),
        (F.TENSORSTORE, ocdbt(0x20DE, 20)),
        (F.GGML, ggml(51865, 1500, 384, 6, 4, 0, 0, 0)),
        (F.TF_HUB_MODULE, b"\x08\x03"),
        (F.COREML_WEIGHTS, WEIGHTS.read_bytes()),
    ],
)
def test_clean(file_format: F, data: bytes) -> None:
    """A file that holds together is clean; the same with a part cut off, or rubbish, is a gap."""
    assert examined(data, format=file_format) == ()
    if file_format is not F.TF_HUB_MODULE:
        for cut in (data[:-1], data[: len(data) // 3]):
            if file_format is not F.GGML or len(cut) < 36:
                assert rules_of(examined(cut, format=file_format)) == {"scan-malformed"}


def test_a_model_that_begins_with_its_name() -> None:
    """The sizes of a model that tells speech from silence are behind its name."""
    data = detector(b"silero-16k", 6, 2, 2, 512, 64, 4, 129, 128)
    assert examined(data, format=F.GGML) == ()


@pytest.mark.parametrize(
    ("file_format", "data"),
    [
        (F.ORC, b"ORC" + bytes(64) + b"ORC\0"),
        (F.ORC, b"ORC\0" + POSTSCRIPT + bytes([len(POSTSCRIPT)])),
        (F.TOKENIZER, PIECES + b"\x12\xff\xff\xff\x7f"),
        (F.TOKENIZER, PIECES + b"\x13"),
        (F.TOKENIZER, PIECES + b"\x02\0"),
        (F.TENSORSTORE, ocdbt(0x3A2A, 18)),
        (F.TENSORSTORE, ocdbt(0x20DE, 21)),
        (F.TENSORSTORE, ocdbt(0x20DE, 0)),
        (F.GGML, ggml(1, 0, 0, 0, 0, 0, 0, 0)),
        (F.GGML, detector(b"silero-16k", 6, 2, 0, 512, 64, 4, 129, -1)),
        (F.GGML, detector(b"silero-\n16k", 6, 2, 0, 512, 64, 4, 129, 128)),
        (F.GGML, detector(b"another-16k", 6, 2, 0, 512, 64, 4, 129, 128)),
        (F.GGML, ggml(1, 1, 1, 1, 1, 1, 1, -1)),
        (F.COREML_WEIGHTS, WEIGHTS.read_bytes() + bytes(64)),
        (F.COREML_WEIGHTS, bytes(4) + WEIGHTS.read_bytes()[4:]),
        (F.TF_HUB_MODULE, b"\x08\x03" + bytes(SNIFF_BYTES)),
    ],
)
def test_rubbish(file_format: F, data: bytes) -> None:
    """What only begins as such a file is a gap."""
    assert rules_of(examined(data, format=file_format)) == {"scan-malformed"}


def test_several_nodes_in_a_file() -> None:
    """Nodes of a tree may follow each other; a manifest is alone."""
    assert examined(ocdbt(0x20DE, 20) * 2, format=F.TENSORSTORE) == ()
    found = examined(ocdbt(0x3A2A, 20) * 2, format=F.TENSORSTORE)
    assert rules_of(found) == {"scan-malformed"}


def test_a_vocabulary_larger_than_any() -> None:
    """A vocabulary is read whole, up to a limit."""
    data = field(1, field(1, "a")) + field(4, bytes(MAX_VOCABULARY_BYTES))
    assert rules_of(examined(data, format=F.TOKENIZER)) == {"scan-limit"}


@pytest.mark.parametrize(
    ("name", "file_format"), [(b"ORTM", F.ORT), (b"ET12", F.EXECUTORCH), (b"TFL3", F.TFLITE)]
)
def test_models_of_nothing(name: bytes, file_format: F) -> None:
    """A flatbuffer with the name of a format and nothing in it is no model."""
    data = flatbuffer({}, identifier=name)
    assert sniff(BytesSource(data), name="model").format is file_format
    assert rules_of(examined(data, format=file_format)) == {"scan-malformed"}
    if file_format is F.TFLITE:
        assert examined(tflite(), format=file_format) == ()


def test_models_of_other_kinds_of_nothing() -> None:
    """Operators of MNN, a table of CatBoost, and the end of word vectors have to be there."""
    assert "scan-malformed" in rules_of(examined(flatbuffer({}), format=F.MNN))
    catboost = b"CBM1" + struct.pack("<II", 16, 4) + bytes(64)
    assert rules_of(examined(catboost, format=F.CATBOOST)) == {"scan-malformed"}
    vectors = b"1 1\na \0\0\0\0"
    assert examined(vectors, format=F.WORD2VEC) == ()
    assert rules_of(examined(vectors + bytes(8), format=F.WORD2VEC)) == {"scan-malformed"}
