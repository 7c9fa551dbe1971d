"""What a certificate says of the source, against what the statement says."""

from dataclasses import replace

import pytest

from support.lineages import build_of
from support.policies import key_identity, sigstore_identity
from weighbridge.core.attestation import Source
from weighbridge.core.build_types import COMMAND_BUILD_TYPE, GENERATOR_V02, GITHUB_WORKFLOW
from weighbridge.policy.controls.certified_source import certified_source_problem

COMMIT = "9f2c" * 10
REF = "refs/tags/v1"
SOURCE = Source(uri="git+https://github.com/acme/train", ref=REF, commit=COMMIT)
CLAIMS = (
    ("source-repository-digest", COMMIT),
    ("source-repository-ref", REF),
    ("source-repository-uri", "https://github.com/acme/train"),
)
SIGNER = replace(sigstore_identity(), claims=CLAIMS)
GITLAB = "https://gitlab.com/gitlab-org/gitlab-runner/-/blob/v17.1.0/PROVENANCE.md"


@pytest.mark.parametrize("build_type", [GITHUB_WORKFLOW, *sorted(GENERATOR_V02), GITLAB])
@pytest.mark.parametrize(
    ("source", "named"),
    [
        (SOURCE, None),
        (replace(SOURCE, uri="git+https://github.com/evil/train"), "https://github.com/evil/train"),
        (replace(SOURCE, ref="refs/heads/main"), "refs/heads/main"),
        (replace(SOURCE, commit="ab" * 20), "ab" * 20),
        (replace(SOURCE, ref=None), None),
        (replace(SOURCE, commit=None), None),
        (None, None),
    ],
)
def test_a_source_that_the_certificate_contradicts_is_named(
    build_type: str, source: Source | None, named: str | None
) -> None:
    """Repository, ref and commit of a workflow's build are those that it was run on."""
    build = replace(build_of(), build_type=build_type, source=source)
    problem = certified_source_problem(SIGNER, build)
    assert (problem is None) == (named is None)
    assert named is None or (problem is not None and named in problem)


@pytest.mark.parametrize("missing", range(len(CLAIMS)))
def test_what_the_certificate_does_not_say_contradicts_nothing(missing: int) -> None:
    """Not every provider says everything."""
    signer = replace(SIGNER, claims=CLAIMS[:missing] + CLAIMS[missing + 1 :])
    build = replace(build_of(), build_type=GITHUB_WORKFLOW, source=SOURCE)
    assert certified_source_problem(signer, build) is None


def test_only_a_platforms_build_has_the_source_that_it_was_run_on() -> None:
    """A step of ours may be run by one repository's workflow on another one's checkout."""
    other = replace(SOURCE, uri="git+https://github.com/acme/models")
    ours = replace(build_of(), build_type=COMMAND_BUILD_TYPE, source=other)
    assert certified_source_problem(SIGNER, ours) is None
    theirs = replace(ours, build_type=GITHUB_WORKFLOW)
    assert certified_source_problem(SIGNER, theirs) is not None
    assert certified_source_problem(key_identity(), theirs) is None
