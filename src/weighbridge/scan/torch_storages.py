"""
The members of a torch checkpoint that its pickles name as storages: raw numbers.

They are never read: a checkpoint has gigabytes of them. But what is called a storage can be
another file as well, for whoever opens the archive with another tool, and it can be smaller than
the pickle says, which makes readers take memory for numbers that is none of it (CVE-2026-24747).
So of each storage the size is compared, and the start is told.
"""

from collections.abc import Iterable, Iterator
from typing import Final, Protocol

from weighbridge.core.artifact import FileFormat
from weighbridge.core.content import ByteSource, BytesSource
from weighbridge.core.evidence import Gap
from weighbridge.core.limits.sniffing import SNIFF_BYTES
from weighbridge.core.values import frozen
from weighbridge.formats.sniff import sniff
from weighbridge.formats.sniff.magic import find_magic
from weighbridge.formats.sniff.pickles import walk_pickle
from weighbridge.formats.sniff.window import Window
from weighbridge.formats.zip import ZipMember
from weighbridge.scan.interface import Analysis, Facts, Subject
from weighbridge.scan.pickle_facts import PickleFacts
from weighbridge.scan.pickle_storage import ELEMENT_BYTES, Storage, read_storage

_TAR_MAGIC: Final = slice(257, 262)
_NOT_READ: Final = "traced_inputs"
_PE_AT: Final = slice(0x3C, 0x40)


@frozen
class StorageClaim:
    """
    A storage that a pickle names, and the member that has to hold it.

    Attributes:
        member: Name of the member.
        storage: What the pickle says of it.
    """

    member: str
    storage: Storage


@frozen
class StorageMismatch:
    """
    A storage that its member does not hold.

    Attributes:
        member: Name of the member.
        claimed: Bytes that the pickle says; None where that cannot be told.
        actual: Bytes of the member; None where there is none.
    """

    member: str
    claimed: int | None
    actual: int | None


@frozen
class StorageFacts(Facts):
    """The storages of a checkpoint that are smaller than its pickles say, or missing."""

    mismatches: tuple[StorageMismatch, ...]


def claims_of(facts: PickleFacts, pickle: str) -> Iterator[StorageClaim]:
    """
    Yield the storages that a walked *pickle*, a member's name, refers to.

    torch keeps the storages of `x.pkl` in the folder `x` beside it. Those of the inputs that a
    program was traced with are never read, and written without their bytes.
    """
    folder, _, name = pickle.rpartition(".")[0].rpartition("/")
    if name == _NOT_READ:
        return
    folder = f"{folder}/{name}" if folder else name
    for node in facts.summary.persistent:
        storage = read_storage(node.pid)
        if storage is not None and "/" not in storage.key:
            yield StorageClaim(member=f"{folder}/{storage.key}", storage=storage)


def compare_sizes(
    claims: Iterable[StorageClaim], sizes: dict[str, int]
) -> tuple[StorageMismatch, ...]:
    """Return the claims that members of these *sizes* do not bear out, each member once."""
    found: dict[str, StorageMismatch] = {}
    for claim in claims:
        item = ELEMENT_BYTES.get(claim.storage.kind)
        claimed = None if item is None else item * claim.storage.elements
        actual = sizes.get(claim.member)
        if actual is None or (claimed is not None and claimed > actual):
            found.setdefault(
                claim.member,
                StorageMismatch(member=claim.member, claimed=claimed, actual=actual),
            )
    return tuple(found.values())


class Reader(Protocol):
    """Opens the members of an archive."""

    @property
    def subject(self) -> Subject:
        """The archive."""
        ...

    def open(
        self, member: ZipMember, *, compare: bool = True
    ) -> tuple[ByteSource | None, Gap | None]:
        """Return the content of *member*, and a gap where that is not all of it."""
        ...


def examine_storages(reader: Reader, members: Iterable[ZipMember]) -> Analysis:
    """Yield storages that are files of their own beside, and what is wrong with the others."""
    for member in members:
        content, gap = reader.open(member, compare=False)
        if gap is not None:
            yield gap
        other = None if content is None else tell_other_file(content)
        if content is not None and other is not None:
            yield reader.subject.nested(member=member.name, format=other, source=content)


def tell_other_file(source: ByteSource) -> FileFormat | None:
    """
    Return what a storage is beside numbers; None as a rule.

    Only what no run of numbers is by chance counts: magic numbers of four bytes and more that
    hold up, and pickles that call something. Reads the start.
    """
    head = source.read_at(0, SNIFF_BYTES)
    if not head:
        return None
    window = Window(BytesSource(head), suffix="")
    walk = walk_pickle(window, patient=True)
    if walk.calls or (walk.header and walk.imports):
        return FileFormat.PICKLE
    if head[_TAR_MAGIC] == b"ustar":
        return FileFormat.TAR
    magic = find_magic(window)
    if magic is FileFormat.ZIP:
        return sniff(source, name="").format
    if magic in _CERTAIN:
        return magic
    if magic is FileFormat.SHARED_OBJECT and _is_native(head):
        return magic
    return None


_CERTAIN: Final = frozenset(
    {
        FileFormat.BZIP2,
        FileFormat.HDF5,
        FileFormat.NPY,
        FileFormat.SEVEN_ZIP,
    }
)


def _is_native(head: bytes) -> bool:
    """Tell whether the magic number of machine code holds up."""
    if not head.startswith(b"MZ"):
        return True
    at = int.from_bytes(head[_PE_AT], "little")
    return head[at : at + 4] == b"PE\0\0"
