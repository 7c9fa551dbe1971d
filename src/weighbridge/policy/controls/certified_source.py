"""
What a certificate says of the source, held against what the statement says.

The statement of a platform's build is made by the workflow that ran, the certificate by the
platform's identity provider together with the authority. A workflow that may sign for a builder
could name any source; what it was run on it cannot choose.

Source: Fulcio, `docs/oid-info.md`; slsa-verifier compares the same.
"""

from collections.abc import Iterator

from weighbridge.core.attestation import Build
from weighbridge.core.build_types import is_of_repository
from weighbridge.core.identity import SigstoreIdentity, VerifiedIdentity

REPOSITORY_CLAIM = "source-repository-uri"
REF_CLAIM = "source-repository-ref"
COMMIT_CLAIM = "source-repository-digest"


def certified_source_problem(signer: VerifiedIdentity, build: Build, /) -> str | None:
    """
    Tell in what the source of *build* is another one than its *signer*'s certificate says.

    None where both say the same, where one of them says nothing, and where the source of such a
    build need not be what the workflow was run on.
    """
    if not isinstance(signer, SigstoreIdentity) or not is_of_repository(build.build_type):
        return None
    return next(_differences(dict(signer.claims), build), None)


def _differences(claims: dict[str, str], build: Build) -> Iterator[str]:
    if build.source is None:
        return
    repository = claims.get(REPOSITORY_CLAIM)
    certified = (
        None if repository is None else f"git+{repository}",
        claims.get(REF_CLAIM),
        claims.get(COMMIT_CLAIM),
    )
    stated = (build.source.uri, build.source.ref, build.source.commit)
    for theirs, ours in zip(certified, stated, strict=True):
        if theirs is not None and ours is not None and theirs != ours:
            yield (
                f"the build names the source {build.source.label}, at {ours}; by the signer's "
                f"certificate it ran on {theirs}"
            )
