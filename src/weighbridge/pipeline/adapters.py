"""What adapters among an artifact's files call the models that they are put on: claims."""

from collections.abc import Iterator
from typing import Final

from weighbridge.core.artifact import Inventory
from weighbridge.core.errors import WeighbridgeError
from weighbridge.core.evidence import ClaimedBase
from weighbridge.core.limits.documents import MAX_CONFIG_BYTES
from weighbridge.core.limits.policy import MAX_REFERENCE_CHARS
from weighbridge.formats.json import parse_json
from weighbridge.scan.runner import Contents

ADAPTER_CONFIG: Final = "adapter_config.json"
"""What PEFT calls the configuration of an adapter."""

BASE_KEY: Final = "base_model_name_or_path"
"""Where it names the base."""


def claimed_bases(inventory: Inventory, contents: Contents) -> Iterator[ClaimedBase]:
    """
    Yield what every adapter among the model files calls its base.

    What cannot be read names no base, and says why: it is never left out.

    Args:
        inventory: The files.
        contents: Gives the bytes that the inventory digested.
    """
    for entry in inventory.model_entries:
        if entry.path.rpartition("/")[2] != ADAPTER_CONFIG:
            continue
        try:
            yield _read(contents, entry.path, size=entry.size)
        except WeighbridgeError as error:
            yield ClaimedBase(path=entry.path, name=None, problem=error.message)


def _read(contents: Contents, path: str, *, size: int) -> ClaimedBase:
    if size > MAX_CONFIG_BYTES:
        problem = f"the configuration has {size} bytes; at most {MAX_CONFIG_BYTES} are read"
        return ClaimedBase(path=path, name=None, problem=problem)
    with contents.open(path) as source:
        document = parse_json(source.read_at(0, size), what=path)
    name = document.get(BASE_KEY) if isinstance(document, dict) else None
    if not isinstance(name, str) or not name or len(name) > MAX_REFERENCE_CHARS:
        return ClaimedBase(path=path, name=None, problem=f"the configuration has no {BASE_KEY}")
    return ClaimedBase(path=path, name=name)
