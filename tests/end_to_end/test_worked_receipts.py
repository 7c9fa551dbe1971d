"""
Receipts in the worked pipeline: a gate looked at the tuned model, and its verdict cuts the walk.

The signature of the base is gone here. What is behind the tuned model is known by the gate's verdict
only, so that each thing exchanged in that is denied.
"""

import hashlib
import json
import shutil
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

import weighbridge as wb
from support.worked_pipeline import (
    GATE_POLICY,
    Claims,
    Statement,
    Workshop,
    claim_line,
    make_workshop,
    statement_of,
)
from weighbridge.core.lineage import Standing
from weighbridge.core.verdict import Decision, Verdict
from weighbridge.pipeline.check import check
from weighbridge.pipeline.claims.writing import append_claim
from weighbridge.policy.schema import Policy
from weighbridge.sources.local import locate

SERVED = "models/served"
BROKEN = "served <- acme/converted <- acme/tuned <- hub/publisher/base (sha256:"
GATE_RULE = """
[trust.gate]
method     = "key"
public-key = "keys/gate.pub"

[trust.release]
method     = "key"
public-key = "keys/release.pub"

[[rule]]
match     = ["models/*"]
boundary  = ["deploy"]
formats   = { allow = ["torch-zip", "json"] }
signature = { any-of = ["release"] }
receipt   = { from = "gate", max-age = "30d", policy = "sha256:GATE", boundary = "upload"%s }
"""


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Workshop:
    """Run the pipeline with a gate after the training, and take the base's signature away."""
    workshop = make_workshop(tmp_path_factory.mktemp("workshop") / "w")
    workshop.train()
    receipt = workshop.receipt("models/tuned", "tuned.receipt")
    append_claim(locate(workshop.path("models/tuned")), receipt.read_bytes())
    workshop.convert()
    workshop.quantize()
    workshop.sign(SERVED, "release")
    claims = Claims(workshop.path(SERVED))
    del claims.lines[claims.find("base")]
    claims.save()
    return workshop


@pytest.fixture
def workshop(finished: Workshop, tmp_path: Path) -> Workshop:
    """Return a copy, to change something in."""
    return Workshop(Path(shutil.copytree(finished.root, tmp_path / "w", symlinks=True)))


def verdict_of(workshop: Workshop, name: str = SERVED, policy: str = "weighbridge.toml") -> Verdict:
    """Return what a policy says of a model at the boundary `deploy`."""
    read = Policy.from_file(workshop.path(policy))
    return check(workshop.path(name), policy=read, boundary="deploy")


def receipt_line(claims: Claims) -> int:
    """Return the number of the receipt among the claims."""
    (number,) = [
        number
        for number, line in enumerate(claims.lines)
        if "verification_summary" in statement_of(line)["predicateType"]
    ]
    return number


def test_receipt_of_a_gate(finished: Workshop) -> None:
    """What the gate writes names the policy, the model, the boundary, the result and itself."""
    statement = statement_of(finished.path("tuned.receipt").read_bytes())
    predicate = statement["predicate"]
    assert predicate["verificationResult"] == "PASSED"
    assert predicate["verifiedLevels"] == ["SLSA_BUILD_LEVEL_UNEVALUATED"]
    assert predicate["policy"] == {
        "uri": "gate.toml",
        "digest": {"sha256": hashlib.sha256(GATE_POLICY.encode()).hexdigest()},
    }
    assert predicate["resourceUri"] == "models/tuned"
    assert predicate["urn:weighbridge:boundary"] == "upload"
    assert predicate["verifier"]["id"] == "urn:weighbridge:verifier"
    assert [each["name"] for each in statement["subject"]] == ["tuned", "tuned#manifest"]


def test_receipt_cuts_the_walk(finished: Workshop) -> None:
    """The gate's verdict about the tuned model stands for what it was made from."""
    verdict = verdict_of(finished)
    assert verdict.decision is Decision.ALLOW
    assert verdict.lineage is not None
    assert [node.artifact.name for node in verdict.lineage.nodes] == [
        "served",
        "acme/converted",
        "acme/tuned",
    ]
    last = verdict.lineage.nodes[-1]
    assert last.receipt is not None
    assert last.standing is Standing.HOLDS


def predicate_with(**members: Any) -> Callable[[Statement], None]:
    """Return an edit of a receipt's predicate."""
    return lambda statement: statement["predicate"].update(members)


def ago(**time: int) -> str:
    """Return the time so long ago, as statements have it."""
    return (datetime.now(UTC) - timedelta(**time)).strftime("%Y-%m-%dT%H:%M:%SZ")


def other_subject(place: int) -> Callable[[Statement], None]:
    """Return an edit that gives one of the subjects another digest."""

    def edit(statement: Statement) -> None:
        statement["subject"][place]["digest"] = {"sha256": "9" * 64}

    return edit


EDITS: dict[str, tuple[Callable[[Statement], None], str]] = {
    "signed by a stranger": (lambda _: None, "stranger"),
    "signed by the release team": (lambda _: None, "release"),
    "signed by the platform": (lambda _: None, "train-platform"),
    "a failed verdict": (predicate_with(verificationResult="FAILED"), "gate"),
    "another policy": (
        predicate_with(policy={"uri": "gate.toml", "digest": {"sha256": "1" * 64}}),
        "gate",
    ),
    "a policy without a digest": (predicate_with(policy={"uri": "gate.toml"}), "gate"),
    "too old": (predicate_with(timeVerified=ago(days=31)), "gate"),
    "of the future": (predicate_with(timeVerified=ago(days=-1)), "gate"),
    "of no time": (lambda statement: statement["predicate"].pop("timeVerified"), "gate"),
    "another verifier": (predicate_with(verifier={"id": "https://verifier.example"}), "gate"),
    "another boundary": (predicate_with(**{"urn:weighbridge:boundary": "download"}), "gate"),
    "about another name": (predicate_with(resourceUri="models/experiment"), "gate"),
    "another root digest": (other_subject(0), "gate"),
    "another names digest": (other_subject(1), "gate"),
    "one digest": (lambda statement: statement["subject"].pop(), "gate"),
    "another kind of statement": (
        lambda statement: statement.update(predicateType="https://slsa.dev/vsa/v0"),
        "gate",
    ),
}


@pytest.mark.parametrize("name", EDITS)
def test_another_receipt(name: str, workshop: Workshop) -> None:
    """A receipt that differs in anything is none, and the walk goes on to what is missing."""
    edit, key = EDITS[name]
    claims = Claims(workshop.path(SERVED))
    number = receipt_line(claims)
    statement = claims.statement(number)
    edit(statement)
    claims.replace(number, statement, workshop.signer(key))
    claims.save()
    verdict = verdict_of(workshop)
    assert verdict.decision is Decision.DENY
    against = {(r.code, r.message.startswith(BROKEN)) for r in verdict.reasons if r.blocking}
    assert ("lineage-signer", True) in against


@pytest.mark.parametrize("how", ["none", "bare"])
def test_no_receipt(how: str, workshop: Workshop) -> None:
    """A receipt that is gone, or that nobody signed, is none."""
    claims = Claims(workshop.path(SERVED))
    number = receipt_line(claims)
    bare = json.dumps(claims.statement(number)).encode()
    claims.lines[number : number + 1] = [bare] if how == "bare" else []
    claims.save()
    assert verdict_of(workshop).decision is Decision.DENY


class TestInsteadOfAScan:
    """At the next boundary the same model is not scanned again."""

    def write_policy(self, workshop: Workshop, more: str = "") -> None:
        """Write a policy that takes the gate's receipts."""
        digest = hashlib.sha256(GATE_POLICY.encode()).hexdigest()
        text = "version = 1\n" + (GATE_RULE % more).replace("GATE", digest)
        workshop.path("deploy.toml").write_text(text)

    def verdict(self, workshop: Workshop) -> Verdict:
        """Return what that policy says of the tuned model, once it is signed."""
        workshop.sign("models/tuned", "release")
        return verdict_of(workshop, "models/tuned", "deploy.toml")

    def test_accepted(self, workshop: Workshop, monkeypatch: pytest.MonkeyPatch) -> None:
        """With a receipt nothing is scanned, and the verdict says whose word it is."""

        def fail(*_: object, **__: object) -> None:
            raise AssertionError("scanned in spite of a receipt")

        self.write_policy(workshop)
        monkeypatch.setattr("weighbridge.pipeline.check.examine_files", fail)
        verdict = self.verdict(workshop)
        assert verdict.decision is Decision.ALLOW
        assert "receipt-accepted" in {reason.code for reason in verdict.reasons}

    def test_loaded(self, workshop: Workshop, monkeypatch: pytest.MonkeyPatch) -> None:
        """A load under a receipt gives out the very bytes, without a scan of them."""

        def fail(*_: object, **__: object) -> None:
            raise AssertionError("scanned in spite of a receipt")

        self.write_policy(workshop)
        workshop.sign("models/tuned", "release")
        monkeypatch.setattr("weighbridge.pipeline.check.examine_files", fail)
        policy = Policy.from_file(workshop.path("deploy.toml"))
        place = workshop.path("models/tuned")
        with wb.load(place, policy=policy, boundary="deploy") as loaded:
            assert set(loaded.tensors(framework="numpy")) == {"weight", "bias"}
            assert loaded.read("config.json") == (place / "config.json").read_bytes()

    def test_refused(self, workshop: Workshop) -> None:
        """With a receipt that does not count the model is scanned as without one."""
        place = workshop.path("models/tuned/model.claims.jsonl")
        claims = Claims(place.parent)
        number = receipt_line(claims)
        statement = claims.statement(number)
        statement["predicate"]["timeVerified"] = ago(days=40)
        claims.replace(number, statement, workshop.signer("gate"))
        claims.save()
        self.write_policy(workshop)
        verdict = self.verdict(workshop)
        assert verdict.decision is Decision.ALLOW
        assert {"receipt-refused"} <= {reason.code for reason in verdict.reasons}
        self.write_policy(workshop, ", required = true")
        verdict = verdict_of(workshop, "models/tuned", "deploy.toml")
        assert verdict.decision is Decision.DENY
        assert "receipt-missing" in {r.code for r in verdict.reasons if r.blocking}

    def test_digests_are_computed_again(self, workshop: Workshop) -> None:
        """A file that changed since the receipt was written is scanned, and found out."""
        self.write_policy(workshop)
        place = workshop.path("models/tuned/config.json")
        place.write_text('{"auto_map": {"AutoModel": "evil.Model"}}')
        verdict = self.verdict(workshop)
        assert verdict.decision is Decision.DENY
        assert "remote-code-auto-map" in {r.code for r in verdict.reasons if r.blocking}

    def test_everything_else_is_asked(self, workshop: Workshop) -> None:
        """Formats and signature are held against the rule with a receipt as well."""
        self.write_policy(workshop)
        assert self.verdict(workshop).decision is Decision.ALLOW
        text = workshop.path("deploy.toml").read_text()
        workshop.path("deploy.toml").write_text(text.replace('"torch-zip", ', ""))
        assert verdict_of(workshop, "models/tuned", "deploy.toml").decision is Decision.DENY
        workshop.path("deploy.toml").write_text(text)
        workshop.path("models/tuned/model.sig").unlink()
        verdict = verdict_of(workshop, "models/tuned", "deploy.toml")
        assert verdict.decision is Decision.DENY


def test_failed_check(workshop: Workshop) -> None:
    """A check that denies writes a receipt that did not pass."""
    text = GATE_POLICY.replace('"torch-zip", ', "")
    workshop.path("gate.toml").write_text(text)
    words = ("check", "models/tuned", "--policy", "gate.toml", "--boundary", "upload")
    signer = ("--receipt", "r", "--private-key", workshop.key("gate"))
    workshop.run(*words, *signer, ok=False)
    statement = statement_of(workshop.path("r").read_bytes())
    assert statement["predicate"]["verificationResult"] == "FAILED"
    assert statement["predicate"]["verifiedLevels"] == ["FAILED"]


def test_unsigned_receipt(workshop: Workshop) -> None:
    """Without a signer the receipt is a bare statement, which the command says."""
    place = workshop.receipt("models/tuned", "bare.receipt", key=None)
    statement = json.loads(place.read_text())
    assert statement["predicateType"] == "https://slsa.dev/verification_summary/v1"
    signed = claim_line(statement, workshop.signer("gate"))
    assert statement_of(signed) == statement
