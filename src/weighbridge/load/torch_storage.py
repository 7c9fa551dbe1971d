"""The storages of a checkpoint: which bytes of the file a persistent id means."""

from collections.abc import Mapping
from typing import Final, Protocol

from weighbridge.core.errors import LimitExceededError
from weighbridge.core.limits.archives import MAX_MEMBER_BYTES
from weighbridge.core.values import frozen
from weighbridge.formats.pickle.values import GlobalNode, PersistentNode, TupleNode
from weighbridge.formats.zip import STORED, ZipMember, open_member
from weighbridge.load.held import HeldFile
from weighbridge.load.memory import InlineMemory
from weighbridge.load.placement import ELEMENT_BYTES, Region, make_region
from weighbridge.load.torch_globals import STORAGE_ELEMENTS, UNTYPED_STORAGES, broken, refused

_MAX_STORAGE_BYTES: Final = (1 << 63) - 1
"""More than this no file has."""


@frozen(kw_only=False)
class StorageId:
    """
    What a persistent id says of a storage.

    Attributes:
        key: Its name within the file.
        element: The type of its elements; None for a storage of bytes.
        size: Bytes.
    """

    key: str
    element: str | None
    size: int


def read_storage_id(node: PersistentNode, *, where: str) -> StorageId:
    """
    Return what the persistent id *node* means.

    The id is `("storage", class, key, location, elements)`, with a sixth item in legacy files
    that once described views and is None. Where the storage was when it was saved does not
    matter: tensors are built on the CPU.

    Raises:
        ArtifactRefusedError: The id means something else, or a kind of storage not known here.
    """
    pid = node.pid.items if isinstance(node.pid, TupleNode) else ()
    if len(pid) not in {5, 6} or pid[0] != "storage" or pid[5:] not in ((), (None,)):
        raise refused(where, "a persistent id that is no storage's")
    kind, key, location, count = pid[1:5]
    if not isinstance(kind, GlobalNode) or type(key) is not str or type(location) is not str:
        raise refused(where, "a persistent id that is no storage's")
    element = STORAGE_ELEMENTS.get(kind.dotted)
    if element is None and kind.dotted not in UNTYPED_STORAGES:
        raise refused(where, f"the storage {kind.dotted}")
    size = count * ELEMENT_BYTES.get(element or "U8", 1) if type(count) is int else -1
    if not 0 <= size <= _MAX_STORAGE_BYTES:
        raise broken(where, expected="a number of elements", found=repr(count))
    return StorageId(key, element, size)


class Storages(Protocol):
    """Finds storages."""

    def region(self, storage: StorageId, *, element: str) -> Region:
        """
        Return the bytes of *storage* as elements of type *element*.

        Raises:
            MalformedContentError: There is no such storage, or not of this size.
        """
        ...


class ZipStorages:
    """
    Storages as members `data/KEY` of a zip.

    Stored members are parts of the file. Deflated ones, which PyTorch never writes, are
    inflated once, all of them together within `MAX_MEMBER_BYTES`.
    """

    def __init__(
        self,
        held: HeldFile,
        members: Mapping[str, ZipMember],
        *,
        prefix: str,
        order: str,
        where: str,
    ) -> None:
        self._held = held
        self._members = members
        self._prefix = prefix
        self._order = order
        self._where = where
        self._blocks: dict[str, tuple[HeldFile, int]] = {}
        self._regions: dict[tuple[str, str], Region] = {}
        self._inflated = 0

    def region(self, storage: StorageId, *, element: str) -> Region:
        """Return the bytes of *storage* as elements of type *element*."""
        found = self._regions.get((storage.key, element))
        if found is None:
            block, start = self._block(storage)
            # A storage of bytes may end in the middle of an element that no tensor reaches.
            whole = storage.size - storage.size % ELEMENT_BYTES[element]
            found = make_region(block, start=start, size=whole, element=element, order=self._order)
            self._regions[storage.key, element] = found
        return found

    def _block(self, storage: StorageId) -> tuple[HeldFile, int]:
        name = f"{self._prefix}data/{storage.key}"
        member = self._members.get(name)
        if member is None or member.size != storage.size:
            found = "none" if member is None else f"{member.size} bytes"
            raise broken(
                self._where, expected=f"a member {name[:200]} of {storage.size} bytes", found=found
            )
        if name not in self._blocks:
            self._blocks[name] = self._open(member)
        return self._blocks[name]

    def _open(self, member: ZipMember) -> tuple[HeldFile, int]:
        if member.method != STORED:
            self._inflated += member.size
            if self._inflated > MAX_MEMBER_BYTES:
                raise LimitExceededError(
                    "too many compressed tensors",
                    where=self._where,
                    expected=f"at most {MAX_MEMBER_BYTES} bytes",
                    found=f"{self._inflated} or more",
                )
        content = open_member(self._held, member)
        if member.method == STORED and member.data_offset is not None:
            return self._held, member.data_offset
        return HeldFile(InlineMemory(content.read_at(0, content.size))), 0


class LegacyStorages:
    """Storages that follow each other in the file, each after its number of elements."""

    def __init__(self, held: HeldFile, starts: Mapping[str, int], *, where: str) -> None:
        self._held = held
        self._starts = starts
        self._where = where
        self._regions: dict[tuple[str, str], Region] = {}

    def region(self, storage: StorageId, *, element: str) -> Region:
        """Return the bytes of *storage* as elements of type *element*."""
        found = self._regions.get((storage.key, element))
        if found is None:
            whole = storage.size - storage.size % ELEMENT_BYTES[element]
            found = make_region(
                self._held,
                start=self._starts[storage.key],
                size=whole,
                element=element,
                # `THPStorage_writeFileRaw` writes little-endian on every machine.
                order="little",
            )
            self._regions[storage.key, element] = found
        return found


def locate_legacy_storages(
    held: HeldFile,
    *,
    start: int,
    keys: tuple[str, ...],
    storages: Mapping[str, StorageId],
    where: str,
) -> LegacyStorages:
    """
    Return the storages that follow from *start*, in the order of *keys*.

    Args:
        held: The file.
        start: Where the pickles end.
        keys: The file's own list.
        storages: What the object refers to, by key.
        where: The file, for errors.

    Raises:
        MalformedContentError: The list is not that of the storages, or the file does not end
            with the last of them.
    """
    if set(keys) != set(storages) or len(set(keys)) != len(keys):
        raise broken(
            where, expected=f"the keys of {len(storages)} storages", found=f"{len(keys)} keys"
        )
    starts: dict[str, int] = {}
    at = start
    for key in keys:
        storage = storages[key]
        count = storage.size // ELEMENT_BYTES[storage.element or "U8"]
        if held.read_at(at, 8) != count.to_bytes(8, "little"):
            raise broken(where, expected=f"{count} elements in storage {key[:200]}", found="others")
        starts[key] = at + 8
        at += 8 + storage.size
    if at != held.size:
        raise broken(where, expected=f"an end at byte {at}", found=f"{held.size} bytes")
    return LegacyStorages(held, starts, where=where)
