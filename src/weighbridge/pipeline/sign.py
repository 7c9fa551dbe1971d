"""
Sign: inventory -> statement -> signature -> file.

What makes statements and signatures is imported while the files are being read.
"""

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from weighbridge.core.artifact import (
    CLAIMS_NAME,
    SIGNATURE_NAME,
    ArtifactKind,
    is_signature_name,
)
from weighbridge.core.codes import Code
from weighbridge.core.digest import Digest, HashLayout
from weighbridge.core.errors import OperationError, UsageError
from weighbridge.core.identity import SigningMethod
from weighbridge.core.limits.signing import MAX_BUNDLE_BYTES
from weighbridge.core.values import frozen
from weighbridge.inventory.names import is_under
from weighbridge.inventory.progress import Progress
from weighbridge.inventory.take import InventoryPlan, SniffRule, take_inventory
from weighbridge.pipeline.accounting import require_complete, require_files
from weighbridge.pipeline.selection import FileSelection, git_paths, inside, signature_places
from weighbridge.sources.interface import LocalHandle
from weighbridge.sources.local import locate
from weighbridge.sources.reading import read_if_present

if TYPE_CHECKING:
    from weighbridge.pipeline.earlier import Reuse
    from weighbridge.pipeline.manifests import ManifestCheck
    from weighbridge.pipeline.prior import Prior, PriorDigests
    from weighbridge.signing.interface import Signer


@frozen
class SignResult:
    """
    What was signed.

    Attributes:
        path: The signature file.
        method: How it was made.
        files: How many files it covers.
        root: The OMS root digest.
        left_out: Paths that the signature leaves out because the caller said so.
        reuse: What became of an earlier signature; None without one.
        manifest: What became of a manifest; None without one.
        remembered: How many files are remembered for a later signature; None if not asked for.
    """

    path: Path
    method: SigningMethod
    files: int
    root: Digest
    left_out: tuple[str, ...]
    reuse: "Reuse | None" = None
    manifest: "ManifestCheck | None" = None
    remembered: int | None = None


def sign(
    reference: str | Path,
    *,
    signer: "Signer | Callable[[], Signer]",
    signature: str | Path | None = None,
    selection: FileSelection | None = None,
    layout: HashLayout | None = None,
    reserve: Sequence[str] = (),
    prior: "PriorDigests | None" = None,
    progress: Progress | None = None,
) -> SignResult:
    """
    Sign every file of the artifact and write the signature.

    The signature is written whole or not at all, and replaces an earlier one of the same name.
    Other signatures of the artifact, `model.WORD.sig`, are no part of what is signed and stay
    valid.

    Args:
        reference: A model directory or file.
        signer: Holds the private key; or makes such a signer when the reading of the files has
            begun. What it raises is raised here, and nothing is written.
        signature: Where to; the default is `model.sig` in the directory, `FILE.sig` beside
            a file.
        selection: Which files to leave out.
        layout: How to digest the files; the default is SHA-256 of each file.
        reserve: Words of signatures that will be added later, `model.WORD.sig`: other clients
            accept these then.
        prior: What to make of digests that exist already; by default every file is read.
        progress: Is told how far the reading is.

    Raises:
        UsageError: The reference or the selection cannot be meant.
        NothingToCheckError: There is no file to sign.
        ArtifactRefusedError: Something in it cannot be covered by a signature.
        IndeterminateError: It changed while it was read, or exceeds a bound.
        OperationError: Reading or writing failed.
    """
    handle = locate(reference)
    selection = selection or FileSelection()
    layout = layout or HashLayout()
    place = Path(signature) if signature is not None else handle.default_signature
    _require_replaceable(place)
    others = _others(handle, place)
    ignored = selection.ignored(handle)
    if selection.ignore_git_paths:
        ignored |= git_paths(handle)
    known = _known(handle, prior, layout, ignored, selection) if prior else None
    made: list[Signer] = []

    def meanwhile() -> None:
        from weighbridge.pipeline import seal  # noqa: F401, PLC0415  imported here to be there later

        made.append(signer() if callable(signer) else signer)

    inventory = take_inventory(
        handle,
        InventoryPlan(
            layouts=known.layouts if known else (layout,),
            sniff=SniffRule.UNDIGESTED,
            symlinks=selection.symlinks,
            signature=inside(handle, place),
            signatures=others,
            undigested=ignored | (known.paths if known else frozenset()),
        ),
        progress=progress,
        meanwhile=meanwhile,
    )
    open_gaps = (gap for gap in inventory.gaps if not is_under(gap.path or ".", ignored))
    require_complete(open_gaps, name=inventory.name)
    require_files(handle, inventory)
    if known:
        inventory = known.complete(inventory)
    from weighbridge.pipeline.seal import seal  # noqa: PLC0415  see `meanwhile`

    statement, sealed = seal(
        inventory,
        layout,
        signer=made[0],
        ignored=ignored | _metadata(handle, place, others | _reserved(handle, reserve)),
        allow_symlinks=selection.allow_symlinks,
        place=place,
    )
    return SignResult(
        path=place,
        method=made[0].method,
        files=len({resource.path for resource in statement.resources}),
        root=statement.root,
        left_out=tuple(e.path for e in inventory.model_entries if not e.digests),
        reuse=known.reuse(statement) if known else None,
        manifest=known.manifest_check(statement) if known else None,
        remembered=known.remember(sealed, inventory) if known else None,
    )


def _known(
    handle: LocalHandle,
    prior: "PriorDigests",
    layout: HashLayout,
    ignored: frozenset[str],
    selection: FileSelection,
) -> "Prior":
    """Return the digests that are known before the files are read."""
    from weighbridge.pipeline.prior import Prior  # noqa: PLC0415  seldom needed

    return Prior(handle, prior, layout=layout, ignored=ignored, symlinks=selection.symlinks)


def _require_replaceable(place: Path) -> None:
    """
    Refuse to write a signature over a file that is none.

    Raises:
        OperationError: Something else is there; nothing is lost to a slip of the hand.
    """
    if place.suffix == ".sig":
        return
    data = read_if_present(place, limit=MAX_BUNDLE_BYTES)
    if not data:
        return
    from weighbridge.pipeline.seal import is_signature  # noqa: PLC0415  seldom needed

    if not is_signature(data):
        raise OperationError(
            "there is a file that is no signature",
            code=Code.OUTPUT_EXISTS,
            where=str(place),
            hint="Remove it, or give another name",
        )


def _others(handle: LocalHandle, place: Path) -> frozenset[str]:
    """Return the paths of the other signatures that lie in the model."""
    if handle.kind is ArtifactKind.FILE:
        return frozenset()
    own = os.path.realpath(place)
    if all(os.path.realpath(other) == own for other in signature_places(handle)):
        return frozenset()
    from weighbridge.pipeline.signatures import find_signatures  # noqa: PLC0415  seldom needed

    return find_signatures(handle).inside(handle)


def _reserved(handle: LocalHandle, words: Sequence[str]) -> frozenset[str]:
    """
    Return the names of signatures that will be added.

    Raises:
        UsageError: A word cannot be in such a name.
    """
    names = [f"{SIGNATURE_NAME.removesuffix('.sig')}.{word}.sig" for word in words]
    for word, name in zip(words, names, strict=True):
        if not is_signature_name(name):
            raise UsageError(
                "this is no word for the name of a signature",
                where=word,
                expected="up to 64 letters, digits, _ and -, such as 'security' for "
                "model.security.sig",
            )
    return frozenset() if handle.kind is ArtifactKind.FILE else frozenset(names)


def _metadata(handle: LocalHandle, signature: Path, others: frozenset[str]) -> frozenset[str]:
    """
    Return the files that are about the model, which no signature of it covers.

    Claims and other signatures are added after signing, so every signature has to say that it
    leaves them out: then today's other verifiers still accept the model.
    """
    if handle.kind is ArtifactKind.FILE:
        return frozenset()
    path = inside(handle, signature)
    return others | {SIGNATURE_NAME, CLAIMS_NAME} | ({path} if path else frozenset())
