"""Write the arrays of a value as safetensors and the rest as JSON, whole or not at all."""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from weighbridge.convert.plan import Plan, PlannedFile, PlannedTensor
from weighbridge.convert.writing import write_planned
from weighbridge.core.codes import Code
from weighbridge.core.errors import OperationError
from weighbridge.formats.safetensors import DTYPE_BITS
from weighbridge.formats.safetensors_layout import TensorForm, lay_out
from weighbridge.load.isolated.building import place_bytes, place_stored
from weighbridge.load.isolated.plain import StoredArray
from weighbridge.load.placement import Placement
from weighbridge.pipeline.conversion.destination import Destination

SUFFIX: Final = ".safetensors"
"""A destination with this suffix is one file, of tensors alone."""

TENSORS: Final = "tensors.safetensors"
DATA: Final = "data.json"
"""The files of a destination that is a directory; the first only where there are arrays."""

_METADATA: Final = {"format": "pt"}


def destination(place: str | os.PathLike[str], /) -> Destination:
    """
    Return where to write.

    Raises:
        UsageError, OperationError: It cannot be written there, or something is there.
    """
    return Destination(place, single=os.fspath(place).endswith(SUFFIX))


def write(
    place: Destination, arrays: Mapping[str, StoredArray], document: object, /, *, where: str
) -> tuple[str, ...]:
    """
    Write *arrays* and *document*, and return the names of the files in order.

    Args:
        place: Where.
        arrays: By their names.
        document: JSON, for a directory alone.
        where: The file that they are from, for errors.

    Raises:
        OperationError: There is no array to write to a single file, or writing failed.
        LimitExceededError: The header would be larger than readers take.
    """
    if place.single and not arrays:
        raise OperationError(
            "there is no array to write",
            code=Code.LOAD_FORMAT,
            where=where,
            hint="Name a directory, to have the plain values as JSON",
        )
    plan = _plan(arrays, place.path.name if place.single else TENSORS, where=where)
    planned = plan.file
    place.require_room(planned.size)
    written: list[str] = []
    with place.prepared() as inner:
        if arrays:
            with (inner / planned.target).open("xb") as file:
                write_planned(file, plan, advance=lambda _: None)
            written.append(planned.target)
        if not place.single:
            _write_json(inner / DATA, document)
            written.append(DATA)
        place.publish(inner)
    return tuple(written)


def _write_json(place: Path, document: object) -> None:
    with place.open("x", encoding="ascii") as file:
        json.dump(document, file, allow_nan=False, indent=1)
        file.write("\n")


def _plan(arrays: Mapping[str, StoredArray], target: str, *, where: str) -> Plan:
    placed = {name: _placed(stored) for name, stored in arrays.items()}
    forms = {
        name: TensorForm(placement.region.element, placement.shape)
        for name, placement in placed.items()
    }
    layout = lay_out(forms, metadata=_METADATA, where=where)
    file = PlannedFile(
        source=where,
        target=target,
        header=layout.header,
        size=layout.size,
        tensors=tuple(name for name, _ in layout.places),
        aliases=(),
        rearranged=(),
        left=(),
    )
    tensors = tuple(
        PlannedTensor(name=name, start=start, placement=placed[name])
        for name, start in layout.places
    )
    return Plan(file=file, tensors=tensors)


def _placed(stored: StoredArray) -> Placement:
    """Return where the elements are, or their bytes where safetensors lacks such elements."""
    if stored.type.element in DTYPE_BITS:
        return place_stored(stored)
    width = stored.type.itemsize
    count = stored.size // width if width else 0
    return place_bytes(stored.block, stored.start, (count, width))
