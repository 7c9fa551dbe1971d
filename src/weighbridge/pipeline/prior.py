"""
Digests that are known before the files are read: of an earlier signature, or of a manifest.

1. The earlier signature is verified against whom the caller expects; before that it says nothing.
2. Where the caller accepts it, the digests of files whose stamps are as they were when that
   signature was made are taken from it (ADR 0022).
3. Where the caller wants a sample only, the digests of the other files are taken from the
   manifest (ADR 0023); by default none is.
4. Everything else is read and hashed, and held against the manifest. One difference and nothing
   is signed.
"""

import os
import random
import stat
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from weighbridge.core.artifact import ArtifactKind, FileEntry, FileStamp, Inventory
from weighbridge.core.codes import Code
from weighbridge.core.digest import Digest, DigestPart, FileDigest, HashLayout
from weighbridge.core.errors import (
    ArtifactChangedError,
    OperationError,
    SignatureRejectedError,
    UsageError,
)
from weighbridge.core.identity import VerifiedIdentity
from weighbridge.core.limits import (
    MANIFEST_SAMPLE_SHARE,
    MAX_FILES,
    MAX_MANIFEST_BYTES,
    MAX_STATED_FILE_BYTES,
    MIN_MANIFEST_SAMPLE,
)
from weighbridge.core.values import frozen
from weighbridge.inventory.names import is_under
from weighbridge.inventory.walk import SymlinkRule, walk
from weighbridge.pipeline.signatures import SignatureFile, read_signature
from weighbridge.pipeline.stamps import RememberedStamps
from weighbridge.pipeline.trust import trust_entries, verifier_for
from weighbridge.pipeline.verify import VerifiedStatement, verify_statement
from weighbridge.policy.schema import Policy
from weighbridge.signing.interface import Verifier
from weighbridge.signing.problems import ManifestMismatchError, Problem
from weighbridge.signing.resources import SINGLE_FILE
from weighbridge.signing.stated import (
    StatedDigest,
    checked,
    parse_download,
    parse_manifest,
    parse_pointer,
)
from weighbridge.signing.statement import Statement
from weighbridge.sources.interface import LocalHandle
from weighbridge.sources.private import NotPrivateError
from weighbridge.sources.reading import read_if_present, read_named

_DOWNLOAD_SUFFIX: Final = ".metadata"


@frozen
class PriorDigests:
    """
    What the caller wants to know of digests that exist already; by default nothing.

    Attributes:
        reuse: An earlier signature of this model.
        signers: Whom it has to be by; needed with `reuse`.
        trust_stamps: Take its digests for files that, by their stamps, did not change. The caller
            accepts what ADR 0022 says of that.
        remember: Note the stamps of the files for a later `reuse`.
        manifest: A registry's manifest, a hub's listing, or a directory with what a hub's client
            noted of its downloads, or with pointers.
        sample: Read a random sample of the files that the manifest states, and believe it of the
            others. The caller accepts what ADR 0023 says of that.
    """

    reuse: Path | None = None
    signers: tuple[Verifier, ...] = ()
    trust_stamps: bool = False
    remember: bool = False
    manifest: Path | None = None
    sample: bool = False


@frozen
class Reuse:
    """
    What became of an earlier signature.

    Attributes:
        signature: Its file.
        identity: Who made it.
        taken: Files whose digests were taken from it, unread.
        unchanged: Files that were read and are as it says.
        changed: Files that are not.
        added: Files that it does not name.
        removed: Files that it names and that are not signed any more.
    """

    signature: Path
    identity: VerifiedIdentity
    taken: tuple[str, ...]
    unchanged: tuple[str, ...]
    changed: tuple[str, ...]
    added: tuple[str, ...]
    removed: tuple[str, ...]


@frozen
class ManifestCheck:
    """
    What became of a manifest.

    Attributes:
        manifest: Where it is.
        compared: Files that were read and are as it says.
        taken: Files whose digests were taken from it, unread.
        unstated: Files of which it says nothing; they were read.
    """

    manifest: Path
    compared: tuple[str, ...]
    taken: tuple[str, ...]
    unstated: tuple[str, ...]


def trusted_signers(policy: Policy, names: tuple[str, ...]) -> Iterator[Verifier]:
    """
    Yield the verifiers of the trust entries *names* of *policy*.

    Raises:
        PolicyError: There is no such entry.
        UsageError, KeyRejectedError, OperationError: A key that it names cannot be used.
    """
    for entry in trust_entries(policy, names):
        yield verifier_for(entry, policy)


class Prior:
    """
    Known digests for one signing.

    Args:
        handle: The artifact.
        digests: What the caller wants.
        layout: How the files are to be digested.
        ignored: Paths that are left out, each with all that is below it.
        symlinks: What a link means.

    Raises:
        UsageError: The wishes contradict each other.
        SignatureRejectedError: The earlier signature does not hold, or is by somebody else.
        MalformedContentError: The manifest cannot be used.
    """

    def __init__(
        self,
        handle: LocalHandle,
        digests: PriorDigests,
        *,
        layout: HashLayout,
        ignored: frozenset[str],
        symlinks: SymlinkRule,
    ) -> None:
        _require_meaning(digests, layout)
        self._handle = handle
        self._layout = layout
        self._wanted = digests
        self._ignored = ignored
        self._begun_ns = time.time_ns()
        self._old = _verified(digests)
        self._stated = _read_stated(handle, digests.manifest, ignored)
        found = walk(handle, symlinks=symlinks).files
        self._stamps = {f.path: f.stamp for f in found if not is_under(f.path, ignored)}
        self._reused = self._take_reused()
        self._believed = self._take_believed()

    @property
    def paths(self) -> frozenset[str]:
        """The files that need not be read."""
        return frozenset(self._reused) | frozenset(self._believed)

    @property
    def layouts(self) -> tuple[HashLayout, ...]:
        """How the others have to be digested."""
        plain = HashLayout()
        return (self._layout, plain) if self._stated and self._layout != plain else (self._layout,)

    def complete(self, inventory: Inventory) -> Inventory:
        """
        Return *inventory* with the known digests, and every stated one compared.

        Raises:
            ManifestMismatchError: A file is not what the manifest says, or not there.
            ArtifactChangedError: A file changed since it was decided not to read it.
        """
        known = self._reused | self._believed
        entries = []
        for entry in inventory.entries:
            if entry.path in known:
                if entry.stamp != self._stamps[entry.path]:
                    raise ArtifactChangedError(
                        "a file changed while the model was being signed",
                        where=entry.path,
                        hint="Run again when nothing writes to the artifact",
                    )
                entries.append(replace(entry, digests=(known[entry.path],)))
            else:
                entries.append(entry)
        completed = replace(inventory, entries=tuple(entries))
        self._compare(completed)
        return completed

    def reuse(self, statement: Statement) -> Reuse | None:
        """Return what became of the earlier signature; *statement* is the new one's."""
        if self._old is None:
            return None
        before, now = _digests_of(self._old.statement), _digests_of(statement)
        same_layout = self._old.statement.layout == statement.layout
        both = [path for path in now if path in before]
        equal = {path for path in both if same_layout and before[path] == now[path]}
        return Reuse(
            signature=self._old.file.path,
            identity=self._old.identity,
            taken=tuple(sorted(self._reused)),
            unchanged=tuple(sorted(equal.difference(self._reused))),
            changed=tuple(sorted(set(both) - equal)),
            added=tuple(sorted(now.keys() - before.keys())),
            removed=tuple(sorted(before.keys() - now.keys())),
        )

    def manifest_check(self, statement: Statement) -> ManifestCheck | None:
        """Return what became of the manifest."""
        if self._wanted.manifest is None:
            return None
        signed = statement.paths
        return ManifestCheck(
            manifest=self._wanted.manifest,
            compared=tuple(sorted((signed & self._stated.keys()) - self._believed.keys())),
            taken=tuple(sorted(self._believed)),
            unstated=tuple(sorted(signed - self._stated.keys())),
        )

    def remember(self, signature: Digest, inventory: Inventory) -> int | None:
        """
        Note the stamps of the files that *signature* covers; return how many.

        Not of files whose digests were believed: nobody knows that they belong together.

        Raises:
            OperationError: They cannot be noted.
        """
        if not self._wanted.remember:
            return None
        stamps = {
            entry.path: entry.stamp
            for entry in inventory.model_entries
            if entry.digests and entry.path not in self._believed
        }
        try:
            return RememberedStamps().keep(signature, stamps, begun_ns=self._begun_ns)
        except (OSError, NotPrivateError) as error:
            raise OperationError(
                f"the model is signed, but its files cannot be remembered: {error}",
                code=Code.STORE_UNUSABLE,
            ) from error

    def _take_reused(self) -> dict[str, FileDigest]:
        old = self._old
        if old is None or not self._wanted.trust_stamps or old.statement.layout != self._layout:
            return {}
        remembered = RememberedStamps().find(old.file.sha256)
        digests = _digests_of(old.statement)
        # A manifest compares by SHA-256 of whole files: where the signature has no such digest,
        # what it states has to be read.
        compared = self._stated if self._layout != HashLayout() else {}
        return {
            path: _file_digest(digests[path], stamp, self._layout)
            for path, stamp in self._stamps.items()
            if path in digests and path not in compared and remembered.get(path) == stamp
        }

    def _take_believed(self) -> dict[str, FileDigest]:
        if not self._wanted.sample:
            return {}
        stated = [
            path
            for path in sorted(self._stated)
            if path in self._stamps and path not in self._reused
        ]
        size = max(MIN_MANIFEST_SAMPLE, -(-len(stated) // MANIFEST_SAMPLE_SHARE))
        # The system's randomness: whoever prepared the files must not foresee the choice.
        read = set(random.SystemRandom().sample(stated, min(size, len(stated))))
        return {
            path: FileDigest(
                self._layout,
                (DigestPart(0, self._stamps[path].size, self._stated[path].sha256.value),),
            )
            for path in stated
            if path not in read
        }

    def _compare(self, inventory: Inventory) -> None:
        entries = {entry.path: entry for entry in inventory.entries}
        problems = []
        for path, stated in sorted(self._stated.items()):
            problem = _difference(entries.get(path), stated)
            if problem is not None:
                problems.append(Problem(code=Code.MANIFEST_MISMATCH, path=path, message=problem))
        if problems:
            raise ManifestMismatchError(problems, where=inventory.name)


def _require_meaning(digests: PriorDigests, layout: HashLayout) -> None:
    """
    Refuse wishes that cannot be meant.

    Raises:
        UsageError: They contradict each other, or lack something.
    """
    if digests.reuse is not None and not digests.signers:
        raise UsageError(
            "an earlier signature says nothing before it is verified",
            code=Code.IDENTITY_REQUIRED,
            where=os.fspath(digests.reuse),
            expected="whose signature it has to be",
            hint="Give --reuse-public-key, or --reuse-trust with a policy",
        )
    if digests.reuse is None and (digests.signers or digests.trust_stamps):
        raise UsageError("there is no earlier signature", expected="--reuse OLD.sig")
    if digests.sample and digests.manifest is None:
        raise UsageError("there is no manifest to check on a sample", expected="--manifest FILE")
    if digests.sample and layout != HashLayout():
        raise UsageError(
            "a manifest has the SHA-256 of whole files only, so that none of it can be signed",
            expected="--hash sha256 without shards, or --manifest-check full",
        )


def _verified(digests: PriorDigests) -> VerifiedStatement | None:
    if digests.reuse is None:
        return None
    file: SignatureFile = read_signature(digests.reuse)
    errors: list[SignatureRejectedError] = []
    for signer in digests.signers:
        try:
            return verify_statement(file, signer, at=datetime.now(UTC), allow_legacy=False)
        except SignatureRejectedError as error:
            errors.append(error)
    raise errors[0]


def _read_stated(
    handle: LocalHandle, place: Path | None, ignored: frozenset[str]
) -> Mapping[str, StatedDigest]:
    """Return what the manifest states of the files of this artifact, by path."""
    if place is None:
        return {}
    if place.is_dir():
        stated = checked(_read_directory(place), where=os.fspath(place))
    else:
        data = read_named(place, limit=MAX_MANIFEST_BYTES, what="manifest")
        pointer = parse_pointer(data, path=handle.name)
        stated = (pointer,) if pointer else parse_manifest(data, where=os.fspath(place))
    if handle.kind is ArtifactKind.FILE:
        mine = [item for item in stated if item.path == handle.name]
        if not mine:
            raise ManifestMismatchError(
                [
                    Problem(
                        code=Code.MANIFEST_MISMATCH,
                        path=SINGLE_FILE,
                        message="the manifest says nothing of a file of this name",
                    )
                ],
                where=handle.name,
            )
        return {SINGLE_FILE: mine[0]}
    return {item.path: item for item in stated if not is_under(item.path, ignored)}


def _read_directory(root: Path) -> Iterable[StatedDigest]:
    """Yield what the notes and pointers below *root* state."""
    count = 0
    for directory, names, files in os.walk(root):
        names.sort()
        for name in sorted(files):
            count += 1
            if count > MAX_FILES:
                raise UsageError("the manifest has too many files", expected=f"at most {MAX_FILES}")
            place = Path(directory, name)
            if not _is_small_file(place):
                continue
            data = read_if_present(place, limit=MAX_STATED_FILE_BYTES) or b""
            path = place.relative_to(root).as_posix()
            stated = parse_pointer(data, path=path)
            if stated is None and path.endswith(_DOWNLOAD_SUFFIX):
                stated = parse_download(data, path=path.removesuffix(_DOWNLOAD_SUFFIX))
            if stated is not None:
                yield stated


def _is_small_file(place: Path) -> bool:
    """Tell whether *place* is a regular file that may be a note or a pointer."""
    try:
        status = place.lstat()
    except OSError:
        return False
    return stat.S_ISREG(status.st_mode) and status.st_size <= MAX_STATED_FILE_BYTES


def _difference(entry: FileEntry | None, stated: StatedDigest) -> str | None:
    """Say in what *entry* differs from what is *stated*, if it does."""
    if entry is None:
        return "stated, and not there"
    if stated.size is not None and entry.size != stated.size:
        return f"expected {stated.size} bytes, found {entry.size}"
    found = entry.digest(HashLayout()).whole
    if found != stated.sha256:
        return f"expected {stated.sha256}, found {found}"
    return None


def _digests_of(statement: Statement) -> dict[str, Sequence[tuple[int, int | None, bytes]]]:
    """Return the parts of each file's digest, in their order."""
    digests: dict[str, list[tuple[int, int | None, bytes]]] = {}
    for resource in statement.resources:
        digests.setdefault(resource.path, []).append((resource.start, resource.end, resource.value))
    return {path: sorted(parts, key=lambda part: part[0]) for path, parts in digests.items()}


def _file_digest(
    parts: Sequence[tuple[int, int | None, bytes]], stamp: FileStamp, layout: HashLayout
) -> FileDigest:
    return FileDigest(
        layout,
        tuple(
            DigestPart(start, stamp.size if end is None else end, value)
            for start, end, value in parts
        ),
    )
