"""Describe an artifact without judging it: inspect, digest."""

from dataclasses import dataclass
from pathlib import Path

from weighbridge.core.artifact import ArtifactDigests, Inventory
from weighbridge.core.errors import WeighbridgeError
from weighbridge.core.identity import ClaimedIdentity, SigningMethod
from weighbridge.inventory.progress import Progress
from weighbridge.inventory.take import InventoryPlan, take_inventory
from weighbridge.inventory.walk import SymlinkRule
from weighbridge.pipeline.accounting import require_complete, require_files
from weighbridge.pipeline.naming import digests_of
from weighbridge.pipeline.verify import read_signature
from weighbridge.signing.statement import parse_statement
from weighbridge.sources.interface import LocalHandle
from weighbridge.sources.local import locate


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimedSignature:
    """
    What a signature file says; nothing of it was verified.

    Attributes:
        path: The file's name.
        method: How it says that it was made; None when it cannot be read.
        subject: What the signer called the model.
        files: How many files it names.
        problem: Why it cannot be read, if so.
    """

    path: str
    method: SigningMethod | None
    subject: ClaimedIdentity | None
    files: int
    problem: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Inspection:
    """
    What an artifact is made of.

    Attributes:
        inventory: Every file, with format and digests.
        digests: How claims would name it; None while the inventory has gaps.
        signature: What is beside it, unverified; None without a signature file.
    """

    inventory: Inventory
    digests: ArtifactDigests | None
    signature: ClaimedSignature | None


def inspect(
    reference: str | Path, *, allow_symlinks: bool = False, progress: Progress | None = None
) -> Inspection:
    """
    Show what the artifact is made of. No file is judged, and no signature verified.

    Raises:
        UsageError: The reference names nothing.
        NothingToCheckError: The artifact holds no file.
        OperationError, LimitExceededError: It cannot be read, or is too large.
    """
    handle, inventory = _take(reference, allow_symlinks=allow_symlinks, progress=progress)
    return Inspection(
        inventory=inventory,
        digests=_digests(inventory),
        signature=_claimed_signature(handle),
    )


def digest(
    reference: str | Path, *, allow_symlinks: bool = False, progress: Progress | None = None
) -> ArtifactDigests:
    """
    Return the two digests that name the artifact: all model files, each by SHA-256.

    Raises:
        RefusedError, IndeterminateError: A file cannot be accounted for; no digest is partial.
        UsageError, NothingToCheckError, OperationError: As for `inspect`.
    """
    _, inventory = _take(reference, allow_symlinks=allow_symlinks, progress=progress)
    require_complete(inventory.gaps)
    return digests_of(inventory, inventory.model_entries, root=None)


def _take(
    reference: str | Path, *, allow_symlinks: bool, progress: Progress | None
) -> tuple[LocalHandle, Inventory]:
    handle = locate(reference)
    plan = InventoryPlan(symlinks=SymlinkRule.FILES if allow_symlinks else SymlinkRule.REFUSE)
    inventory = take_inventory(handle, plan, progress=progress)
    require_files(handle, inventory)
    return handle, inventory


def _digests(inventory: Inventory) -> ArtifactDigests | None:
    if inventory.gaps:
        return None
    return digests_of(inventory, inventory.model_entries, root=None)


def _claimed_signature(handle: LocalHandle) -> ClaimedSignature | None:
    place = handle.default_signature
    if not place.exists():
        return None
    try:
        file = read_signature(place)
        statement = parse_statement(file.bundle.payload, where=place.name, allow_legacy=True)
    except WeighbridgeError as error:
        return ClaimedSignature(
            path=place.name, method=None, subject=None, files=0, problem=str(error)
        )
    return ClaimedSignature(
        path=place.name,
        method=file.bundle.method,
        subject=ClaimedIdentity(statement.subject_name),
        files=len({resource.path for resource in statement.resources}),
        problem=None,
    )
