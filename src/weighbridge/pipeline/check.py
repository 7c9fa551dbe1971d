"""
Check: every stage's evidence, one policy, one verdict.

1. Which rule decides, by name and boundary. Without one nothing is read.
2. Who signed: each signature file is read once and verified against each signer that the rule
   names, before any byte of the model is touched.
3. The inventory: every file read once, hashed, its format told.
4. Do the files match what was signed?
5. What would loading execute? Over the hashed bytes, unless a receipt about them stands for that.
6. The policy's evaluation, which is pure.
"""

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Final

from weighbridge.core.artifact import ArtifactDigests, FileEntry, Inventory
from weighbridge.core.codes import NOT_THIS_SIGNER, Code
from weighbridge.core.digest import Digest, HashLayout
from weighbridge.core.errors import (
    IndeterminateError,
    LimitExceededError,
    OperationError,
    SignatureRejectedError,
    UsageError,
    WeighbridgeError,
)
from weighbridge.core.evidence import Evidence, Gap, SignatureEvidence, Stage
from weighbridge.core.verdict import Verdict
from weighbridge.inventory.contents import DiskContents
from weighbridge.inventory.progress import Progress
from weighbridge.inventory.sink import ByteSink
from weighbridge.inventory.take import InventoryPlan, take_inventory
from weighbridge.inventory.walk import SymlinkRule
from weighbridge.pipeline.accounting import require_files
from weighbridge.pipeline.examine import examine_files, prepared_examiner
from weighbridge.pipeline.layouts import asks_for_sha256, layouts_for
from weighbridge.pipeline.naming import digests_of, namings_of
from weighbridge.pipeline.origins import accepts_receipt, bases_evidence, may_remember
from weighbridge.pipeline.policies import select_for
from weighbridge.pipeline.signatures import (
    FoundSignatures,
    SignatureFile,
    find_signatures,
    missing_signature,
    reason_of,
)
from weighbridge.pipeline.trust import trust_entries, verifier_for
from weighbridge.pipeline.verify import VerifiedStatement, verify_statement
from weighbridge.policy.controls.interface import Naming
from weighbridge.policy.controls.provenance import asks_for_claims
from weighbridge.policy.evaluate import evaluate
from weighbridge.policy.reasons import arrange, noted
from weighbridge.policy.rule import RemoteCode, Rule, Symlinks
from weighbridge.policy.schema import Policy
from weighbridge.scan.interface import Examiner
from weighbridge.scan.report import ScanReport
from weighbridge.scan.runner import Contents
from weighbridge.signing.coverage import IgnoreRules, compare
from weighbridge.signing.interface import Verifier
from weighbridge.signing.problems import CoverageRejectedError
from weighbridge.sources.interface import LocalHandle
from weighbridge.sources.local import locate

if TYPE_CHECKING:
    from weighbridge.pipeline.by_parts import PartReading

_UNSIGNED_IS_EVIDENCE = IgnoreRules(paths=(), git_metadata=True, unsigned_files=True)

_NOT_READ: Final = noted(
    Code.STAMPS_TRUSTED,
    "the files were not read: the rule trusts their stamps, which are those of an earlier check",
)

DEFAULT_BOUNDARY = "load"
"""The boundary that is meant when the caller names none."""


def check(
    reference: str | Path,
    *,
    policy: Policy,
    boundary: str = DEFAULT_BOUNDARY,
    progress: Progress | None = None,
) -> Verdict:
    """
    Return what *policy* says of the artifact at *boundary*, with every reason.

    A deny is a verdict and not an error. The verdict is about the bytes that were read; whoever
    opens the path afterwards may see others. `load` closes that gap.

    Raises:
        UsageError: The reference names nothing, or a key that the policy names is missing.
        NothingToCheckError: The artifact holds no file.
        KeyRejectedError: A key that the policy names cannot be used.
        OperationError: Reading failed.
    """
    handle = locate(reference)
    examination = Examination(handle, policy, boundary=boundary, progress=progress)
    return examination.run()


class Hashing(StrEnum):
    """With which digests the files are taken."""

    NAMED = "named"
    """With SHA-256 of whole files, of which the artifact's names digest is made, and as signed."""

    SIGNED = "signed"
    """As signed, and with SHA-256 of whole files only where the rule or the signers ask for it."""


@dataclass(slots=True)
class _Signatures:
    """What signatures and claims say, before the files were looked at."""

    accepted: list[tuple[str, VerifiedStatement]]
    gaps: list[Gap]
    paths: frozenset[str] = frozenset()
    claims: tuple[Evidence, ...] = ()
    bases: tuple[Evidence, ...] = ()


class Examination:
    """One run of the stages over one artifact; the clock is read once."""

    def __init__(
        self,
        handle: LocalHandle,
        policy: Policy,
        *,
        boundary: str,
        progress: Progress | None,
        hashing: Hashing = Hashing.NAMED,
        isolated: bool = False,
        parts: "PartReading | None" = None,
    ) -> None:
        if not isinstance(policy, Policy):
            raise UsageError(
                "a policy is read before it is used",
                expected="a Policy",
                found=type(policy).__name__,
                hint="Say policy=weighbridge.Policy.from_file(PATH)",
            )
        self._handle = handle
        self._policy = policy
        self._boundary = boundary
        self._progress = progress
        self._hashing = hashing
        self._isolated = isolated
        self._parts = parts
        self._now = datetime.now(UTC)
        self._selection = select_for(handle.reference, policy, boundary=boundary)

    @property
    def pinned_code(self) -> frozenset[Digest]:
        """SHA-256 digests of the source files that the deciding rule lets run."""
        rule = self._selection.rule
        if rule is None or rule.remote_code is not RemoteCode.PINNED:
            return frozenset()
        return rule.remote_code_digests

    def run(
        self,
        *,
        sink: ByteSink | None = None,
        contents: Callable[[Inventory], Contents] | None = None,
    ) -> Verdict:
        """
        Return the verdict.

        Args:
            sink: Takes the bytes while they are hashed, for a load.
            contents: Gives those very bytes to the scanner; without it the files on disk are
                opened again, as long as they are the hashed ones.
        """
        rule = self._selection.rule
        if rule is None:
            return self._evaluate(inventory=None, evidence=(), digests=None)
        if sink is None and self._parts is None and may_remember(rule):
            return self._run_remembered(rule)
        with prepared_examiner() as examiner:
            signatures = self._verify_signers(rule)
            taken = self._take(rule, signatures, examiner, sink=sink, contents=contents)
            return taken if isinstance(taken, Verdict) else self._judge(signatures, taken)

    def trace(self) -> Verdict:
        """
        Return the verdict as far as it goes without a scan: for its lineage, not for admission.

        Without evidence of a scan it never allows, unless a receipt stands for that.
        """
        rule = self._selection.rule
        if rule is None:
            return self._evaluate(inventory=None, evidence=(), digests=None)
        signatures = self._verify_signers(rule)
        inventory = self._read(rule, signatures, sink=None)
        if isinstance(inventory, Verdict):
            return inventory
        contents = DiskContents(self._handle, inventory)
        signatures.bases = bases_evidence(rule, inventory, contents)
        return self._judge(signatures, ScanReport(inventory=inventory, evidence=()))

    def _run_remembered(self, rule: Rule) -> Verdict:
        """Judge what an earlier run found out about the untouched files, or else read them."""
        # Imported here: few policies trust stamps.
        from weighbridge.pipeline.remembered import Question, RememberedChecks  # noqa: PLC0415

        signatures = self._verify_signers(rule)
        question = Question(
            handle=self._handle,
            policy=self._policy.sha256,
            rule=rule.index,
            layouts=self._layouts(rule, signatures),
            symlinks=_symlinks(rule),
            signatures=signatures.paths,
        )
        remembered = RememberedChecks()
        found = remembered.find(question)
        if found is not None:
            verdict = self._judge(signatures, found)
            return replace(verdict, reasons=arrange((*verdict.reasons, _NOT_READ)))
        attempt = remembered.prepare(question)
        with prepared_examiner() as examiner:
            taken = self._take(rule, signatures, examiner, sink=None, contents=None)
        if isinstance(taken, Verdict):
            return taken
        if attempt is not None:
            remembered.keep(question, taken, attempt)
        return self._judge(signatures, taken)

    def _layouts(self, rule: Rule, signatures: _Signatures) -> tuple[HashLayout, ...]:
        layouts = layouts_for(
            (statement for _, statement in signatures.accepted),
            named=self._hashing is Hashing.NAMED or asks_for_sha256(rule),
        )
        if self._parts is None or self._parts.layout in layouts:
            return layouts
        return (*layouts, self._parts.layout)

    def _take(
        self,
        rule: Rule,
        signatures: _Signatures,
        examiner: Examiner,
        *,
        sink: ByteSink | None,
        contents: Callable[[Inventory], Contents] | None,
    ) -> ScanReport | Verdict:
        """Read the files and have them examined; a verdict where there are too many of them."""
        inventory = self._read(rule, signatures, sink=sink)
        if isinstance(inventory, Verdict):
            return inventory
        opened = contents(inventory) if contents else DiskContents(self._handle, inventory)
        signatures.bases = bases_evidence(rule, inventory, opened)
        if rule.receipt is not None and self._accepts_receipt(rule, signatures, inventory):
            return ScanReport(inventory=inventory, evidence=())
        report = examine_files(
            inventory,
            opened,
            examiner=_keeping(examiner, inventory) if self._keeps(rule) else examiner,
        )
        if rule.scan.also:
            # Imported here: few policies ask anybody else.
            from weighbridge.pipeline.others import ask_others  # noqa: PLC0415

            report = ask_others(report, rule.scan.also, handle=self._handle, policy=self._policy)
        return report

    def _keeps(self, rule: Rule) -> bool:
        """Tell whether results are kept by digests: not where a digest is somebody's word."""
        return rule.scan.cache and not (self._parts is not None and self._parts.known)

    def _read(
        self, rule: Rule, signatures: _Signatures, *, sink: ByteSink | None
    ) -> Inventory | Verdict:
        layouts = self._layouts(rule, signatures)
        if self._parts is not None:
            accepted = (statement.statement for _, statement in signatures.accepted)
            self._parts.consult(rule, accepted, signatures.claims)
        try:
            inventory = take_inventory(
                self._handle,
                InventoryPlan(
                    layouts=layouts,
                    symlinks=_symlinks(rule),
                    signatures=signatures.paths,
                    undigested=frozenset() if self._parts is None else self._parts.known,
                ),
                sink=sink,
                progress=self._progress,
            )
        except LimitExceededError as error:
            gap = Gap(stage=Stage.INVENTORY, code=error.code, path=None, reason=error.message)
            return self._evaluate(inventory=None, evidence=(gap,), digests=None)
        require_files(self._handle, inventory)
        return inventory if self._parts is None else self._parts.complete(inventory)

    def _accepts_receipt(self, rule: Rule, signatures: _Signatures, inventory: Inventory) -> bool:
        signed, _ = self._compare(signatures, inventory)
        return accepts_receipt(
            self._policy,
            rule,
            boundary=self._boundary,
            inventory=inventory,
            evidence=signatures.claims,
            bindings=namings_of(inventory, (each.covered for each in signed)),
            now=self._now,
        )

    def _judge(self, signatures: _Signatures, report: ScanReport) -> Verdict:
        """Hold what was found out about the files against the signatures and the policy."""
        inventory = report.inventory
        signed, gaps = self._compare(signatures, inventory)
        verdict = self._evaluate(
            inventory=inventory,
            evidence=(
                *gaps,
                *signed,
                *signatures.claims,
                *signatures.bases,
                *report.evidence,
                *report.consulted,
            ),
            digests=_digests(inventory, signed),
            bindings=namings_of(inventory, (each.covered for each in signed)),
        )
        if self._parts is not None and self._parts.reasons:
            verdict = replace(verdict, reasons=arrange((*verdict.reasons, *self._parts.reasons)))
        return _renamed(verdict, inventory)

    def _evaluate(
        self,
        *,
        inventory: Inventory | None,
        evidence: tuple[Evidence, ...],
        digests: ArtifactDigests | None,
        bindings: tuple[Naming, ...] = (),
    ) -> Verdict:
        return evaluate(
            self._policy,
            selection=self._selection,
            inventory=inventory,
            evidence=evidence,
            digests=digests,
            now=self._now,
            bindings=bindings,
            isolated=self._isolated,
        )

    def _verify_signers(self, rule: Rule) -> _Signatures:
        """Verify each signature against each signer that *rule* names; nobody else matters."""
        found = _Signatures([], [], claims=self._read_claims(rule))
        default = self._handle.default_signature
        try:
            files = find_signatures(self._handle)
        except (IndeterminateError, OperationError) as error:
            if rule.signature.any_of:
                found.gaps.append(_gap(error, default))
            return found
        found.paths = files.inside(self._handle)
        if not rule.signature.any_of:
            return found
        found.gaps.extend(_gap(unread.error, unread.path) for unread in files.unread)
        if not files.files and not files.unread:
            found.gaps.append(_gap(missing_signature(default), default))
        self._verify_files(rule, files, found)
        return found

    def _read_claims(self, rule: Rule) -> tuple[Evidence, ...]:
        if not asks_for_claims(rule) and (self._parts is None or rule.parts is None):
            return ()
        # Imported here: few rules demand what only claims say.
        from weighbridge.pipeline.claims.evidence import claims_evidence  # noqa: PLC0415

        return claims_evidence(
            self._handle,
            self._policy,
            rule,
            boundary=self._boundary,
            at=self._now,
            parts=self._parts is not None,
        )

    def _verify_files(self, rule: Rule, files: FoundSignatures, found: _Signatures) -> None:
        """Verify every file on its own, so that none can make another one fail."""
        refusals: list[tuple[str, Gap]] = []
        verifiers = self._verifiers(rule) if files.files else ()
        for file in files.files:
            mine: list[tuple[str, Gap]] = []
            before = len(found.accepted)
            for name, verifier in verifiers:
                outcome = self._verify_one(name, verifier, file)
                if isinstance(outcome, Gap):
                    mine.append((name, outcome))
                else:
                    found.accepted.append((name, outcome))
            if len(found.accepted) == before:
                # Nobody whom the rule names: it does not count, and it does not vanish.
                found.gaps.extend(gap for _, gap in mine)
            else:
                refusals.extend(mine)
        # That a signature by one signer is not also by another one is no gap, unless more than
        # one is asked for and too few are there.
        signers = {name for name, _ in found.accepted}
        if len(signers) < rule.signature.threshold:
            found.gaps.extend(
                gap
                for name, gap in refusals
                if gap.code not in NOT_THIS_SIGNER or name not in signers
            )

    def _verifiers(self, rule: Rule) -> tuple[tuple[str, Verifier], ...]:
        """Read each key and root that *rule* names, once: every file is held against the same."""
        entries = trust_entries(self._policy, rule.signature.any_of)
        return tuple((entry.name, verifier_for(entry, self._policy)) for entry in entries)

    def _verify_one(
        self, name: str, verifier: Verifier, file: SignatureFile
    ) -> VerifiedStatement | Gap:
        try:
            return verify_statement(file, verifier, at=self._now, allow_legacy=False)
        except (SignatureRejectedError, IndeterminateError) as error:
            return _gap(error, file.path, signer=name)

    def _compare(
        self, signatures: _Signatures, inventory: Inventory
    ) -> tuple[tuple[SignatureEvidence, ...], tuple[Gap, ...]]:
        """
        Compare the files with each accepted statement.

        Files that a statement does not name are evidence here and not an error: what they mean
        is the policy's to say.
        """
        signed: list[SignatureEvidence] = []
        gaps = list(signatures.gaps)
        several = len({statement.file.path for _, statement in signatures.accepted}) > 1
        for name, statement in signatures.accepted:
            try:
                coverage = compare(statement.statement, inventory, accepted=_UNSIGNED_IS_EVIDENCE)
            except CoverageRejectedError:
                gaps.extend(_differences(statement, inventory, several=several))
            else:
                signed.append(statement.evidence(coverage, trust=name))
        return tuple(signed), tuple(gaps)


def _differences(
    statement: VerifiedStatement, inventory: Inventory, *, several: bool
) -> Iterable[Gap]:
    """
    Return everything in which the files differ from what was signed.

    Where something signed is missing or changed, an added file is part of the story: a rename
    is one missing and one added.
    """
    try:
        compare(statement.statement, inventory, accepted=IgnoreRules())
    except CoverageRejectedError as error:
        which = f"{statement.file.path.name}: " if several else ""
        return tuple(
            Gap(
                stage=Stage.SIGNATURE,
                code=problem.code,
                path=problem.path,
                reason=which + problem.message,
            )
            for problem in error.problems
        )
    return ()


def _keeping(examiner: Examiner, inventory: Inventory) -> Examiner:
    """Return an examiner that uses and keeps results; imported here, since few ask for it."""
    from weighbridge.scan.kept import KeepingExaminer, KeptResults  # noqa: PLC0415  see above

    digests = {entry.path: entry.sha256 for entry in inventory.entries}
    return KeepingExaminer(examiner, KeptResults(), digests=digests, clock=time.monotonic)


def _symlinks(rule: Rule) -> SymlinkRule:
    return SymlinkRule.FILES if rule.symlinks is Symlinks.FILES else SymlinkRule.REFUSE


def _digests(inventory: Inventory, signed: tuple[SignatureEvidence, ...]) -> ArtifactDigests | None:
    """Return the names of what a load would admit: the covered files, or all without a signer."""
    if inventory.gaps:
        return None
    if not signed:
        return digests_of(inventory, inventory.model_entries, root=None)
    covered = frozenset(signed[0].covered)
    entries: tuple[FileEntry, ...] = tuple(e for e in inventory.entries if e.path in covered)
    return digests_of(inventory, entries, root=signed[0].root)


def _renamed(verdict: Verdict, inventory: Inventory) -> Verdict:
    """
    Return *verdict* under the digests of the very files that it covers.

    Signatures may cover different files, and one that does not count may be the first: what
    the verdict is about is what all that count cover.
    """
    if verdict.artifact is None or not verdict.signers:
        return verdict
    covered = frozenset(verdict.covered)
    entries = (entry for entry in inventory.entries if entry.path in covered)
    root = verdict.signers[0].root
    return replace(verdict, artifact=digests_of(inventory, entries, root=root))


def _gap(error: WeighbridgeError, place: Path, *, signer: str | None = None) -> Gap:
    reason = reason_of(error)
    if signer:
        reason = f"{signer}: {reason}"
    return Gap(stage=Stage.SIGNATURE, code=error.code, path=place.name, reason=reason)
