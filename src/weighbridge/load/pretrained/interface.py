"""What such a library is given to load."""

from hashlib import sha256

from weighbridge.core.attestation import Binding
from weighbridge.core.digest import Digest, HashAlgorithm
from weighbridge.core.values import frozen
from weighbridge.load.held import HeldFiles
from weighbridge.load.store import Store


@frozen
class Pretrained:
    """
    The admitted files of one artifact.

    Attributes:
        files: The bytes.
        name: The artifact's base name.
        code: Paths of source files that the policy's rule pins by their digests.
        store: Where the directory of them is shown.
        binding: The digests by which claims name the artifact; None where they are not known.
        parents: What it was made from, by a lineage that holds; None where the policy's rule asks
            for none.
    """

    files: HeldFiles
    name: str
    code: frozenset[str]
    store: Store
    binding: Binding | None = None
    parents: frozenset[Binding] | None = None


def pinned_files(files: HeldFiles, pinned: frozenset[Digest]) -> frozenset[str]:
    """Return the paths of the source files among *files* whose SHA-256 digest is in *pinned*."""
    if not pinned:
        return frozenset()
    return frozenset(
        path
        for path in files.paths
        if path.endswith(".py")
        and Digest(HashAlgorithm.SHA256, sha256(files[path].read()).digest()) in pinned
    )
