"""Verification summaries: verdicts on the wire."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from support.statements import WHERE, artifact, read, refused, summary, verification
from weighbridge.core.attestation import Resource, Summary
from weighbridge.core.errors import UsageError
from weighbridge.provenance.reading import read_claim
from weighbridge.provenance.summary import SUMMARY_V1, render_summary

SHA256 = "ab" * 32


def test_a_verdict_of_somebody_else_is_read() -> None:
    """Who verified what by which policy, when, with what result."""
    claim = read(verification())
    assert claim.content == Summary(
        verifier_id="https://verify.example.org",
        verifier_versions=(("checker", "2.1"),),
        verified=datetime(2026, 1, 31, 12, 0, 0, 250_000, tzinfo=UTC),
        resource_uri="https://example.org/bert",
        policy_uri="https://example.org/policy",
        policy_sha256=SHA256,
        passed=True,
        levels=("SLSA_BUILD_LEVEL_3",),
        inputs=(Resource(digests=(("sha256", "cd" * 32),)),),
    )
    assert claim.predicate_type == SUMMARY_V1
    assert [file.name for file in claim.files] == ["model.safetensors", "config.json"]


def test_what_is_optional_may_be_missing() -> None:
    """Time, levels, inputs and versions; a policy without a digest is named by its URI only."""
    changed = verification(
        verifier={"id": "x"},
        policy={"uri": "y", "digest": {"sha512": "00"}},
        timeVerified=None,
        inputAttestations=None,
        verifiedLevels=None,
    )
    found = read(changed).content
    assert isinstance(found, Summary)
    assert (found.verifier_versions, found.verified, found.policy_sha256) == ((), None, None)
    assert (found.inputs, found.levels, found.boundary) == ((), (), None)


def test_a_verdict_that_failed_is_one() -> None:
    """FAILED is read as such; whether it helps is the policy's question."""
    found = read(verification(verificationResult="FAILED", verifiedLevels=["FAILED"])).content
    assert isinstance(found, Summary)
    assert not found.passed


@pytest.mark.parametrize(
    "change",
    [
        {"verificationResult": "passed"},
        {"verificationResult": True},
        {"verificationResult": None},
        {"verifier": None},
        {"verifier": {}},
        {"verifier": {"id": "x", "version": {"a": 1}}},
        {"verifier": {"id": "x", "version": []}},
        {"resourceUri": ""},
        {"policy": None},
        {"policy": {"digest": {"sha256": SHA256}}},
        {"timeVerified": "today"},
        {"verifiedLevels": "SLSA_BUILD_LEVEL_3"},
        {"verifiedLevels": [3]},
        {"inputAttestations": [{}]},
        {"urn:weighbridge:boundary": 1},
    ],
)
def test_a_broken_verdict_is_refused(change: Any) -> None:
    """What the format requires has to be there, and PASSED has one spelling."""
    with refused():
        read(verification(**change))


@pytest.mark.parametrize(
    "written",
    [
        summary(),
        summary(
            verifier_versions=(("weighbridge", "0.1.0"),),
            verified=datetime(2026, 1, 31, 12, tzinfo=UTC),
            policy_sha256=SHA256,
            passed=False,
            levels=("FAILED",),
            inputs=(Resource(uri="file:model.sig", digests=(("sha256", SHA256),)),),
            boundary="deploy",
        ),
    ],
)
def test_a_verdict_that_is_written_is_read_as_the_same(written: Summary) -> None:
    """Nothing is lost or added on the way."""
    model = artifact("acme/bert")
    claim = read_claim(render_summary(written, artifacts=[model]), where=WHERE)
    assert claim.content == written
    assert (claim.artifacts, claim.files) == ((model,), ())


@pytest.mark.parametrize(
    "written",
    [
        summary(verifier_id=""),
        summary(policy_sha256=""),
        summary(boundary=""),
        summary(verifier_versions=(("b", "1"), ("a", "1"))),
        summary(verified=datetime(2026, 1, 31, 12)),  # noqa: DTZ001  that it has no zone is the point
        summary(inputs=(Resource(name="x"),)),
        summary(inputs=(Resource(uri="x", annotations=(("a", "nonsense"),)),)),
    ],
)
def test_a_verdict_that_would_be_read_differently_is_not_written(written: Summary) -> None:
    """Nobody signs a statement of which a reader thinks something else."""
    with pytest.raises(UsageError):
        render_summary(written, artifacts=[artifact("acme/bert")])


def test_a_receipt_of_ours_looks_as_it_is_documented() -> None:
    """The wire format of a receipt, whole."""
    receipt = summary(
        verifier_versions=(("weighbridge", "0.1.0"),),
        verified=datetime(2026, 1, 31, 12, tzinfo=UTC),
        policy_sha256=SHA256,
        levels=("SLSA_BUILD_LEVEL_2",),
        inputs=(Resource(uri="file:model.sig", digests=(("sha256", SHA256),)),),
        boundary="deploy",
    )
    written = json.loads(render_summary(receipt, artifacts=[artifact("acme/bert")]))
    assert written["predicateType"] == "https://slsa.dev/verification_summary/v1"
    assert written["predicate"] == {
        "verifier": {"id": "urn:weighbridge:verifier", "version": {"weighbridge": "0.1.0"}},
        "timeVerified": "2026-01-31T12:00:00Z",
        "resourceUri": "acme/bert",
        "policy": {"uri": "weighbridge.toml", "digest": {"sha256": SHA256}},
        "inputAttestations": [{"uri": "file:model.sig", "digest": {"sha256": SHA256}}],
        "verificationResult": "PASSED",
        "verifiedLevels": ["SLSA_BUILD_LEVEL_2"],
        "slsaVersion": "1.2",
        "urn:weighbridge:boundary": "deploy",
    }
