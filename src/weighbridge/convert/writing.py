"""Write a planned file."""

import sys
from collections.abc import Callable
from typing import BinaryIO, Final

from weighbridge.convert.plan import Plan, PlannedTensor
from weighbridge.convert.strided import pieces
from weighbridge.core.errors import OperationError
from weighbridge.load.placement import ELEMENT_BYTES

_LITTLE: Final = sys.byteorder == "little"


def write_planned(file: BinaryIO, plan: Plan, *, advance: Callable[[int], None]) -> None:
    """
    Write what *plan* says to *file*, from its beginning to its end.

    Args:
        file: Empty, and written to by nobody else.
        plan: What to write.
        advance: Told how many bytes of tensors were written; what it raises ends the writing.

    Raises:
        OperationError: The checkpoint cannot be read, or the machine counts bytes the other way
            round.
        ArtifactRefusedError, ArtifactChangedError: What reading a tensor raises.
        OSError: What writing raises.
    """
    if not _LITTLE:
        raise OperationError("safetensors files are written on little-endian machines only")
    planned = plan.file
    file.write(planned.header)
    at = len(planned.header)
    for tensor in plan.tensors:
        if tensor.start != at:
            raise ValueError("the tensors of a plan follow each other")
        at += _write_tensor(file, tensor, where=f"{planned.source}: {tensor.name}", advance=advance)
    if at != planned.size:
        raise ValueError("the tensors of a plan fill the file")


def _write_tensor(
    file: BinaryIO, tensor: PlannedTensor, *, where: str, advance: Callable[[int], None]
) -> int:
    written = 0
    for piece in pieces(tensor.placement, where=where):
        file.write(piece)
        written += len(piece)
        advance(len(piece))
    expected = ELEMENT_BYTES[tensor.placement.region.element]
    for length in tensor.placement.shape:
        expected *= length
    if written != expected:
        raise ValueError("a tensor has as many bytes as its shape says")
    return written
