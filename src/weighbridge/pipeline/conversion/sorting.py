"""What becomes of each file of a model: converted, copied, left out, or in the way."""

from collections.abc import Iterable

from weighbridge.convert.names import index_target_of, is_index, target_of
from weighbridge.convert.problems import refused
from weighbridge.core.artifact import (
    ArtifactKind,
    Carries,
    FileEntry,
    FileFormat,
    Inventory,
    carries,
)
from weighbridge.core.codes import Code
from weighbridge.core.errors import ArtifactRefusedError, LimitExceededError, NothingToCheckError
from weighbridge.core.limits.converting import MAX_CONVERT_FILES
from weighbridge.core.values import frozen
from weighbridge.inventory.names import is_under
from weighbridge.load.torch_checkpoint import OPENERS

_COPIED = frozenset({Carries.DATA, Carries.CONFIGURATION})


@frozen
class Sorted:
    """
    The files of a model, by what becomes of them.

    Attributes:
        checkpoints: To convert, and the path of what each becomes.
        indexes: Indexes of sharded checkpoints, likewise.
        copied: What goes along as it is. None of them can carry code by its format.
        left_out: Paths that are left out because the caller said so, or are Git's.
    """

    checkpoints: tuple[tuple[FileEntry, str], ...]
    indexes: tuple[tuple[FileEntry, str], ...]
    copied: tuple[FileEntry, ...]
    left_out: tuple[str, ...]


def sort_files(inventory: Inventory, *, ignored: frozenset[str], name: str) -> Sorted:
    """
    Return what becomes of each model file.

    Args:
        inventory: With the format of every file.
        ignored: Paths to leave out, each with all that is below it.
        name: What the file of a single-file artifact becomes.

    Raises:
        NothingToCheckError: There is no checkpoint.
        ArtifactRefusedError: A file could carry code and is no checkpoint, or two files would have
            the same name.
        LimitExceededError: There are more checkpoints than limits allow.
    """
    taken = [e for e in inventory.model_entries if not is_under(e.path, ignored)]
    left = tuple(e.path for e in inventory.model_entries if is_under(e.path, ignored))
    checkpoints = [e for e in taken if e.format in OPENERS]
    others = [e for e in taken if e.format not in OPENERS]
    _require_harmless(others, name=inventory.name)
    if not checkpoints:
        raise NothingToCheckError(
            "there is no checkpoint to convert",
            where=inventory.name,
            expected="a file that torch.save has written",
            found=", ".join(sorted({str(e.format) for e in taken})) or "no file",
        )
    if len(checkpoints) > MAX_CONVERT_FILES:
        raise LimitExceededError(
            "too many checkpoints",
            where=inventory.name,
            expected=f"at most {MAX_CONVERT_FILES}",
            found=str(len(checkpoints)),
        )
    single = inventory.kind is ArtifactKind.FILE
    indexes = [e for e in others if is_index(e.path)]
    found = Sorted(
        checkpoints=tuple((e, name if single else target_of(e.path)) for e in checkpoints),
        indexes=tuple((e, index_target_of(e.path)) for e in indexes),
        copied=tuple(e for e in others if not is_index(e.path)),
        left_out=left,
    )
    _require_apart(found)
    return found


def _require_harmless(others: Iterable[FileEntry], *, name: str) -> None:
    problems = [
        f"{name if entry.path == '.' else entry.path}: {entry.format}, "
        "which is no checkpoint of tensors and can carry code"
        for entry in others
        if carries(entry.format or FileFormat.UNKNOWN) not in _COPIED
    ]
    if problems:
        raise refused(name, problems, hint="Leave files out with --ignore-paths")


def _require_apart(found: Sorted) -> None:
    """Refuse two files of one name, also where the destination takes no account of case."""
    taken: dict[str, str] = {}
    pairs = (
        *((e.path, target) for e, target in found.checkpoints),
        *((e.path, target) for e, target in found.indexes),
        *((e.path, e.path) for e in found.copied),
    )
    for path, target in pairs:
        other = taken.setdefault(target.casefold(), path)
        if other != path:
            raise ArtifactRefusedError(
                "two files of the result would have the same name",
                code=Code.CONVERT_REFUSED,
                where=path,
                expected="names that differ",
                found=f"{target!r} from {other!r} as well",
                hint="Leave one of them out with --ignore-paths",
            )
