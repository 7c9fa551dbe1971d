"""What a safetensors file will hold, and what of the checkpoint it says besides."""

import json
from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from weighbridge.convert.problems import refused
from weighbridge.convert.strided import is_contiguous
from weighbridge.convert.survey import Survey
from weighbridge.core.errors import LimitExceededError
from weighbridge.core.limits.converting import MAX_CONVERT_RATIO, MIN_CONVERT_ROOM
from weighbridge.core.values import frozen
from weighbridge.formats.safetensors_layout import SafetensorsLayout, TensorForm, lay_out
from weighbridge.load.memory import InlineMemory
from weighbridge.load.placement import Placement

ALIASES_NOTE: Final = "weighbridge.aliases"
"""Metadata: names that stand for the very elements of another name, as a JSON object."""

STATE_NOTE: Final = "weighbridge.state_dict_metadata"
"""Metadata: what PyTorch notes on state dicts, by the name of the dict, as a JSON object."""

_FORMAT_NOTE: Final = {"format": "pt"}
"""Metadata without which transformers refuses a file."""


class SharedTensors(StrEnum):
    """What becomes of tensors that are the same elements under several names."""

    COPY = "copy"
    """Each name has a tensor: every loader finds every name."""

    ONCE = "once"
    """The first name has it, and the metadata says so, as `safetensors.torch.save_model` does."""


@frozen
class PlannedTensor:
    """
    A tensor to write.

    Attributes:
        name: Its name.
        start: Where its bytes start in the file.
        placement: Where its elements are now.
    """

    name: str
    start: int
    placement: Placement


@frozen
class PlannedFile:
    """
    A safetensors file to write, as far as it is known to who does not write it.

    Attributes:
        source: Path of the checkpoint.
        target: Path of the file.
        header: Its first bytes.
        size: Bytes in total.
        tensors: Names of the tensors.
        aliases: Pairs of a name and the earlier one whose very elements it stands for.
        rearranged: Names of the tensors whose elements do not lie in order in the checkpoint.
        left: What is left out; see `Survey`.
        inflated: Bytes of its tensors that are in memory until it is written, since they are
            compressed in the checkpoint.
    """

    source: str
    target: str
    header: bytes
    size: int
    tensors: tuple[str, ...]
    aliases: tuple[tuple[str, str], ...]
    rearranged: tuple[str, ...]
    left: tuple[str, ...]
    inflated: int = 0

    @property
    def tensor_bytes(self) -> int:
        """Bytes of all tensors."""
        return self.size - len(self.header)


@frozen
class Plan:
    """
    How a safetensors file is written.

    Attributes:
        file: The file.
        tensors: In the order of their bytes, which follow the header without holes.
    """

    file: PlannedFile
    tensors: tuple[PlannedTensor, ...]


def plan_file(
    found: Survey, *, source: str, target: str, size: int, shared: SharedTensors, where: str
) -> Plan:
    """
    Return how the file is written that holds what was *found* in a checkpoint.

    Args:
        found: What it holds.
        source: Its path.
        target: The file's.
        size: Bytes of the checkpoint.
        shared: What becomes of tensors that are the same under several names.
        where: The checkpoint, for errors.

    Raises:
        LimitExceededError: The tensors would take many times the room of the checkpoint, or the
            header more than readers take.
        ArtifactRefusedError: A name cannot be noted as an alias.
    """
    tensors = dict(found.tensors)
    aliases = _aliases(tensors)
    metadata = _metadata(found, aliases)
    if shared is SharedTensors.ONCE:
        for name, _ in aliases:
            del tensors[name]
        metadata |= _dropped(aliases, taken=metadata, where=where)
    forms = {name: _form(placement) for name, placement in tensors.items()}
    _bound(sum(form.size for form in forms.values()), size, where=where)
    layout = lay_out(forms, metadata=metadata, where=where)
    planned = _planned(layout, tensors)
    file = PlannedFile(
        source=source,
        target=target,
        header=layout.header,
        size=layout.size,
        tensors=tuple(tensor.name for tensor in planned),
        aliases=aliases,
        rearranged=tuple(n for n, placement in tensors.items() if not is_contiguous(placement)),
        left=found.left,
        inflated=_inflated(planned),
    )
    return Plan(file=file, tensors=planned)


def _inflated(planned: tuple[PlannedTensor, ...]) -> int:
    blocks = {tensor.placement.region.block for tensor in planned}
    return sum(block.size for block in blocks if isinstance(block.memory, InlineMemory))


def _planned(
    layout: SafetensorsLayout, tensors: Mapping[str, Placement]
) -> tuple[PlannedTensor, ...]:
    return tuple(
        PlannedTensor(name=name, start=start, placement=tensors[name])
        for name, start in layout.places
    )


def _aliases(tensors: Mapping[str, Placement]) -> tuple[tuple[str, str], ...]:
    first: dict[Placement, str] = {}
    aliases: list[tuple[str, str]] = []
    for name, placement in tensors.items():
        if placement.empty:
            continue
        kept = first.setdefault(placement, name)
        if kept != name:
            aliases.append((name, kept))
    return tuple(aliases)


def _metadata(found: Survey, aliases: tuple[tuple[str, str], ...]) -> dict[str, str]:
    metadata = dict(_FORMAT_NOTE)
    if aliases:
        metadata[ALIASES_NOTE] = _text(dict(aliases))
    if found.notes:
        metadata[STATE_NOTE] = _text({name: json.loads(note) for name, note in found.notes})
    return metadata


def _text(value: Mapping[str, object]) -> str:
    return json.dumps(value, ensure_ascii=True, sort_keys=True, separators=(",", ":"))


def _dropped(
    aliases: tuple[tuple[str, str], ...], *, taken: Mapping[str, str], where: str
) -> dict[str, str]:
    clash = [f"{name}: a note has this name" for name, _ in aliases if name in taken]
    if clash:
        raise refused(where, clash, hint="Say --shared-tensors copy")
    return dict(aliases)


def _form(placement: Placement) -> TensorForm:
    element = placement.region.element
    if element == "F4_X2":
        return TensorForm("F4", (*placement.shape[:-1], placement.shape[-1] * 2))
    return TensorForm(element, placement.shape)


def room_for(size: int, /) -> int:
    """Return how many bytes the tensors of a checkpoint of *size* bytes may take."""
    return max(MIN_CONVERT_ROOM, MAX_CONVERT_RATIO * size)


def _bound(written: int, size: int, *, where: str) -> None:
    room = room_for(size)
    if written > room:
        raise LimitExceededError(
            "the tensors would take many times the room that they have in the checkpoint",
            where=where,
            expected=f"at most {room} bytes",
            found=f"{written}",
            hint="Views and expanded dimensions take no room in a checkpoint, but here they do",
        )
