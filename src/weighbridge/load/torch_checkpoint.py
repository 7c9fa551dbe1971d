"""
Tensors of PyTorch checkpoints, rebuilt without an unpickler.

The pickle inside is walked by the machine that the scanner uses, which imports and calls
nothing; the few calls of a state dict are then interpreted (`torch_state`), and anything else
is refused. PyTorch is not needed for it.
"""

from collections.abc import Callable
from typing import Final

from weighbridge.core.artifact import FileFormat
from weighbridge.core.errors import LimitExceededError
from weighbridge.core.limits.pickles import MAX_PICKLE_BYTES, MAX_PICKLE_OPCODES
from weighbridge.core.limits.units import MIB
from weighbridge.core.values import frozen
from weighbridge.formats.pickle.machine import Bounds, run
from weighbridge.formats.pickle.trace import Trace
from weighbridge.formats.pickle.values import ListNode, Value
from weighbridge.formats.zip import ZipMember, find_crc_anomaly, open_member, read_archive
from weighbridge.load.held import HeldFile
from weighbridge.load.placement import Placement
from weighbridge.load.torch_globals import broken, refused, require_known
from weighbridge.load.torch_state import place_state, storages_of
from weighbridge.load.torch_storage import Storages, ZipStorages, locate_legacy_storages

LEGACY_MAGIC: Final = 0x1950A86A20F9469CFC6C
LEGACY_PROTOCOL: Final = 1001
_LEGACY_STREAMS: Final = 5

_PICKLE_NAME: Final = "data.pkl"
_BOUNDS: Final = Bounds(events=MAX_PICKLE_OPCODES)
"""A large state dict has more events than a finding needs; opcodes bound them anyway."""


@frozen
class OpenedCheckpoint:
    """
    A checkpoint whose pickles were walked, and nothing more.

    Attributes:
        traces: What unpickling each of them would do; `require_known` says whether it may.
        result: What the object's pickle leaves.
        storages: Finds the storages, and raises what `place_state` raises. To be called when
            everything in `traces` is known.
    """

    traces: tuple[Trace, ...]
    result: Value
    storages: Callable[[], Storages]


def place_zip_checkpoint(held: HeldFile, *, where: str) -> dict[str, Placement]:
    """
    Return where the tensors of a zip checkpoint (PyTorch 1.6 and later) lie.

    Raises:
        As `open_zip_checkpoint`, and ArtifactRefusedError where it needs more than tensors and
            plain containers.
    """
    return _place(open_zip_checkpoint(held, where=where), where=where)


def place_legacy_checkpoint(held: HeldFile, *, where: str) -> dict[str, Placement]:
    """
    Return where the tensors of a checkpoint of five pickles (PyTorch before 1.6) lie.

    Raises:
        As `open_legacy_checkpoint`, and ArtifactRefusedError where it needs more than tensors and
            plain containers.
    """
    return _place(open_legacy_checkpoint(held, where=where), where=where)


def _place(opened: OpenedCheckpoint, *, where: str) -> dict[str, Placement]:
    for trace in opened.traces:
        require_known(trace.events, where=where)
    return place_state(opened.result, opened.storages(), where=where)


def open_zip_checkpoint(held: HeldFile, *, where: str) -> OpenedCheckpoint:
    """
    Walk the pickle of a zip checkpoint (PyTorch 1.6 and later).

    Raises:
        ArtifactRefusedError: It is TorchScript.
        MalformedContentError: It breaks its format, or is a zip that readers disagree on.
        LimitExceededError: It exceeds a bound.
    """
    archive = read_archive(held)
    if archive.anomalies:
        raise broken(
            where, expected="a zip that all readers agree on", found=archive.anomalies[0].detail
        )
    members = {member.name: member for member in archive.members}
    prefix = _prefix_of(members, where=where)
    data = _read_small(held, members[prefix + _PICKLE_NAME], limit=MAX_PICKLE_BYTES, where=where)
    order = _byte_order(held, members.get(f"{prefix}byteorder"), where=where)
    trace = run(data, bounds=_BOUNDS)
    _require_whole(trace, where=where)
    if trace.end != len(data):
        raise broken(where, expected="one pickle", found="bytes behind it")

    def storages() -> ZipStorages:
        # Reads every persistent id, also those that no tensor uses.
        storages_of(trace, where=where)
        return ZipStorages(held, members, prefix=prefix, order=order, where=where)

    return OpenedCheckpoint(traces=(trace,), result=trace.result, storages=storages)


def open_legacy_checkpoint(held: HeldFile, *, where: str) -> OpenedCheckpoint:
    """
    Walk the pickles of a checkpoint before PyTorch 1.6.

    The pickles are the magic number, the protocol, facts about the machine, the object, and the
    keys of the storages that follow.

    Raises:
        MalformedContentError: It breaks its format.
        LimitExceededError: It exceeds a bound.
    """
    traces = _legacy_traces(held, where=where)
    magic, protocol, _, state, listed = traces

    def storages() -> Storages:
        if magic.result != LEGACY_MAGIC or protocol.result != LEGACY_PROTOCOL:
            raise broken(where, expected="the magic number and protocol 1001", found="others")
        items = listed.result.items if isinstance(listed.result, ListNode) else [None]
        keys = tuple(item for item in items if type(item) is str)
        if len(keys) != len(items):
            raise broken(where, expected="a list of storage keys", found="something else")
        return locate_legacy_storages(
            held,
            start=listed.end,
            keys=keys,
            storages=storages_of(state, where=where),
            where=where,
        )

    return OpenedCheckpoint(traces=tuple(traces), result=state.result, storages=storages)


OPENERS: Final = {
    FileFormat.TORCH_ZIP: open_zip_checkpoint,
    FileFormat.TORCH_LEGACY: open_legacy_checkpoint,
}
"""How checkpoints are opened, by their format."""


def _prefix_of(members: dict[str, ZipMember], *, where: str) -> str:
    """Return the directory in the archive, which is named after the file or `archive`."""
    found = [name for name in members if name.count("/") == 1 and name.endswith("/data.pkl")]
    if len(found) != 1:
        raise broken(where, expected="one member */data.pkl", found=f"{len(found)}")
    prefix = found[0].removesuffix(_PICKLE_NAME)
    if f"{prefix}constants.pkl" in members:
        raise refused(where, "TorchScript, which is a program")
    return prefix


def _byte_order(held: HeldFile, member: ZipMember | None, *, where: str) -> str:
    """Return the order of bytes in numbers; files without a note of it are little-endian."""
    if member is None:
        return "little"
    order = _read_small(held, member, limit=len(b"little"), where=where)
    if order not in {b"little", b"big"}:
        raise broken(where, expected="byteorder little or big", found=repr(order))
    return order.decode("ascii")


def _read_small(held: HeldFile, member: ZipMember, *, limit: int, where: str) -> bytes:
    if member.size > limit:
        raise LimitExceededError(
            f"the member {member.name[:200]} is too large",
            where=where,
            expected=f"at most {limit} bytes",
            found=f"{member.size}",
        )
    content = open_member(held, member)
    anomaly = find_crc_anomaly(content, member)
    if anomaly is not None:
        raise broken(where, expected="the checksum of the directory", found=anomaly.detail)
    return content.read_at(0, content.size)


def _legacy_traces(held: HeldFile, *, where: str) -> list[Trace]:
    """
    Return the five streams at the start of the file.

    Where they end is known only after walking them; the tensors behind may be gigabytes. So
    ever more of the file is read until they are whole.
    """
    room = MIB
    while True:
        data = held.read_at(0, min(room, held.size, MAX_PICKLE_BYTES))
        traces = _walk_streams(data)
        if len(traces) == _LEGACY_STREAMS and traces[-1].complete:
            return traces
        if len(data) < room:
            _require_whole(traces[-1], where=where)
        room *= 8


def _walk_streams(data: bytes) -> list[Trace]:
    traces: list[Trace] = []
    at = 0
    for _ in range(_LEGACY_STREAMS):
        trace = run(data, start=at, bounds=_BOUNDS)
        traces.append(trace)
        if not trace.complete:
            break
        at = trace.end
    return traces


def _require_whole(trace: Trace, *, where: str) -> None:
    if trace.limits:
        met = ", ".join(sorted(trace.limits))
        raise LimitExceededError("the pickle is too large", where=where, found=f"bounds: {met}")
    if not trace.complete:
        raise broken(where, expected="a whole pickle", found=trace.error or "its end")
