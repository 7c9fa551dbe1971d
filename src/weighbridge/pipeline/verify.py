"""Verify: signature -> who signed -> what was stated -> are the files like that."""

import hashlib
import os
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from weighbridge.core.codes import Code
from weighbridge.core.digest import Digest, HashAlgorithm
from weighbridge.core.errors import OperationError, SignatureRejectedError
from weighbridge.core.evidence import SignatureEvidence
from weighbridge.core.identity import ClaimedIdentity, VerifiedIdentity
from weighbridge.core.limits import MAX_BUNDLE_BYTES
from weighbridge.inventory.names import is_under
from weighbridge.inventory.progress import Progress
from weighbridge.inventory.take import InventoryPlan, SniffRule, take_inventory
from weighbridge.pipeline.accounting import require_complete, require_files
from weighbridge.pipeline.selection import FileSelection, git_paths, inside
from weighbridge.signing.bundle import Bundle, parse_bundle
from weighbridge.signing.coverage import Coverage, IgnoreRules, compare
from weighbridge.signing.interface import Verifier
from weighbridge.signing.statement import Statement, parse_statement
from weighbridge.sources.local import locate
from weighbridge.sources.reading import read_if_present


@dataclass(frozen=True, slots=True, kw_only=True)
class SignatureFile:
    """A signature file's bytes, and what they parse to; nothing is verified yet."""

    path: Path
    sha256: Digest
    bundle: Bundle


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifiedStatement:
    """A statement whose signer was verified; the files have not been looked at."""

    file: SignatureFile
    identity: VerifiedIdentity
    statement: Statement
    verified_at: datetime

    def evidence(self, coverage: Coverage, *, trust: str | None = None) -> SignatureEvidence:
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
        )


def verify(
    reference: str | Path,
    *,
    verifier: Verifier,
    signature: str | Path | None = None,
    selection: FileSelection | None = None,
    ignore_unsigned_files: bool = False,
    allow_legacy: bool = False,
    progress: Progress | None = None,
) -> SignatureEvidence:
    """
    Verify that the signer whom *verifier* expects signed every file of the artifact.

    Files outside the signature are an error unless the caller chose to leave them out, and then
    they are reported. The signer's own ignore list is a claim and leaves nothing out.

    Args:
        reference: A model directory or file.
        verifier: Knows whom to trust.
        signature: The signature file; the default is `model.sig` in the directory, `FILE.sig`
            beside a file.
        selection: Which files need not be covered.
        ignore_unsigned_files: Accept files that the signature does not name.
        allow_legacy: Accept the statement form of releases before 1.0.
        progress: Is told how far the reading is.

    Raises:
        SignatureRejectedError: There is no signature, it does not hold, it is by somebody else,
            or the files are not the signed ones; every file that is not is named.
        ArtifactRefusedError: Something in the artifact cannot be covered by a signature.
        IndeterminateError: It changed while it was read, or exceeds a bound.
        UsageError, OperationError, NothingToCheckError: As for `sign`.
    """
    handle = locate(reference)
    selection = selection or FileSelection()
    place = Path(signature) if signature is not None else handle.default_signature
    ignored = selection.ignored(handle)
    verified = verify_statement(
        read_signature(place), verifier, at=datetime.now(UTC), allow_legacy=allow_legacy
    )
    outside = ignored | (git_paths(handle) if selection.ignore_git_paths else frozenset())
    inventory = take_inventory(
        handle,
        InventoryPlan(
            layouts=(verified.statement.layout,),
            sniff=SniffRule.UNDIGESTED,
            symlinks=selection.symlinks,
            signature=inside(handle, place),
            undigested=_unnamed(outside, verified.statement),
        ),
        progress=progress,
    )
    require_complete(gap for gap in inventory.gaps if not is_under(gap.path or ".", ignored))
    require_files(handle, inventory)
    coverage = compare(
        verified.statement,
        inventory,
        accepted=IgnoreRules(
            paths=tuple(sorted(ignored)),
            git_metadata=selection.ignore_git_paths,
            unsigned_files=ignore_unsigned_files,
        ),
    )
    return verified.evidence(coverage)


def read_signature(place: Path) -> SignatureFile:
    """
    Read and parse the signature at *place*, once.

    Raises:
        SignatureRejectedError: Nothing is there, or it is malformed.
    """
    try:
        data = read_if_present(place, limit=MAX_BUNDLE_BYTES)
    except OperationError as error:
        if error.code is not Code.SPECIAL_FILE:
            raise
        # Whoever made the model put it there: that is the model's fault and not the machine's.
        raise SignatureRejectedError(
            "a signature is a regular file", code=Code.SIGNATURE_MALFORMED, where=os.fspath(place)
        ) from error
    if data is None:
        raise SignatureRejectedError(
            "there is no signature",
            code=Code.SIGNATURE_MISSING,
            where=os.fspath(place),
            hint="Give its path with --signature, or sign the model first",
        )
    return SignatureFile(
        path=place,
        sha256=Digest(HashAlgorithm.SHA256, hashlib.sha256(data).digest()),
        bundle=parse_bundle(data, where=os.fspath(place)),
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


def _unnamed(outside: Iterable[str], statement: Statement) -> frozenset[str]:
    """
    Return the paths of *outside* below which the statement names nothing.

    What a signature names is verified, whether or not the caller could do without it.
    """
    named = {resource.path for resource in statement.resources}
    return frozenset(
        prefix
        for prefix in outside
        if prefix not in named and not any(path.startswith(f"{prefix}/") for path in named)
    )
