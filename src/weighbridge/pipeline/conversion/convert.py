"""
Convert: the tensors of checkpoints as safetensors files, without executing anything of the model.

1. The inventory: every file accounted for, its format told; its digest only where a claim will
   need it.
2. What becomes of each file. What is no checkpoint and could carry code is refused.
3. A plan for each checkpoint, from its pickle and its directory. Everything that cannot be carried
   is known before the first byte is written.
4. The files, several at a time, into a directory of their own.
5. With a signer: both digests of the result, and the statement that it was made from the input.
6. The directory gets its name.
"""

import os
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, nullcontext
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Final

from weighbridge.convert.index import convert_index
from weighbridge.convert.plan import PlannedFile, SharedTensors
from weighbridge.convert.planning import Order
from weighbridge.convert.worker.client import Converter, Converters
from weighbridge.core.artifact import (
    ArtifactDigests,
    ArtifactKind,
    FileEntry,
    FileFormat,
    Inventory,
)
from weighbridge.core.codes import Code
from weighbridge.core.errors import LimitExceededError, MalformedContentError, UsageError
from weighbridge.core.limits.archives import MAX_MEMBER_BYTES
from weighbridge.core.limits.converting import CONVERT_BLOCK_BYTES
from weighbridge.core.limits.documents import MAX_TEXT_BYTES
from weighbridge.core.limits.weights import MAX_TENSORS
from weighbridge.core.values import frozen
from weighbridge.formats.safetensors import parse_header
from weighbridge.inventory.contents import DiskContents
from weighbridge.inventory.crew import Crew, Job
from weighbridge.inventory.files import FileSource
from weighbridge.inventory.hashers import available_cores
from weighbridge.inventory.names import is_under
from weighbridge.inventory.progress import Progress
from weighbridge.inventory.take import InventoryPlan, take_inventory
from weighbridge.pipeline.accounting import require_complete, require_files
from weighbridge.pipeline.conversion.destination import Destination
from weighbridge.pipeline.conversion.sorting import Sorted, sort_files
from weighbridge.pipeline.selection import FileSelection, git_paths
from weighbridge.pipeline.signatures import find_signatures
from weighbridge.sandbox.interface import Confinement
from weighbridge.sources.interface import LocalHandle
from weighbridge.sources.local import locate

if TYPE_CHECKING:
    from weighbridge.pipeline.conversion.claim import Claiming, Made

_SUFFIX: Final = ".safetensors"


@frozen
class Conversion:
    """
    How to convert.

    Attributes:
        selection: Which files to leave out, and what links mean.
        key: Of each checkpoint, take what the outermost dict has under this key.
        tensors_only: Leave out what is no tensor, instead of refusing it.
        shared: What becomes of tensors that are the same under several names.
    """

    selection: FileSelection = FileSelection()
    key: str | None = None
    tensors_only: bool = False
    shared: SharedTensors = SharedTensors.COPY


@frozen
class ConvertResult:
    """
    What was made.

    Attributes:
        path: The directory, or the file.
        files: What was converted.
        copied: Paths of what went along as it is, or with new names in it.
        left_out: Paths of what did not, because the caller said so.
        confinement: What the processes were kept to that read the checkpoints and wrote the files.
        claim: The claim that was written with it; None without a signer.
    """

    path: Path
    files: tuple[PlannedFile, ...]
    copied: tuple[str, ...]
    left_out: tuple[str, ...]
    confinement: Confinement | None = None
    claim: "Made | None" = None


def convert(
    reference: str | Path,
    destination: str | Path,
    *,
    how: Conversion | None = None,
    claiming: "Claiming | None" = None,
    progress: Progress | None = None,
    written: Progress | None = None,
) -> ConvertResult:
    """
    Write the model *reference* as safetensors to *destination*.

    Every tensor has the bits, the type and the shape that PyTorch gives it; only the order in which
    its elements lie may be another. Nothing of the model is executed, and neither PyTorch nor
    NumPy is needed. Memory is bounded by the largest tensor.

    Args:
        reference: A checkpoint, or the directory of a model with at least one.
        destination: A directory that is not there yet, or empty; for one checkpoint a file called
            `*.safetensors` as well.
        how: How to convert.
        claiming: Who signs what was done; None for nobody.
        progress: Is told how far the reading for digests is.
        written: Is told how far the writing is.

    Raises:
        ArtifactRefusedError: A checkpoint needs more than tensors and plain containers, holds what
            cannot be carried, or another file can carry code.
        MalformedContentError: A file breaks its format.
        LimitExceededError, ArtifactChangedError: A bound was met, or a file changed meanwhile.
        NothingToCheckError: There is no checkpoint.
        UsageError: The reference or the destination cannot be meant.
        OperationError: Something is at the destination, or reading or writing failed; nothing is
            there then that was not there before.
    """
    how = how or Conversion()
    handle = locate(reference)
    run = _Run(handle, how, Destination(destination, single=_is_file(handle, destination)))
    started = datetime.now(UTC)
    inventory = run.take(digested=claiming is not None, progress=progress)
    carried = claiming.carry(handle, result=run.place.path.name) if claiming else ()
    with ExitStack() as unwinding:
        opened = run.open(inventory, unwinding)
        converters = unwinding.enter_context(run.converters(opened))
        planned = run.plan(opened, converters)
        copied = run.copies(opened, planned)
        with run.place.prepared() as inner:
            run.write(inner, converters, copied, progress=written)
            # What was read counts only if it was the listed files, up to here.
            unwinding.close()
            claim = None
            if claiming is not None:
                name = run.place.path.name
                claim = claiming.make(
                    inner / name if run.place.single else inner,
                    name=name,
                    source=run.digests_of(inventory),
                    handle=handle,
                    how=how,
                    carried=carried,
                    started=started,
                )
            run.place.publish(inner)
    return ConvertResult(
        path=run.place.path,
        files=planned,
        copied=tuple(sorted(copied)),
        left_out=opened.sorted.left_out,
        confinement=converters.confinement,
        claim=claim,
    )


def _is_file(handle: LocalHandle, destination: str | Path) -> bool:
    """Tell whether the result is a single file, by the destination's name."""
    wanted = os.fspath(destination).endswith(_SUFFIX)
    if wanted and handle.kind is ArtifactKind.DIRECTORY:
        raise UsageError(
            "a directory is not converted to a single file",
            where=os.fspath(destination),
            expected="a directory as the destination",
            found=f"a name that ends in {_SUFFIX}",
        )
    return wanted


@frozen
class _Opened:
    """The files of the model, open for reading."""

    sorted: Sorted
    sources: dict[str, FileSource]


class _Run:
    """One conversion."""

    def __init__(self, handle: LocalHandle, how: Conversion, place: Destination) -> None:
        self._handle = handle
        self._how = how
        self.place: Final = place
        if handle.kind is ArtifactKind.DIRECTORY and place.path.is_relative_to(handle.root):
            raise UsageError(
                "the destination lies in the model itself",
                where=os.fspath(place.path),
                expected="a place outside of it",
            )
        self._ignored = how.selection.ignored(handle)
        if how.selection.ignore_git_paths:
            self._ignored |= git_paths(handle)

    def take(self, *, digested: bool, progress: Progress | None) -> Inventory:
        """Account for every file."""
        undigested = frozenset[str]() if digested else _everything_in(self._handle)
        inventory = take_inventory(
            self._handle,
            InventoryPlan(
                symlinks=self._how.selection.symlinks,
                signatures=find_signatures(self._handle).inside(self._handle),
                undigested=undigested,
            ),
            progress=progress if digested else None,
        )
        gaps = (gap for gap in inventory.gaps if not is_under(gap.path or ".", self._ignored))
        require_complete(gaps, name=inventory.name)
        require_files(self._handle, inventory)
        return inventory

    def digests_of(self, inventory: Inventory) -> ArtifactDigests:
        """Return the digests that name the model, as its signature does if it has one."""
        from weighbridge.pipeline.naming import digests_of  # noqa: PLC0415  only for claims

        # Signatures leave Git's own files out; without one, claims name all files.
        signed = bool(find_signatures(self._handle).files)
        left_out = git_paths(self._handle) if signed else frozenset[str]()
        entries = (e for e in inventory.model_entries if not is_under(e.path, left_out))
        return digests_of(inventory, entries, root=None)

    def open(self, inventory: Inventory, unwinding: ExitStack) -> _Opened:
        """Open every checkpoint, and small files when they are asked for."""
        name = self.place.path.name
        if self._handle.kind is ArtifactKind.FILE and not self.place.single:
            from weighbridge.convert.names import target_of  # noqa: PLC0415  see `target_of`

            name = target_of(self._handle.name)
        found = sort_files(inventory, ignored=self._ignored, name=name)
        contents = DiskContents(self._handle, inventory)
        sources: dict[str, FileSource] = {}
        for entry, _ in found.checkpoints:
            source = unwinding.enter_context(contents.open(entry.path))
            assert isinstance(source, FileSource)
            sources[entry.path] = source
        self._contents = contents
        return _Opened(sorted=found, sources=sources)

    def converters(self, opened: _Opened) -> Converters:
        """Return what is going to read the checkpoints and to write the files."""
        sizes = (source.size for source in opened.sources.values())
        return Converters(sizes, most=available_cores())

    def plan(self, opened: _Opened, converters: Converters) -> tuple[PlannedFile, ...]:
        """
        Return what each checkpoint becomes.

        All plans are in memory together, so the bounds for one file hold for all of them.
        """
        planned: list[PlannedFile] = []
        tensors = inflated = 0
        for entry, target in opened.sorted.checkpoints:
            source = opened.sources[entry.path]
            file = converters.plan(self._order(entry, target, source), source.fileno())
            planned.append(file)
            tensors += len(file.tensors)
            inflated += file.inflated
            if tensors > MAX_TENSORS or inflated > MAX_MEMBER_BYTES:
                what = "tensors" if tensors > MAX_TENSORS else "compressed tensors"
                raise LimitExceededError(
                    f"the checkpoints have too many {what} together",
                    where=entry.path,
                    expected=f"at most {MAX_TENSORS}, and {MAX_MEMBER_BYTES} bytes compressed",
                )
        return tuple(planned)

    def _order(self, entry: FileEntry, target: str, source: FileSource) -> Order:
        return Order(
            path=entry.path,
            target=target,
            where=self._handle.name if entry.path == "." else entry.path,
            format=entry.format or FileFormat.UNKNOWN,
            size=source.size,
            key=self._how.key,
            tensors_only=self._how.tensors_only,
            shared=self._how.shared,
        )

    def copies(
        self, opened: _Opened, planned: tuple[PlannedFile, ...]
    ) -> "dict[str, FileEntry | bytes]":
        """Return the other files, by their new paths: as they are, or with this content."""
        copied: dict[str, FileEntry | bytes] = {e.path: e for e in opened.sorted.copied}
        for entry, target in opened.sorted.indexes:
            if entry.size > MAX_TEXT_BYTES:
                raise LimitExceededError("the shard index is too large", where=entry.path)
            with self._contents.open(entry.path) as source:
                data = source.read_at(0, source.size)
            copied[target] = convert_index(data, path=entry.path, files=planned)
        return copied

    def write(
        self,
        inner: Path,
        converters: Converters,
        copied: "dict[str, FileEntry | bytes]",
        *,
        progress: Progress | None,
    ) -> None:
        """Write everything below *inner*."""
        planned = [file for _, share in converters.shares for file in share]
        total = sum(file.size for file in planned)
        others = sum(each.size for each in copied.values() if isinstance(each, FileEntry))
        self.place.require_room(total + others)
        if progress is not None:
            progress.begin(total)
        for path in (*(file.target for file in planned), *copied):
            (inner / path).parent.mkdir(parents=True, exist_ok=True)
        gathering = threading.Lock()
        jobs = [_job(inner, *share, progress, gathering) for share in converters.shares]
        with Crew(jobs, workers=len(jobs), stopping=converters.abandon) as crew:
            crew.start()
            for path, what in copied.items():
                self._copy(inner / path, what)
        # Nobody has a file any more that could be written to after it is looked at.
        converters.finish()
        for file in planned:
            _check(inner / file.target, file)

    def _copy(self, place: Path, what: FileEntry | bytes) -> None:
        with _created(place) as file:
            if isinstance(what, bytes):
                file.write(what)
                return
            with self._contents.open(what.path) as source:
                for at in range(0, source.size, CONVERT_BLOCK_BYTES):
                    file.write(source.read_at(at, CONVERT_BLOCK_BYTES))


class _StoppedError(Exception):
    """Ends a job whose crew was stopped; nobody sees it."""


def _job(
    inner: Path,
    converter: Converter,
    planned: tuple[PlannedFile, ...],
    progress: Progress | None,
    gathering: threading.Lock,
) -> Job:
    """
    Return the job that has *converter* write its share.

    What is put in order in memory, under *gathering*, is that of one file at a time.
    """

    def run(crew: Crew) -> None:
        def advance(count: int) -> None:
            if crew.stopped:
                raise _StoppedError
            if progress is not None:
                progress.advance(count)

        for each in planned:
            alone = gathering if each.rearranged else nullcontext()
            with _created(inner / each.target) as file, alone:
                converter.write(each, file, advance=advance)

    return run


@contextmanager
def _created(place: Path) -> Iterator[BinaryIO]:
    """Open a new file, and close it: until then a system may keep back that there is no room."""
    with place.open("xb", buffering=CONVERT_BLOCK_BYTES) as file:
        yield file


def _check(place: Path, planned: PlannedFile) -> None:
    """
    Read the header back, by the reader that everybody else's files have to pass.

    Raises:
        MalformedContentError: It is another one, or of a file of another size.
    """
    with place.open("rb", buffering=0) as file:
        size = os.fstat(file.fileno()).st_size
        source = FileSource(file, size=size, path=planned.target)
        if size == planned.size and source.read_at(0, len(planned.header)) == planned.header:
            parse_header(source)
            return
    raise MalformedContentError(
        "the file that was written is not the one that was planned",
        code=Code.ISOLATED_MALFORMED,
        where=planned.target,
        hint="Take the checkpoint for hostile, unless the mistake is ours: then please report it",
    )


def _everything_in(handle: LocalHandle) -> frozenset[str]:
    """Return what the root holds, so that no file is hashed; see `pipeline.scan`."""
    if handle.kind is ArtifactKind.FILE:
        return frozenset({"."})
    try:
        return frozenset(entry.name for entry in Path(handle.root).iterdir())
    except OSError:
        return frozenset()
