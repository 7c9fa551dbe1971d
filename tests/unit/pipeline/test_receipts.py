"""Receipts: what a verdict becomes as a statement."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from support.holding import make_verdict
from support.lineages import artifact_of, build_of
from support.policies import NOW, key_identity, sha256
from weighbridge.core.artifact import ArtifactDigests
from weighbridge.core.attestation import Summary
from weighbridge.core.errors import UsageError
from weighbridge.core.evidence import ProvenanceEvidence
from weighbridge.core.lineage import Lineage, LineageNode, LineageStep, Standing
from weighbridge.core.verdict import Decision, PolicyReference
from weighbridge.pipeline.receipts import (
    receipt_statement,
    reference_uri,
    require_place,
    summary_of,
    write_receipt,
)
from weighbridge.provenance.reading import read_claim

VERDICT = make_verdict("model.safetensors", name="bert")


def built(level: int, claim: int) -> ProvenanceEvidence:
    """Return a build that reaches a level."""
    return ProvenanceEvidence(
        signer=key_identity(),
        builder_id="https://ci.example",
        predicate_type="https://slsa.dev/provenance/v1",
        subjects=(),
        level=level,
        claim=sha256(claim).hex,
    )


def test_is_read_as_it_was_written() -> None:
    """The statement is about the artifact by both digests, and says what the verdict says."""
    verdict = replace(VERDICT, provenance=(built(2, 1), built(1, 2)), boundary="upload")
    statement = receipt_statement(verdict, reference="models/bert", at=NOW)
    assert statement is not None
    claim = read_claim(statement, where="r")
    (artifact,) = claim.artifacts
    assert verdict.artifact is not None
    assert (artifact.name, artifact.binding) == ("bert", verdict.artifact.binding)
    summary = claim.content
    assert isinstance(summary, Summary)
    assert summary == summary_of(verdict, reference="models/bert", at=NOW)
    assert (summary.passed, summary.levels) == (True, ("SLSA_BUILD_LEVEL_2",))
    assert (summary.verified, summary.boundary) == (NOW, "upload")
    assert summary.policy_sha256 == verdict.policy.sha256
    digests = {each.digest("sha256") for each in summary.inputs}
    assert {sha256(1).hex, sha256(2).hex} < digests
    assert {signer.signature_sha256.hex for signer in verdict.signers} < digests


@pytest.mark.parametrize("decision", [Decision.DENY, Decision.INDETERMINATE])
def test_only_allow_passes(decision: Decision) -> None:
    """Any other decision is a receipt that did not pass, and claims no level."""
    verdict = replace(VERDICT, decision=decision, provenance=(built(3, 1),))
    summary = summary_of(verdict, reference="bert", at=NOW)
    assert (summary.passed, summary.levels) == (False, ("FAILED",))


def test_no_provenance() -> None:
    """Where no build was asked for, no level is claimed."""
    assert summary_of(VERDICT, reference="bert", at=NOW).levels == ("SLSA_BUILD_LEVEL_UNEVALUATED",)


def test_root_digest_of_a_signer() -> None:
    """The receipt names the root digest in the order of the specification, as claims do."""
    digests = ArtifactDigests(name="bert", oms=sha256(1), names=sha256(2), ordered=sha256(3))
    statement = receipt_statement(replace(VERDICT, artifact=digests), reference="b", at=NOW)
    assert statement is not None
    claim = read_claim(statement, where="r")
    assert claim.artifacts[0].binding.root == sha256(3)


@pytest.mark.parametrize(
    "digests", [None, ArtifactDigests(name="bert", oms=sha256(1), names=None)], ids=["none", "one"]
)
def test_nothing_to_name(digests: ArtifactDigests | None, tmp_path: Path) -> None:
    """A verdict without both digests makes no receipt, and leaves what is there."""
    verdict = replace(VERDICT, artifact=digests, decision=Decision.DENY)
    assert receipt_statement(verdict, reference="bert", at=NOW) is None
    place = tmp_path / "r"
    place.write_text("before")
    assert write_receipt(verdict, place, reference="bert", at=NOW, signer=None) is None
    assert place.read_text() == "before"


def test_a_name_that_is_no_text() -> None:
    """A file system has names that no document can have: their bytes are escaped."""
    assert VERDICT.artifact is not None
    verdict = replace(VERDICT, artifact=replace(VERDICT.artifact, name="b\udcff"))
    statement = receipt_statement(verdict, reference="b\udcff", at=NOW)
    assert statement is not None
    (artifact,) = read_claim(statement, where="r").artifacts
    assert artifact.name == "b\\xff"


@pytest.mark.parametrize(
    ("reference", "uri"),
    [
        ("models/bert", "models/bert"),
        ("hf://acme/bert@1#x", "hf://acme/bert@1#x"),
        ("a b/ü?#%", "a%20b/%C3%BC%3F%23%25"),
        ("a\udcff", "a%FF"),
    ],
)
def test_reference(reference: str, uri: str) -> None:
    """A path is a relative reference, with what means something in a URI escaped."""
    assert reference_uri(reference) == uri


def test_policy_in_memory() -> None:
    """A policy without a file is named by a URN, and its digest all the same."""
    policy = PolicyReference(path=None, sha256=sha256(5).hex, rule=None)
    summary = summary_of(replace(VERDICT, policy=policy), reference="bert", at=NOW)
    assert (summary.policy_uri, summary.policy_sha256) == (
        "urn:weighbridge:policy:in-memory",
        sha256(5).hex,
    )


class Stamp:
    """A signer that only shows what it was given."""

    def sign(self, statement: bytes, /) -> bytes:
        """Return the statement within a bundle of its own."""
        return b'{"signed":' + statement + b"}"


def test_written(tmp_path: Path) -> None:
    """What is written is one line; a signed one is the signer's bundle."""
    at = datetime(2031, 1, 1, tzinfo=UTC)
    bare = write_receipt(VERDICT, tmp_path / "r", reference="bert", at=at, signer=None)
    assert bare is not None
    assert (bare.signed, bare.passed) == (False, True)
    text = (tmp_path / "r").read_text()
    assert text.count("\n") == 1
    statement: dict[str, Any] = json.loads(text)
    assert statement["predicate"]["timeVerified"] == "2031-01-01T00:00:00Z"
    stamp: Any = Stamp()
    made = write_receipt(VERDICT, tmp_path / "r", reference="bert", at=at, signer=stamp)
    assert made is not None
    assert (made.signed, made.path) == (True, tmp_path / "r")
    assert json.loads((tmp_path / "r").read_text()) == {"signed": statement}


@pytest.mark.parametrize(
    "place",
    [
        "model",
        "model/model.safetensors",
        "model/new",
        "model/sub/new",
        "link/r",
        "policy.toml",
        "p",
    ],
)
def test_a_receipt_takes_nothing_away(tmp_path: Path, place: str) -> None:
    """A receipt is not written over the model or the policy, nor into the model."""
    (tmp_path / "model").mkdir()
    (tmp_path / "policy.toml").touch()
    (tmp_path / "link").symlink_to("model")
    (tmp_path / "p").symlink_to("policy.toml")
    reference, policy = str(tmp_path / "model"), tmp_path / "policy.toml"
    with pytest.raises(UsageError, match="model or the policy"):
        require_place(tmp_path / place, reference=reference, policy=policy)
    require_place(tmp_path / "model.receipt", reference=reference, policy=policy)


def test_what_a_verdict_does_not_rest_on_is_not_among_its_inputs() -> None:
    """A claim whose step of the lineage does not hold is not named."""
    artifact = artifact_of("bert")
    steps = tuple(
        LineageStep(
            place="model.claims.jsonl:1",
            sha256=sha256(number).hex,
            build=build_of(artifact),
            inputs=(0,),
            standing=standing,
        )
        for number, standing in ((7, Standing.HOLDS), (8, Standing.BROKEN))
    )
    node = LineageNode(artifact=artifact, generation=0, steps=steps, standing=Standing.HOLDS)
    verdict = replace(VERDICT, lineage=Lineage(nodes=(node,)))
    found = {r.digest("sha256") for r in summary_of(verdict, reference="bert", at=NOW).inputs}
    assert sha256(7).hex in found
    assert sha256(8).hex not in found
