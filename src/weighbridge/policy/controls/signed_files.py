"""
The files of an artifact that is not at hand, as a signature among the claims lists them.

Platforms that know no models name what they built file by file. A parent's files are not here,
but its signature was carried along: it lists every file with its digest, and the digests of the
artifact were computed from that list. So the list is the artifact's, whoever signed it.
"""

from collections.abc import Iterable

from weighbridge.core.attestation import Attestation, Binding, SignedFiles


def listed_files(
    attestations: Iterable[Attestation], binding: Binding, /
) -> tuple[tuple[str, str], ...]:
    """
    Return path and SHA-256, as hex, of every file of the artifact *binding*; nothing if unknown.

    The one file of a single-file artifact goes by the artifact's name, which its names digest
    binds.
    """
    for attestation in attestations:
        content = attestation.content
        if not isinstance(content, SignedFiles) or len(content.digests) != len(content.paths):
            continue
        for artifact in attestation.artifacts:
            if artifact.binding == binding:
                names = (artifact.name if path == "." else path for path in content.paths)
                return tuple(zip(names, content.digests, strict=True))
    return ()
