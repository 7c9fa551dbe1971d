"""Lineage: what an artifact was made from, as its claims tell, held against a policy or not."""

from collections import deque
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from weighbridge.core.attestation import Artifact, Binding, Build
from weighbridge.core.errors import ClaimError, OperationError, UsageError
from weighbridge.core.evidence import Gap
from weighbridge.core.limits.policy import MAX_LINEAGE_ARTIFACTS, MAX_LINEAGE_LINKS
from weighbridge.core.lineage import (
    BEYOND_LINKS,
    Lineage,
    LineageNode,
    LineageStep,
    Standing,
    weight,
)
from weighbridge.core.values import frozen
from weighbridge.core.verdict import Reason
from weighbridge.inventory.progress import Progress
from weighbridge.pipeline.check import DEFAULT_BOUNDARY, Examination
from weighbridge.pipeline.claims.reading import claim_gap, read_claims
from weighbridge.pipeline.describe import digest
from weighbridge.policy.schema import Policy
from weighbridge.provenance.reading import read_claim
from weighbridge.sources.interface import LocalHandle
from weighbridge.sources.local import locate

_ORIGIN: Final = ("lineage-", "provenance-", "receipt-", "claim-", "limit-")
"""How the codes of reasons begin that are about where an artifact comes from."""


@frozen
class ClaimedBuild:
    """
    A build, as a claim that nobody verified tells it.

    Attributes:
        place: File and line.
        sha256: Lower-case hex digest of the claim.
        artifacts: What was built.
        build: How.
    """

    place: str
    sha256: str
    artifacts: tuple[Artifact, ...]
    build: Build


@frozen
class TracedLineage:
    """
    What an artifact was made from.

    Attributes:
        lineage: The graph.
        gaps: Claims that could not be read; with a policy they are among the reasons.
        reasons: Why the lineage does not hold under the policy; empty without one.
    """

    lineage: Lineage
    gaps: tuple[Gap, ...] = ()
    reasons: tuple[Reason, ...] = ()


def verified_lineage(
    reference: str | Path,
    *,
    policy: Policy,
    boundary: str = DEFAULT_BOUNDARY,
    progress: Progress | None = None,
) -> TracedLineage:
    """
    Return what the artifact was made from, each step held against *policy* at *boundary*.

    The files are hashed and not scanned: that a lineage holds admits nothing.

    Raises:
        UsageError: The reference names nothing, no rule matches it, or the rule asks for no
            lineage.
        NothingToCheckError, KeyRejectedError, OperationError: As for `check`.
    """
    handle = locate(reference)
    verdict = Examination(handle, policy, boundary=boundary, progress=progress).trace()
    reasons = tuple(each for each in verdict.reasons if each.blocking and _is_of_origin(each))
    if verdict.lineage is None:
        found = [verdict.policy.rule or "no rule", *(each.message for each in reasons[:1])]
        raise UsageError(
            "no lineage is asked for",
            where=handle.reference,
            expected=f"a rule with 'lineage' for it at the boundary {boundary}",
            found="; ".join(found),
            hint="Leave --policy away to see what the claims say",
        )
    return TracedLineage(lineage=verdict.lineage, reasons=reasons)


def _is_of_origin(reason: Reason) -> bool:
    """Tell whether *reason* is about where an artifact comes from; a scan is not even tried."""
    return reason.code.startswith(_ORIGIN)


def claimed_lineage(reference: str | Path, *, progress: Progress | None = None) -> TracedLineage:
    """
    Return what the claims of the artifact say that it was made from; nothing is verified.

    The artifact's files are hashed: claims about other bytes are none about it.

    Raises:
        UsageError: The reference names nothing.
        NothingToCheckError: The artifact holds no file.
        RefusedError, IndeterminateError, OperationError: Its files could not all be read.
    """
    named = digest(reference, progress=progress)
    if named.binding is None:
        raise OperationError("the files have no names digest", where=str(reference))
    builds, gaps = _read_builds(locate(reference))
    root = Artifact(name=named.name, binding=named.binding)
    return TracedLineage(lineage=lineage_of(root, builds), gaps=gaps)


def lineage_of(root: Artifact, builds: Iterable[ClaimedBuild]) -> Lineage:
    """
    Return the graph of what *root* was made from, by *builds*; the order has no effect.

    An artifact whose builds are left out for `MAX_LINEAGE_LINKS` has that as a problem.
    """
    about: dict[Binding, dict[str, ClaimedBuild]] = {}
    for each in builds:
        for artifact in each.artifacts:
            about.setdefault(artifact.binding, {})[each.sha256] = each
    numbers: dict[tuple[str, Binding], int] = {(root.name, root.binding): 0}
    found: list[tuple[Artifact, int]] = [(root, 0)]
    steps: list[tuple[LineageStep, ...]] = []
    left_out: set[int] = set()
    links = 0
    queue = deque([0])
    while queue:
        artifact, generation = found[queue.popleft()]
        mine: list[LineageStep] = []
        for _, each in sorted(about.get(artifact.binding, {}).items()):
            links += weight(each.build)
            if links > MAX_LINEAGE_LINKS:
                left_out.add(len(steps))
                break
            places: list[int | None] = []
            for parent in each.build.inputs:
                key = (parent.name, parent.binding)
                if key not in numbers and len(found) < MAX_LINEAGE_ARTIFACTS:
                    numbers[key] = len(found)
                    queue.append(len(found))
                    found.append((parent, generation + 1))
                places.append(numbers.get(key))
            mine.append(
                LineageStep(
                    place=each.place,
                    sha256=each.sha256,
                    build=each.build,
                    inputs=tuple(places),
                    standing=Standing.CLAIMED,
                )
            )
        steps.append(tuple(mine))
    return Lineage(
        nodes=tuple(
            LineageNode(
                artifact=artifact,
                generation=generation,
                steps=made,
                standing=Standing.CLAIMED,
                problems=(BEYOND_LINKS,) if number in left_out else (),
            )
            for number, ((artifact, generation), made) in enumerate(zip(found, steps, strict=True))
        )
    )


def _read_builds(handle: LocalHandle) -> tuple[tuple[ClaimedBuild, ...], tuple[Gap, ...]]:
    claims = read_claims(handle)
    gaps = list(claims.gaps)
    builds: list[ClaimedBuild] = []
    for line in claims.lines:
        if line.bundle is None:
            gaps += [] if line.gap is None else [line.gap]
            continue
        try:
            claim = read_claim(line.bundle.payload, where=line.place)
        except ClaimError as error:
            gaps.append(claim_gap(error, line.place, name=claims.place.name))
            continue
        if isinstance(claim.content, Build):
            builds.append(
                ClaimedBuild(
                    place=line.place,
                    sha256=line.sha256,
                    artifacts=claim.artifacts,
                    build=claim.content,
                )
            )
    return tuple(builds), tuple(gaps)
