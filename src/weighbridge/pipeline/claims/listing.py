"""The claims of an artifact for people: what each says, about what, and who signed it."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from itertools import repeat
from pathlib import Path

from weighbridge.core.artifact import GIT_NAMES, ArtifactKind
from weighbridge.core.attestation import Attestation, Binding
from weighbridge.core.claims import ClaimSigner, ClaimsList, ListedClaim
from weighbridge.core.errors import (
    ClaimError,
    IndeterminateError,
    NothingToCheckError,
)
from weighbridge.core.evidence import Gap
from weighbridge.core.limits.claims import MAX_CLAIM_BYTES, MAX_CLAIMS_BYTES
from weighbridge.inventory.progress import Progress
from weighbridge.inventory.take import InventoryPlan, SniffRule, take_inventory
from weighbridge.inventory.walk import SymlinkRule
from weighbridge.pipeline.accounting import require_complete, require_files
from weighbridge.pipeline.claims.reading import (
    ClaimLine,
    claim_gap,
    claims_place,
    parse_lines,
    read_claims,
)
from weighbridge.pipeline.claims.verifying import all_trust, read_line, verify_each
from weighbridge.pipeline.claims.writing import append_claims
from weighbridge.pipeline.naming import namings_of
from weighbridge.pipeline.signatures import find_signatures
from weighbridge.policy.schema import Policy
from weighbridge.sources.interface import LocalHandle
from weighbridge.sources.local import locate
from weighbridge.sources.reading import read_named


def list_claims(
    reference: str | Path,
    *,
    policy: Policy | None = None,
    digested: bool = False,
    progress: Progress | None = None,
) -> ClaimsList:
    """
    Return the claims about the artifact, whoever made them.

    Args:
        reference: A model directory or file.
        policy: Whose trust entries the signatures are held against; without one nothing is
            verified, and everything in the list is claimed.
        digested: Whether to read the model's files, to tell which claims are about it.
        progress: Is told how far the reading is.

    Raises:
        UsageError: The reference names nothing, or a key that the policy names is missing.
        NothingToCheckError: The artifact holds no file.
        KeyRejectedError: A key that the policy names cannot be used.
        ArtifactRefusedError, IndeterminateError: With *digested*, files that cannot be named.
        OperationError: Reading failed.
    """
    handle = locate(reference)
    found = read_claims(handle)
    own = _bindings(handle, progress) if digested else None
    outcomes: Iterable[tuple[Attestation, ...] | Gap] = repeat(())
    if policy is not None:
        trust = all_trust(policy)
        outcomes = verify_each(found.lines, policy, trust=trust, at=datetime.now(UTC))
    claims = tuple(
        _listed(line, outcome, own=own)
        for line, outcome in zip(found.lines, outcomes, strict=False)
    )
    return ClaimsList(
        name=handle.name,
        place=found.place,
        verified=policy is not None,
        claims=claims,
        gaps=found.gaps,
    )


def require_claims(listed: ClaimsList) -> None:
    """
    Refuse a list without a claim and without a gap: empty never passes.

    Raises:
        NothingToCheckError: There is nothing in it.
    """
    if not listed.claims and not listed.gaps:
        raise NothingToCheckError("there are no claims", where=str(listed.place))


def append_bundles(reference: str | Path, bundles: Sequence[Path]) -> tuple[Path, int, int]:
    """
    Append the bundles in the files *bundles*, whole or not at all.

    A file has one bundle, which may span lines, or one on each line.

    Returns:
        The claims file, how many claims the files have, and how many of them are new.

    Raises:
        UsageError: A file or the artifact is not there.
        ClaimError: A file holds no bundle, or a line of it is none.
        LimitExceededError, OperationError: As `append_claims`.
    """
    handle = locate(reference)
    given = [line for path in bundles for line in _bundles_of(path)]
    return claims_place(handle), len(given), append_claims(handle, given)


def merge_claims(reference: str | Path, others: Sequence[str | Path]) -> tuple[Path, int, int]:
    """
    Append the claims of *others*, artifacts or claims files, whole or not at all.

    Returns:
        As `append_bundles`.

    Raises:
        UsageError: One of them is not there.
        ClaimError: A line of one is no bundle.
        LimitExceededError, OperationError: As `append_claims`.
    """
    handle = locate(reference)
    given: list[bytes] = []
    for other in others:
        source = locate(other)
        place = source.root if _is_claims_file(source) else claims_place(source)
        data = read_named(place, limit=MAX_CLAIMS_BYTES, what="claims file")
        given += _whole(parse_lines(data, name=place.name))
    return claims_place(handle), len(given), append_claims(handle, given)


def _is_claims_file(handle: LocalHandle) -> bool:
    return handle.kind is ArtifactKind.FILE and handle.root.suffix == ".jsonl"


def _bundles_of(path: Path) -> list[bytes]:
    data = read_named(path, limit=MAX_CLAIMS_BYTES, what="bundle")
    if len(data) <= MAX_CLAIM_BYTES:
        lines = parse_lines(data.replace(b"\n", b" "), name=path.name)
        if len(lines) == 1 and lines[0].bundle is not None:
            return [data]
    given = _whole(parse_lines(data, name=path.name))
    if not given:
        raise ClaimError("the file holds no bundle", where=str(path))
    return given


def _whole(lines: Iterable[ClaimLine]) -> list[bytes]:
    """
    Return the bundles of *lines*.

    Raises:
        ClaimError: One of them is none.
    """
    bundles = []
    for line in lines:
        if line.gap is not None:
            raise ClaimError(line.gap.reason, code=line.gap.code)
        bundles.append(line.data)
    return bundles


def _listed(
    line: ClaimLine, outcome: tuple[Attestation, ...] | Gap, *, own: frozenset[Binding] | None
) -> ListedClaim:
    gap = outcome if isinstance(outcome, Gap) else None
    attestations = () if isinstance(outcome, Gap) else outcome
    method = None if line.bundle is None else line.bundle.method
    if line.gap is not None:
        return ListedClaim(place=line.place, sha256=line.sha256, method=method, gap=line.gap)
    try:
        said = read_line(line)
    except (ClaimError, IndeterminateError) as error:
        name = line.place.rpartition(":")[0]
        unread = claim_gap(error, line.place, name=name)
        return ListedClaim(place=line.place, sha256=line.sha256, method=method, gap=gap or unread)
    return ListedClaim(
        place=line.place,
        sha256=line.sha256,
        method=method,
        predicate_type=said.predicate_type,
        content=said.content,
        artifacts=said.artifacts,
        files=said.files,
        own=None if own is None else any(each.binding in own for each in said.artifacts),
        signers=tuple(ClaimSigner(trust=a.trust, identity=a.signer) for a in attestations),
        gap=gap,
    )


def _bindings(handle: LocalHandle, progress: Progress | None) -> frozenset[Binding]:
    """Return how claims may name the artifact."""
    signatures = find_signatures(handle).inside(handle)
    inventory = take_inventory(
        handle,
        InventoryPlan(
            sniff=SniffRule.UNDIGESTED, symlinks=SymlinkRule.FILES, signatures=signatures
        ),
        progress=progress,
    )
    require_files(handle, inventory)
    require_complete(inventory.gaps, name=inventory.name)
    paths = [entry.path for entry in inventory.model_entries]
    without_git = [path for path in paths if path.split("/", 1)[0] not in GIT_NAMES]
    return frozenset(naming.binding for naming in namings_of(inventory, (without_git,)))
