"""Verify: signatures -> who signed -> what was stated -> are the files like that."""

import os
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

from weighbridge.core.artifact import Inventory
from weighbridge.core.codes import NOT_THIS_SIGNER, Code
from weighbridge.core.digest import FileDigest, HashLayout
from weighbridge.core.errors import (
    RefusedError,
    SignatureRejectedError,
    UsageError,
    WeighbridgeError,
    one_line,
)
from weighbridge.core.evidence import (
    Gap,
    OtherSignature,
    SignatureEvidence,
    Verification,
)
from weighbridge.core.identity import ClaimedIdentity, VerifiedIdentity
from weighbridge.core.signers import count_signers
from weighbridge.core.values import frozen
from weighbridge.inventory.names import is_under
from weighbridge.inventory.progress import Progress
from weighbridge.inventory.take import InventoryPlan, SniffRule, take_inventory
from weighbridge.pipeline.accounting import require_complete, require_files
from weighbridge.pipeline.selection import FileSelection, git_paths, inside
from weighbridge.pipeline.signatures import (
    FoundSignatures,
    SignatureFile,
    beside,
    missing_signature,
    read_signature,
)
from weighbridge.signing.coverage import (
    Coverage,
    IgnoreRules,
    compare,
    is_unsigned_link,
    signed_places,
)
from weighbridge.signing.interface import Verifier
from weighbridge.signing.problems import CoverageRejectedError
from weighbridge.signing.statement import Statement, parse_statement
from weighbridge.sources.interface import LocalHandle
from weighbridge.sources.local import locate

_NOT_ASKED = "nobody looked: another signature was asked for"


@frozen
class VerifiedStatement:
    """A statement whose signer was verified; the files have not been looked at."""

    file: SignatureFile
    identity: VerifiedIdentity
    statement: Statement
    verified_at: datetime

    def evidence(
        self,
        coverage: Coverage,
        *,
        trust: str | None = None,
        digests: tuple[FileDigest, ...] = (),
    ) -> SignatureEvidence:
        """Return the evidence that the statement and its *coverage* make together."""
        return SignatureEvidence(
            identity=self.identity,
            trust=trust,
            signature_path=os.fspath(self.file.path),
            signature_sha256=self.file.sha256,
            subject=ClaimedIdentity(self.statement.subject_name),
            root=self.statement.root,
            layout=self.statement.layout,
            covered=coverage.covered,
            uncovered=coverage.uncovered,
            claimed_ignores=self.statement.ignore_paths,
            verified_at=self.verified_at,
            digests=digests,
        )


def verify(
    reference: str | Path,
    *,
    verifier: Verifier | Sequence[Verifier],
    signature: str | Path | None = None,
    threshold: int = 1,
    selection: FileSelection | None = None,
    ignore_unsigned_files: bool = False,
    allow_legacy: bool = False,
    progress: Progress | None = None,
) -> Verification:
    """
    Verify that the signer whom *verifier* expects signed every file of the artifact.

    Files outside the signature are an error unless the caller chose to leave them out, and then
    they are reported. The signer's own ignore list is a claim and leaves nothing out.

    Every signature of the artifact is verified on its own. One that does not hold, or is by
    somebody else, does not count and is reported; it cannot make another one fail.

    Args:
        reference: A model directory or file.
        verifier: Knows whom to trust; or several of them.
        signature: The one signature file to look at; the default is `model.sig` and every
            `model.*.sig` in the directory, `FILE.sig` and every `FILE.*.sig` beside a file.
        threshold: How many different signers it takes.
        selection: Which files need not be covered.
        ignore_unsigned_files: Accept files that the signature does not name.
        allow_legacy: Accept the statement form of releases before 1.0.
        progress: Is told how far the reading is.

    Raises:
        SignatureRejectedError: There is no signature, none holds, they are by somebody else or
            by too few, or the files are not the signed ones; every file that is not is named.
        ArtifactRefusedError: Something in the artifact cannot be covered by a signature.
        IndeterminateError: It changed while it was read, or exceeds a bound.
        UsageError, OperationError, NothingToCheckError: As for `sign`.
    """
    verifiers = tuple(verifier) if isinstance(verifier, Sequence) else (verifier,)
    _require_reachable(verifiers, threshold, signature)
    handle = locate(reference)
    selection = selection or FileSelection()
    place = Path(signature) if signature is not None else None
    ignored = selection.ignored(handle)
    asked = read_signature(place) if place is not None else None
    found = beside(handle, asked)
    trial = _Trial(verifiers, threshold=threshold, allow_legacy=allow_legacy)
    trial.verify_statements(handle, found, asked)
    outside = ignored | (git_paths(handle) if selection.ignore_git_paths else frozenset())
    inventory = take_inventory(
        handle,
        InventoryPlan(
            layouts=trial.layouts,
            sniff=SniffRule.UNDIGESTED,
            symlinks=selection.symlinks,
            signature=inside(handle, place or handle.default_signature),
            signatures=found.inside(handle),
            undigested=_unnamed(outside, trial.statements),
        ),
        progress=progress,
    )
    accepted = IgnoreRules(
        paths=tuple(sorted(ignored)),
        git_metadata=selection.ignore_git_paths,
        unsigned_files=ignore_unsigned_files,
        unsigned_links=ignore_unsigned_files,
    )
    require_complete(trial.open_gaps(inventory, accepted), name=inventory.name)
    require_files(handle, inventory)
    return trial.compare(inventory, accepted)


def _require_reachable(
    verifiers: tuple[Verifier, ...], threshold: int, signature: str | Path | None
) -> None:
    if not verifiers or threshold < 1:
        raise UsageError(
            "a verification expects somebody",
            expected="at least one signer, and a threshold of at least 1",
            found=f"{len(verifiers)} and {threshold}",
        )
    if signature is not None and threshold > 1:
        raise UsageError(
            "one signature file has one signer",
            expected="no --signature with a threshold",
            found=f"a threshold of {threshold}",
        )


class _Trial:
    """One verification: which signatures hold, which do not, and are there enough."""

    def __init__(
        self, verifiers: tuple[Verifier, ...], *, threshold: int, allow_legacy: bool
    ) -> None:
        self._verifiers = verifiers
        self._threshold = threshold
        self._allow_legacy = allow_legacy
        self._now = datetime.now(UTC)
        self._accepted: list[VerifiedStatement] = []
        self._others: list[OtherSignature] = []
        self._errors: list[WeighbridgeError] = []

    @property
    def statements(self) -> tuple[Statement, ...]:
        """What the accepted signatures state."""
        return tuple(accepted.statement for accepted in self._accepted)

    @property
    def layouts(self) -> tuple[HashLayout, ...]:
        """How the files have to be digested."""
        return tuple(dict.fromkeys(statement.layout for statement in self.statements))

    def verify_statements(
        self, handle: LocalHandle, found: FoundSignatures, asked: SignatureFile | None
    ) -> None:
        """
        Find out who signed, before any file of the model is opened.

        Raises:
            WeighbridgeError: Too few signatures are by expected signers.
        """
        files = found.files if asked is None else (asked,)
        if asked is not None:
            self._note_unasked(found, asked.path)
        else:
            for unread in found.unread:
                self._reject(unread.rejected(), unread.error)
        if not files and not self._errors:
            raise missing_signature(handle.default_signature)
        for file in files:
            self._verify_file(file)
        self._require_signers([accepted.identity for accepted in self._accepted])

    def open_gaps(self, inventory: Inventory, accepted: IgnoreRules) -> Iterator[Gap]:
        """Yield the gaps that leave the caller without an answer, whichever signature holds."""
        places = frozenset[str]()
        if accepted.unsigned_links and inventory.gaps:
            places = places.union(*(signed_places(statement) for statement in self.statements))
        for gap in inventory.gaps:
            ignored = is_under(gap.path or ".", accepted.paths)
            if not ignored and not is_unsigned_link(gap, places, accepted):
                yield gap

    def compare(self, inventory: Inventory, accepted: IgnoreRules) -> Verification:
        """
        Hold the files against each accepted statement.

        Raises:
            WeighbridgeError: Too few of them are about these files.
        """
        complete: list[SignatureEvidence] = []
        for verified in self._accepted:
            try:
                coverage = compare(verified.statement, inventory, accepted=accepted)
            except CoverageRejectedError as error:
                self._reject(verified.file.rejected(error), error)
            else:
                digests = _digests_of(verified.statement, inventory, coverage)
                complete.append(verified.evidence(coverage, digests=digests))
        signers = self._require_signers([evidence.identity for evidence in complete])
        return Verification(signatures=tuple(complete), signers=signers, others=tuple(self._others))

    def _verify_file(self, file: SignatureFile) -> None:
        """Accept *file* for the first verifier that does; else it does not count."""
        errors: list[WeighbridgeError] = []
        for verifier in self._verifiers:
            try:
                verified = verify_statement(
                    file, verifier, at=self._now, allow_legacy=self._allow_legacy
                )
            except WeighbridgeError as error:
                errors.append(error)
            else:
                self._accepted.append(verified)
                return
        gravest = next((e for e in errors if e.code not in NOT_THIS_SIGNER), errors[0])
        self._reject(file.rejected(gravest), gravest)

    def _note_unasked(self, found: FoundSignatures, place: Path) -> None:
        asked = os.path.realpath(place)
        for path, digest in (
            *((file.path, file.sha256) for file in found.files),
            *((unread.path, None) for unread in found.unread),
        ):
            if os.path.realpath(path) != asked:
                self._others.append(
                    OtherSignature(
                        path=os.fspath(path), sha256=digest, code=None, reason=_NOT_ASKED
                    )
                )

    def _reject(self, other: OtherSignature, error: WeighbridgeError) -> None:
        self._others.append(other)
        self._errors.append(error)

    def _require_signers(self, identities: Sequence[VerifiedIdentity]) -> int:
        """
        Return how many different signers there are.

        Raises:
            WeighbridgeError: They are too few.
        """
        count = count_signers((str(i), identity) for i, identity in enumerate(identities))
        if count >= self._threshold:
            return count
        if not identities and len(self._errors) == 1:
            raise self._errors[0]
        for error in self._errors:
            # What the files lack says more than that somebody else signed as well.
            lacking = isinstance(error, CoverageRejectedError) and not identities
            if lacking or not isinstance(error, RefusedError):
                raise error
        lines = [f"  {one_line(o.path)}: {one_line(o.reason)}" for o in self._others if o.code]
        if identities:
            raise SignatureRejectedError(
                "\n".join(["too few of the expected signers signed these files", *lines]),
                code=Code.SIGNER_THRESHOLD,
                expected=f"{self._threshold} different signers",
                found=f"{count}: " + ", ".join(identity.label for identity in identities),
            )
        grave = (e.code for e in self._errors if e.code not in NOT_THIS_SIGNER)
        raise SignatureRejectedError(
            "\n".join(["none of the signatures is by an expected signer and holds", *lines]),
            code=next(grave, self._errors[0].code),
        )


def verify_statement(
    file: SignatureFile, verifier: Verifier, *, at: datetime, allow_legacy: bool
) -> VerifiedStatement:
    """
    Verify who signed, then parse what was signed: in this order, and over the same bytes.

    Raises:
        SignatureRejectedError: The signature does not hold or the statement is malformed.
    """
    identity = verifier.verify(file.bundle, at=at)
    statement = parse_statement(
        file.bundle.payload, where=os.fspath(file.path), allow_legacy=allow_legacy
    )
    return VerifiedStatement(file=file, identity=identity, statement=statement, verified_at=at)


def _digests_of(
    statement: Statement, inventory: Inventory, coverage: Coverage
) -> tuple[FileDigest, ...]:
    """Return the digests of the covered files, in their order."""
    entries = {entry.path: entry for entry in inventory.entries}
    return tuple(entries[path].digest(statement.layout) for path in coverage.covered)


def _unnamed(outside: Iterable[str], statements: Iterable[Statement]) -> frozenset[str]:
    """
    Return the paths of *outside* below which no statement names anything.

    What a signature names is verified, whether or not the caller could do without it.
    """
    named = {resource.path for statement in statements for resource in statement.resources}
    return frozenset(
        prefix
        for prefix in outside
        if prefix not in named and not any(path.startswith(f"{prefix}/") for path in named)
    )
