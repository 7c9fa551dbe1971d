"""
Loads that leave files where they are: what is read of them later is verified part by part.

Which bytes the parts have says either this very run, which reads and hashes every file once and
keeps nothing but digests; or a claim by somebody whom the rule names, and then files of tensors
are not read whole at all. The signature says in both cases which files there are.
"""

import os
from collections.abc import Iterable
from dataclasses import replace
from importlib.util import find_spec
from typing import Final

from weighbridge.core.artifact import ArtifactKind, FileEntry, FileFormat, Inventory
from weighbridge.core.attestation import Attestation, Binding, CutFile, PartDigests
from weighbridge.core.codes import Code
from weighbridge.core.digest import DigestPart, FileDigest, HashAlgorithm, HashLayout
from weighbridge.core.errors import ClaimError, OperationError, WeighbridgeError
from weighbridge.core.evidence import Evidence
from weighbridge.core.limits.loading import HELD_INLINE_BYTES, PART_BYTES
from weighbridge.core.values import frozen
from weighbridge.core.verdict import Reason
from weighbridge.formats.sniff import Sniffed, sniff
from weighbridge.inventory.files import changed, check_regular, failure, location, open_descriptor
from weighbridge.inventory.take import DEFAULT_LAYOUTS
from weighbridge.load.checked import CheckedMemory, PartCache
from weighbridge.load.held import HeldFile, HeldFiles
from weighbridge.load.memfd import Descriptor
from weighbridge.load.memory import InlineMemory
from weighbridge.pipeline.claims.verifying import SIGNATURE_PREDICATE, signed_files
from weighbridge.policy.reasons import noted
from weighbridge.policy.rule import Rule, Symlinks
from weighbridge.signing.resources import SINGLE_FILE
from weighbridge.signing.statement import Statement
from weighbridge.sources.interface import LocalHandle

CUT_FORMATS: Final = frozenset({FileFormat.SAFETENSORS, FileFormat.GGUF})
"""Formats of tensors without code. Files of others are read whole, whatever a claim says."""


@frozen
class _Left:
    """A file that is left where it is, and what its own bytes say of its format."""

    held: HeldFile
    sniffed: Sniffed
    digest: FileDigest | None = None
    """As signed, where a claim tells the parts and nobody has read it whole."""


class PartReading:
    """
    How one load reads its artifact by parts.

    Args:
        handle: The artifact.
    """

    def __init__(self, handle: LocalHandle) -> None:
        fast = HashAlgorithm.BLAKE3 if find_spec("blake3") else HashAlgorithm.SHA256
        self.layout: Final = HashLayout(fast, PART_BYTES)
        """How files that are read whole are cut besides: for this run alone, so as is fastest."""
        self._handle = handle
        self._cache = PartCache()
        self._left: dict[str, _Left] = {}
        self._issuer = ""

    @property
    def known(self) -> frozenset[str]:
        """Paths of the files that need not be read whole."""
        return frozenset(path for path, left in self._left.items() if left.digest is not None)

    @property
    def reasons(self) -> tuple[Reason, ...]:
        """What a verdict says of files that were not read whole."""
        count = len(self.known)
        if not count:
            return ()
        noun = "file" if count == 1 else "files"
        message = (
            f"not read whole: {count} {noun} of tensors; what is read of them is held to digests "
            f"of parts that {self._issuer} signed"
        )
        return (noted(Code.PARTS_TRUSTED, message),)

    def consult(
        self, rule: Rule, statements: Iterable[Statement], claims: Iterable[Evidence]
    ) -> None:
        """
        Find the files of which a claim says enough, for *rule*.

        A claim says it if the rule's issuer signed it, if it is about the very artifact that each
        of *statements* is about, by both digests, and if the file's bytes are those of a format
        of tensors, as far as it takes to tell. What *rule* accepts of these very files, by their
        digest, it accepts of files that were read whole; so it does what others say of them, by a
        receipt or by another scanner.

        Args:
            rule: Which decides; no claim counts without `parts`, or with `receipt` or `scan.also`.
            statements: By signers of the rule; they are about SHA-256 of whole files.
            claims: With the attestations whose signers were verified.
        """
        if rule.parts is None or rule.receipt is not None or rule.scan.also:
            return
        self._issuer = rule.parts.issuer
        signed = tuple(statements)
        bindings = {_binding(statement) for statement in signed}
        if len(bindings) != 1 or None in bindings:
            return
        digests = {
            SINGLE_FILE if self._is_single(resource.path) else resource.path: resource.value
            for resource in signed[0].resources
        }
        accepted = {each.sha256.value for each in rule.scan.suppress if each.sha256 is not None}
        accepted |= {each.sha256.value for each in rule.scan.approve}
        for content in _issued(claims, rule.parts.issuer, bindings):
            for file in content.files:
                digest = digests.get(file.path)
                if digest is None or digest in accepted or file.path in self._left:
                    continue
                self._consider(file, digest, links=rule.symlinks)

    def complete(self, inventory: Inventory) -> Inventory:
        """
        Return *inventory* with what the bytes say that are to be verified from now on.

        Of files that were not read whole these are digest and format, of other large ones the
        format: it was told before they were hashed.

        Raises:
            ArtifactChangedError: A file has other bytes than when it was hashed.
            OperationError: It cannot be read.
        """
        return replace(
            inventory, entries=tuple(self._completed(entry) for entry in inventory.entries)
        )

    def contents(self, inventory: Inventory) -> HeldFiles:
        """
        Return the files of a completed *inventory*: small ones now, large ones when needed.

        Raises:
            ArtifactChangedError: A file has other bytes than when it was hashed.
            OperationError: It cannot be read.
        """
        return HeldFiles({entry.path: self._hold(entry) for entry in inventory.entries})

    def _is_single(self, path: str) -> bool:
        return self._handle.kind is ArtifactKind.FILE and path == self._handle.name

    def _consider(self, file: CutFile, digest: bytes, *, links: Symlinks) -> None:
        try:
            left = self._leave(
                file.path,
                file.parts,
                algorithm=HashAlgorithm.SHA256,
                through_symlink=links is Symlinks.FILES,
            )
        except WeighbridgeError:
            return  # what is wrong with it is told when it is read whole
        if left.sniffed.format in CUT_FORMATS and not left.sniffed.also:
            whole = FileDigest(DEFAULT_LAYOUTS[0], (DigestPart(0, file.size, digest),))
            self._left[file.path] = replace(left, digest=whole)

    def _completed(self, entry: FileEntry) -> FileEntry:
        left = self._left.get(entry.path)
        if left is None and entry.size > HELD_INLINE_BYTES:
            left = self._left[entry.path] = self._leave(
                entry.path,
                self._own_parts(entry),
                algorithm=self.layout.algorithm,
                through_symlink=entry.through_symlink,
            )
        if left is None:
            return entry
        if left.held.size != entry.size:
            raise changed(entry.path)
        return replace(
            entry,
            format=left.sniffed.format,
            suffix_format=left.sniffed.suffix_format,
            digests=entry.digests if left.digest is None else (left.digest,),
        )

    def _hold(self, entry: FileEntry) -> HeldFile:
        left = self._left.get(entry.path)
        if left is not None:
            return left.held
        if not entry.size:
            return HeldFile(InlineMemory(b""))
        memory = self._open(
            entry.path,
            self._own_parts(entry),
            algorithm=self.layout.algorithm,
            through_symlink=entry.through_symlink,
        )
        return HeldFile(InlineMemory(memory.read_at(0, memory.size)))

    def _own_parts(self, entry: FileEntry) -> tuple[DigestPart, ...]:
        """Return the parts that this run digested itself."""
        if not entry.digests:  # it lies below what was a file of known parts a moment ago
            raise changed(entry.path)
        return entry.digest(self.layout).parts

    def _leave(
        self,
        path: str,
        parts: tuple[DigestPart, ...],
        *,
        algorithm: HashAlgorithm,
        through_symlink: bool,
    ) -> _Left:
        memory = self._open(path, parts, algorithm=algorithm, through_symlink=through_symlink)
        name = self._handle.name if path == SINGLE_FILE else path.rpartition("/")[2]
        sniffed = sniff(memory, name=name)
        return _Left(held=HeldFile(memory, told=sniffed.format), sniffed=sniffed)

    def _open(
        self,
        path: str,
        parts: tuple[DigestPart, ...],
        *,
        algorithm: HashAlgorithm,
        through_symlink: bool,
    ) -> CheckedMemory:
        place = location(os.fspath(self._handle.root), path)
        try:
            descriptor = Descriptor(open_descriptor(place, through_symlink=through_symlink))
            check_regular(descriptor.number, path=path)
        except OSError as error:
            code, reason = failure(error)
            if code is Code.FILE_CHANGED:
                raise changed(path, why=reason) from error
            raise OperationError(reason, code=code, where=path) from error
        return CheckedMemory(descriptor, parts, algorithm=algorithm, cache=self._cache, path=path)


def _binding(statement: Statement) -> Binding | None:
    """Return which artifact *statement* is about; None where it does not say by both digests."""
    try:
        stated = signed_files(statement, kind=SIGNATURE_PREDICATE, where="the signature")
    except ClaimError:
        return None
    return stated.artifacts[0].binding


def _issued(
    claims: Iterable[Evidence], issuer: str, bindings: Iterable[Binding | None]
) -> Iterable[PartDigests]:
    wanted = [binding for binding in bindings if binding is not None]
    for claim in claims:
        if not isinstance(claim, Attestation) or not isinstance(claim.content, PartDigests):
            continue
        if claim.trust == issuer and any(claim.is_about(binding) for binding in wanted):
            yield claim.content
