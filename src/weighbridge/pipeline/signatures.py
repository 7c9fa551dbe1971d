"""
The signature files of an artifact: `model.sig` and `model.*.sig`, each read once.

A directory has its signatures at its root; a single file `FILE` has `FILE.sig` and `FILE.*.sig`
beside it. Nothing is verified here: a file is a signature when it is a bundle, and one that only
bears such a name is a model file like any other, which a signature has to cover (ADR 0021).
"""

import hashlib
import os
from contextlib import suppress
from pathlib import Path

from weighbridge.core.artifact import ArtifactKind
from weighbridge.core.codes import Code
from weighbridge.core.digest import Digest, HashAlgorithm
from weighbridge.core.errors import (
    LimitExceededError,
    OperationError,
    SignatureRejectedError,
    WeighbridgeError,
)
from weighbridge.core.evidence import OtherSignature
from weighbridge.core.limits.signing import MAX_BUNDLE_BYTES
from weighbridge.core.values import frozen
from weighbridge.pipeline.selection import inside, signature_places
from weighbridge.signing.bundle import Bundle, parse_bundle
from weighbridge.sources.interface import LocalHandle
from weighbridge.sources.reading import read_if_present


@frozen
class SignatureFile:
    """A signature file's bytes, and what they parse to; nothing is verified yet."""

    path: Path
    sha256: Digest
    size: int
    bundle: Bundle

    def rejected(self, error: WeighbridgeError) -> OtherSignature:
        """Say that it does not count because of *error*."""
        return OtherSignature(
            path=os.fspath(self.path), sha256=self.sha256, code=error.code, reason=reason_of(error)
        )


@frozen
class UnreadSignature:
    """A file with the name of a signature that cannot be read as one."""

    path: Path
    error: WeighbridgeError

    def rejected(self) -> OtherSignature:
        """Say that it does not count."""
        return OtherSignature(
            path=os.fspath(self.path),
            sha256=None,
            code=self.error.code,
            reason=reason_of(self.error),
        )


@frozen
class FoundSignatures:
    """
    What there is of signatures.

    Attributes:
        files: Those that can be read: the default place first, then by name.
        unread: Those that cannot.
    """

    files: tuple[SignatureFile, ...]
    unread: tuple[UnreadSignature, ...]

    def inside(self, handle: LocalHandle) -> frozenset[str]:
        """Return the paths of `files` relative to the model, where they lie within."""
        paths = (inside(handle, file.path) for file in self.files)
        return frozenset(path for path in paths if path is not None)


def find_signatures(handle: LocalHandle, *, asked: SignatureFile | None = None) -> FoundSignatures:
    """
    Read and parse every signature of the artifact; *asked* has been read, and is not read again.

    Raises:
        LimitExceededError: There are more than `MAX_SIGNATURE_FILES`.
        OperationError: The directory cannot be listed.
    """
    files: list[SignatureFile] = []
    unread: list[UnreadSignature] = []
    known = None if asked is None else inside(handle, asked.path)
    for place in signature_places(handle):
        if asked is not None and known is not None and known == inside(handle, place):
            files.append(asked)
            continue
        left = MAX_BUNDLE_BYTES - sum(file.size for file in files)
        try:
            files.append(read_signature(place, limit=left))
        except WeighbridgeError as error:
            unread.append(UnreadSignature(path=place, error=error))
    return FoundSignatures(files=tuple(files), unread=tuple(unread))


def beside(handle: LocalHandle, asked: SignatureFile | None) -> FoundSignatures:
    """
    Return the signatures of the artifact, where *asked*, if any, is the one that matters.

    Where too many others lie beside that one, none is read: in a directory they are model files
    then, which a signature has to cover.

    Raises:
        LimitExceededError, OperationError: As `find_signatures`, without *asked*.
    """
    if asked is None:
        return find_signatures(handle)
    if handle.kind is ArtifactKind.DIRECTORY:
        with suppress(LimitExceededError):
            return find_signatures(handle, asked=asked)
    return FoundSignatures(files=(), unread=())


def read_signature(place: Path, *, limit: int = MAX_BUNDLE_BYTES) -> SignatureFile:
    """
    Read and parse the signature at *place*, once.

    Raises:
        SignatureRejectedError: Nothing is there, or it is malformed.
        LimitExceededError: It has more than *limit* bytes.
        OperationError: It cannot be read.
    """
    try:
        data = read_if_present(place, limit=limit)
    except OperationError as error:
        if error.code is not Code.SPECIAL_FILE:
            raise
        # Whoever made the model put it there: that is the model's fault and not the machine's.
        raise SignatureRejectedError(
            "a signature is a regular file", code=Code.SIGNATURE_MALFORMED, where=os.fspath(place)
        ) from error
    if data is None:
        raise missing_signature(place)
    return SignatureFile(
        path=place,
        sha256=Digest(HashAlgorithm.SHA256, hashlib.sha256(data).digest()),
        size=len(data),
        bundle=parse_bundle(data, where=os.fspath(place)),
    )


def missing_signature(place: Path) -> SignatureRejectedError:
    """Return the error that says that nothing is at *place*."""
    return SignatureRejectedError(
        "there is no signature",
        code=Code.SIGNATURE_MISSING,
        where=os.fspath(place),
        hint="Give its path with --signature, or sign the model first",
    )


def reason_of(error: WeighbridgeError) -> str:
    """Return what *error* says, without place, hint and code."""
    reason = error.message
    if error.expected is not None:
        reason += f": expected {error.expected}"
    if error.found is not None:
        reason += f", found {error.found}"
    return reason
