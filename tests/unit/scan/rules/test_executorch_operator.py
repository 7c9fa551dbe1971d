"""Rule `executorch-operator`, and programs that reach past their file."""

import pytest

from support.rule_vectors import assert_vector_holds
from support.scanning import examined, rules_of
from support.tflite import Fields, Number, Tables, flatbuffer
from weighbridge.core.artifact import FileFormat as F
from weighbridge.core.codes import Code
from weighbridge.core.content import BytesSource
from weighbridge.formats.sniff import sniff

RULE = "executorch-operator"


def program(
    *operators: str, delegates: tuple[str, ...] = (), segment: tuple[int, int] = (0, 4)
) -> bytes:
    """Return a program that needs these."""
    plan: Fields = {
        0: "forward",
        6: Tables(tuple({0: name, 1: "out"} for name in operators)),
        7: Tables(tuple({0: name} for name in delegates)),
    }
    offset, size = segment
    segments = Tables(({0: Number(offset, 8), 1: Number(size, 8)},))
    return flatbuffer({0: Number(0), 1: Tables((plan,)), 4: segments}, identifier=b"ET12")


def test_vector() -> None:
    """An operator of another library is found, one of PyTorch is not."""
    assert_vector_holds(RULE)


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (program("aten::add", "quantized_decomposed::dequantize_per_tensor"), set()),
        (program("mine::add"), {RULE}),
        (program("aten"), set()),
        (program(delegates=("XnnpackBackend",)), set()),
        (program(delegates=("QnnBackend",)), {RULE}),
        (program(segment=(8, 1 << 40)), {str(Code.SCAN_MALFORMED)}),
        (program()[:30], {str(Code.SCAN_MALFORMED)}),
    ],
)
def test_programs(data: bytes, expected: set[str]) -> None:
    """What ExecuTorch brings passes; other native code is found; what does not fit is a gap."""
    assert sniff(BytesSource(data), name="x").format is F.EXECUTORCH
    assert rules_of(examined(data, format=F.EXECUTORCH, path="m.pte")) == expected


def test_segments_start_behind_the_program() -> None:
    """Where there is an extended header, segments are counted from the place that it names."""
    data = bytearray(program(segment=(0, 4)))
    data = data[:8] + bytearray(b"eh00" + bytes(12) + (1 << 40).to_bytes(8, "little")) + data[8:]
    data[0:4] = (int.from_bytes(data[0:4], "little") + 24).to_bytes(4, "little")
    found = rules_of(examined(bytes(data), format=F.EXECUTORCH))
    assert found == {str(Code.SCAN_MALFORMED)}
