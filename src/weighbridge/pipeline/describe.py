"""Describe an artifact without judging it: inspect, digest."""

from pathlib import Path

from weighbridge.core.artifact import ArtifactDigests, Inventory
from weighbridge.core.digest import Digest
from weighbridge.core.errors import WeighbridgeError
from weighbridge.core.identity import ClaimedIdentity, SigningMethod
from weighbridge.core.values import frozen
from weighbridge.inventory.names import is_under
from weighbridge.inventory.progress import Progress
from weighbridge.inventory.take import InventoryPlan, SniffRule, take_inventory
from weighbridge.inventory.walk import SymlinkRule
from weighbridge.pipeline.accounting import require_complete, require_files
from weighbridge.pipeline.naming import digests_of
from weighbridge.pipeline.selection import FileSelection, git_paths
from weighbridge.pipeline.signatures import FoundSignatures, SignatureFile, find_signatures
from weighbridge.signing.manifest import resources_of, root_digest
from weighbridge.signing.statement import parse_statement
from weighbridge.sources.local import locate


@frozen
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


@frozen
class Inspection:
    """
    What an artifact is made of.

    Attributes:
        inventory: Every file, with format and digests.
        digests: How claims would name it; None while the inventory has gaps.
        signatures: What is beside it, unverified: `model.sig` first, then by name.
    """

    inventory: Inventory
    digests: ArtifactDigests | None
    signatures: tuple[ClaimedSignature, ...]

    @property
    def signature(self) -> ClaimedSignature | None:
        """The first of `signatures`."""
        return self.signatures[0] if self.signatures else None


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
    found, inventory = _take(reference, allow_symlinks=allow_symlinks, progress=progress)
    return Inspection(
        inventory=inventory,
        digests=_digests(inventory),
        signatures=_claimed_signatures(found),
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
    require_complete(inventory.gaps, name=inventory.name)
    return digests_of(inventory, inventory.model_entries, root=None)


def root_of(reference: str | Path, *, selection: FileSelection | None = None) -> Digest:
    """
    Return the root digest that a signature of the artifact has, each file by SHA-256.

    Raises:
        RefusedError, IndeterminateError: A signature could not cover it.
        UsageError, NothingToCheckError, OperationError: As for `inspect`.
    """
    handle = locate(reference)
    selection = selection or FileSelection()
    ignored = selection.ignored(handle)
    if selection.ignore_git_paths:
        ignored |= git_paths(handle)
    plan = InventoryPlan(
        sniff=SniffRule.UNDIGESTED,
        symlinks=selection.symlinks,
        signatures=find_signatures(handle).inside(handle),
        undigested=ignored,
    )
    inventory = take_inventory(handle, plan)
    open_gaps = (gap for gap in inventory.gaps if not is_under(gap.path or ".", ignored))
    require_complete(open_gaps, name=inventory.name)
    require_files(handle, inventory)
    return root_digest(resources_of(inventory, plan.layouts[0], ignored=ignored))


def _take(
    reference: str | Path, *, allow_symlinks: bool, progress: Progress | None
) -> tuple[FoundSignatures, Inventory]:
    handle = locate(reference)
    found = find_signatures(handle)
    plan = InventoryPlan(
        symlinks=SymlinkRule.FILES if allow_symlinks else SymlinkRule.REFUSE,
        signatures=found.inside(handle),
    )
    inventory = take_inventory(handle, plan, progress=progress)
    require_files(handle, inventory)
    return found, inventory


def _digests(inventory: Inventory) -> ArtifactDigests | None:
    if inventory.gaps:
        return None
    return digests_of(inventory, inventory.model_entries, root=None)


def _claimed_signatures(found: FoundSignatures) -> tuple[ClaimedSignature, ...]:
    """Return what the files say, in the order of their places."""
    claims = [_claimed_signature(file) for file in found.files]
    claims += [_unread(each.path.name, str(each.error)) for each in found.unread]
    # The first signature has no word of its own, so one dot less.
    return tuple(sorted(claims, key=lambda claim: (claim.path.count("."), claim.path)))


def _claimed_signature(file: SignatureFile) -> ClaimedSignature:
    name = file.path.name
    try:
        statement = parse_statement(file.bundle.payload, where=name, allow_legacy=True)
    except WeighbridgeError as error:
        return _unread(name, str(error))
    return ClaimedSignature(
        path=name,
        method=file.bundle.method,
        subject=ClaimedIdentity(statement.subject_name),
        files=len({resource.path for resource in statement.resources}),
        problem=None,
    )


def _unread(name: str, problem: str) -> ClaimedSignature:
    return ClaimedSignature(path=name, method=None, subject=None, files=0, problem=problem)
