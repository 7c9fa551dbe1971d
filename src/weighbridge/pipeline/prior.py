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
import time
from dataclasses import replace
from pathlib import Path

from weighbridge.core.artifact import Inventory
from weighbridge.core.codes import Code
from weighbridge.core.digest import Digest, DigestPart, FileDigest, HashLayout
from weighbridge.core.errors import ArtifactChangedError, OperationError, UsageError
from weighbridge.core.values import frozen
from weighbridge.inventory.names import is_under
from weighbridge.inventory.walk import SymlinkRule, walk
from weighbridge.pipeline.earlier import Reuse, changes_since, unchanged_digests, verify_earlier
from weighbridge.pipeline.manifests import (
    ManifestCheck,
    left_unread,
    read_stated,
    require_stated,
)
from weighbridge.pipeline.stamps import RememberedStamps
from weighbridge.signing.interface import Verifier
from weighbridge.signing.statement import Statement
from weighbridge.sources.interface import LocalHandle
from weighbridge.sources.private import NotPrivateError


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
        self._layout = layout
        self._wanted = digests
        self._begun_ns = time.time_ns()
        self._old = verify_earlier(digests.reuse, digests.signers)
        self._stated = read_stated(handle, digests.manifest, ignored=ignored)
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
        require_stated(completed, self._stated)
        return completed

    def reuse(self, statement: Statement) -> Reuse | None:
        """Return what became of the earlier signature; *statement* is the new one's."""
        if self._old is None:
            return None
        return changes_since(self._old, statement, taken=self._reused.keys())

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
        if self._old is None or not self._wanted.trust_stamps:
            return {}
        # A manifest compares by SHA-256 of whole files: where the signature has no such digest,
        # what it states has to be read.
        compared = frozenset(self._stated) if self._layout != HashLayout() else frozenset()
        wanted = {p: stamp for p, stamp in self._stamps.items() if p not in compared}
        return unchanged_digests(self._old, wanted, layout=self._layout)

    def _take_believed(self) -> dict[str, FileDigest]:
        if not self._wanted.sample:
            return {}
        there = self._stamps.keys() - self._reused.keys()
        return {
            path: FileDigest(
                self._layout,
                (DigestPart(0, self._stamps[path].size, self._stated[path].sha256.value),),
            )
            for path in left_unread(self._stated.keys() & there)
        }


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
