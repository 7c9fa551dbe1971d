"""Files of numbers: real ones are told and clean, others are gaps."""

import zlib
from pathlib import Path

import pytest

from support.scanning import examined, rules_of
from weighbridge.core.artifact import Carries, carries
from weighbridge.core.artifact import FileFormat as F
from weighbridge.core.codes import Code
from weighbridge.core.content import BytesSource
from weighbridge.core.evidence import Gap
from weighbridge.formats.sniff import sniff
from weighbridge.scan.examination import examine
from weighbridge.scan.interface import Subject

FOLDER = Path(__file__).parents[3] / "vectors" / "numbers"
REAL = {
    "m.mnn": F.MNN,
    "m.pdiparams": F.PADDLE_PARAMETERS,
    "mxnet.params": F.MXNET,
    "word2vec.bin": F.WORD2VEC,
}
NOISE = b"\xf3\x1c\x80?\x00\xab\x99\xe1" * 4


def read(name: str) -> bytes:
    """Return a file that its library wrote."""
    return FOLDER.joinpath(name).read_bytes()


def told(data: bytes, name: str) -> F:
    """Return the format of *data*."""
    return sniff(BytesSource(data), name=name).format


@pytest.mark.parametrize(("name", "file_format"), REAL.items())
def test_real_files(name: str, file_format: F) -> None:
    """What the libraries wrote is told from its bytes, and clean."""
    data = read(name)
    assert told(data, name) is file_format
    assert examined(data, format=file_format, path=name) == ()


@pytest.mark.parametrize("name", ["m.pdiparams", "mxnet.params", "word2vec.bin"])
def test_bytes_more_or_less(name: str) -> None:
    """A file that is cut is a gap, and so is one with more."""
    data, file_format = read(name), REAL[name]
    malformed = {str(Code.SCAN_MALFORMED)}
    assert rules_of(examined(data[:-5], format=file_format)) == malformed
    assert rules_of(examined(data + b"cos\n", format=file_format)) == malformed


@pytest.mark.parametrize(
    ("name", "at", "piece"),
    [
        ("mxnet.params", 16, b"\xff\xff\xff\xff"),  # the number of arrays
        ("mxnet.params", 24, b"\xca"),  # the mark
        ("mxnet.params", 28, b"\x01"),  # the storage
        ("mxnet.params", 32, b"\xff"),  # the rank
        ("mxnet.params", 36, b"\xff\xff\xff\xff\xff\xff\xff\xff"),  # a dimension
        ("m.pdiparams", 0, b"\x01"),  # the version
        ("m.pdiparams", 16, b"\xff\xff"),  # the size of the description
        ("m.pdiparams", 21, b"\x09"),  # the type
        ("m.pdiparams", 22, b"\x18"),  # a field
        ("word2vec.bin", 0, b"9"),  # the number of words
        ("word2vec.bin", 5, b"\x00"),  # a word
    ],
)
def test_numbers_that_do_not_fit(name: str, at: int, piece: bytes) -> None:
    """A count, a size or a type that does not fit is a gap."""
    data = read(name)
    changed = data[:at] + piece + data[at + len(piece) :]
    if changed[24:28] == b"\xca\xfa\x93\xf9":
        assert examined(changed, format=REAL[name]) == ()  # the form with shapes of NumPy
    else:
        assert rules_of(examined(changed, format=REAL[name])) == {str(Code.SCAN_MALFORMED)}


def test_weights_of_mnn_in_other_files() -> None:
    """A model of MNN that cannot be followed to its operators is a gap."""
    data = read("m.mnn")
    assert rules_of(examined(data[:60], format=F.MNN)) == {str(Code.SCAN_MALFORMED)}


@pytest.mark.parametrize(
    ("name", "beside"),
    [
        ("a/model.bin", "a/model.xml"),
        ("model.bin", "model.param"),
        ("a/yolo.weights", "a/yolo.cfg"),
        ("a/onnx__MatMul_12", "a/model.onnx"),
        ("a/layers_0_in_proj_weight", "a/model.onnx"),
        ("a/model.weight", "a/model.onnx"),
        ("a/attention.in_proj_weight", "a/model.onnx"),
        ("a/fc.weight_quantized", "a/model.onnx"),
        ("a/84ba1164-e6c6-11f1-b33f-02fc00000001", "a/model.onnx"),
        ("a/x.w/0.1", "a/x.w/.zarray"),
        ("a/x.w/0", "a/x.w/zarr.json"),
        ("a/x.w/c/0/1", "a/x.w/zarr.json"),
        ("a/d/" + "0f" * 16, "a/manifest.ocdbt"),
        ("d/" + "0f" * 16, "manifest.ocdbt"),
        ("m.data-00000-of-00001", "m.index"),
    ],
)
def test_bytes_without_a_header(name: str, beside: str) -> None:
    """Unknown bytes pass beside the file that says what they are, and are a gap beside none."""
    assert told(NOISE, name) in (F.RAW_BYTES, F.RAW_TENSORS)
    siblings = frozenset({beside})
    assert examined(NOISE, format=F.RAW_TENSORS, path=name, siblings=siblings) == ()
    (gap,) = examined(
        NOISE, format=F.RAW_TENSORS, path=name, siblings=frozenset({f"other/{beside}"})
    )
    assert isinstance(gap, Gap)
    assert gap.code is Code.SCAN_UNSUPPORTED


def test_a_name_alone_makes_nothing_harmless() -> None:
    """Bytes under a name that any file may have are not taken for data by a policy for formats."""
    for name in ("model.bin", "0.1", "0f" * 16, "onnx__MatMul_12"):
        assert told(NOISE, name) is F.RAW_BYTES
    assert carries(F.RAW_BYTES) is Carries.UNKNOWN


def test_a_stream_is_one_under_any_name() -> None:
    """Bytes that can be inflated are no tensors, whatever they are called."""
    data = zlib.compress(b"some words of a text, and more words of it", wbits=-15)
    for name in ("model.bin", "model.weight", "0.1", "model"):
        assert told(data, name) is F.DEFLATE


def test_an_onnx_explains_no_other_file() -> None:
    """A model of ONNX explains neither chunks, nor values, nor any file that ends in bin."""
    for name in ("0.1", "0f" * 16, "other.bin"):
        found = examined(NOISE, format=F.RAW_TENSORS, path=name, siblings=frozenset({"m.onnx"}))
        assert rules_of(found) == {str(Code.SCAN_UNSUPPORTED)}, name


@pytest.mark.parametrize(
    ("data", "name", "expected"),
    [
        (b"\x08\x03", "tfhub_module.pb", F.TF_HUB_MODULE),
        (b"\x08\x03\x12\x01a", "tfhub_module.pb", F.TF_HUB_MODULE),
        (b"\x08\x03", "other.pb", F.UNKNOWN),
        (b"\x08\x00", "tfhub_module.pb", F.UNKNOWN),
        (b"\x08\x03\x08\x03", "tfhub_module.pb", F.UNKNOWN),
        (b"lmgg\x98\xca\x00\x00" + NOISE, "ggml-base.bin", F.GGML),
        (b"tjgg\x01\x00\x00\x00" + NOISE, "model", F.GGML),
        (b"algg\x00\x00\x00\x00" + NOISE, "model", F.UNKNOWN),
        (b"algg=1; echo\n", "run.sh", F.SCRIPT),
        (b"lmgg = 1\nprint(lmgg)\n", "model.py", F.PYTHON_SOURCE),
        (b"\x0c\xdb\x3a\x2a" + NOISE, "manifest.ocdbt", F.TENSORSTORE),
        (b"ftrt" + bytes(20), "m.engine", F.TENSORRT),
        (b"ftrt are letters, and so is all the rest", "m.txt", F.TEXT),
        (b"\x0b\x00\x00\x00" + b'{"a": "bc"}' + b"ftrt" + bytes(20), "m.engine", F.TENSORRT),
        (b"\x0b\x00\x00\x00" + b'{"a": "bc"}' + b"ftru" + bytes(20), "m.engine", F.UNKNOWN),
        (b"ORC" + NOISE + b"ORC\x10", "t.orc", F.ORC),
        (b"ORC" + NOISE, "t.orc", F.UNKNOWN),
        (b"ORC = 1\nprint(ORC)\n#ORC\n", "model.py", F.PYTHON_SOURCE),
        (NOISE, "weights", F.UNKNOWN),
        (NOISE, "model.mnn", F.UNKNOWN),
    ],
)
def test_sniffing(data: bytes, name: str, expected: F) -> None:
    """Other files of numbers are told by their marks."""
    assert told(data, name) is expected


def test_an_engine_is_code() -> None:
    """An engine of TensorRT is reported as the compiled code that it is."""
    data = b"ftrt" + bytes(20)
    assert "native-code" in rules_of(examined(data, format=F.TENSORRT, path="m.engine"))


@pytest.mark.parametrize(
    "data",
    [
        b"\xac\xed\x00\x05sr" + bytes(40),
        bytes.fromhex("0001000000ffffffff01000000") + bytes(40),
        b"\xe3" + bytes(16) + b"\x03\x00\x00\x00\x40\x00\x00\x00s\x08" + bytes(40),
    ],
    ids=["Java", ".NET", "marshal"],
)
def test_objects_are_no_numbers(data: bytes) -> None:
    """A model beside them does not make numbers of what other readers build objects of."""
    for content, expected in ((data, {"scan-unsupported"}), (b"\x01" + data, set[str]())):
        found = examined(
            content,
            format=F.RAW_BYTES,
            path="model.bin",
            siblings=frozenset({"model.xml"}),
        )
        assert rules_of(found) == expected


@pytest.mark.parametrize(
    ("name", "beside"), [("model.bin", "model.xml"), ("layer.weight", "m.onnx"), ("0.0", ".zarray")]
)
def test_an_empty_file_says_nothing(name: str, beside: str) -> None:
    """A model without a byte beside them does not make numbers of bytes."""
    for size, expected in ((0, {str(Code.SCAN_UNSUPPORTED)}), (1, set[str]())):
        found = examine(
            Subject(
                path=name,
                name=name,
                format=F.RAW_BYTES,
                source=BytesSource(NOISE),
                siblings=frozenset({name, beside}),
                sizes={name: len(NOISE), beside: size},
            )
        )
        assert rules_of(found) == expected
