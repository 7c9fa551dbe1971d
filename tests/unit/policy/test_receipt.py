"""Receipts: which earlier verdict stands for a scan, and why another one does not."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from support.lineages import (
    RECEIPT,
    UNSIGNED,
    artifact_of,
    binding_of,
    built,
    policy_of,
    receipt_for,
    signed,
)
from support.policies import NOW, certificate_identity, sha256
from weighbridge.core.attestation import Artifact, Attestation, Binding
from weighbridge.core.limits.signing import MAX_CLOCK_SKEW_SECONDS
from weighbridge.core.verdict import Decision
from weighbridge.policy.controls.receipt import ReceiptSearch, find_receipt, receipt_reasons
from weighbridge.policy.rule import ReceiptControl

MODEL = artifact_of("models/bert")
GOOD = receipt_for(MODEL)


def control_of(more: str = "") -> ReceiptControl:
    """Return what a rule with *more* keys asks of a receipt."""
    (rule,) = policy_of(("**", UNSIGNED, f"receipt = {{ {RECEIPT}{more} }}")).rules
    assert rule.receipt is not None
    return rule.receipt


def search(
    *attestations: Attestation, more: str = "", binding: Binding = MODEL.binding
) -> ReceiptSearch:
    """Look for a receipt about the model among *attestations*."""
    policy = policy_of(("**", UNSIGNED))
    return find_receipt(
        policy, control_of(more), binding=binding, attestations=attestations, now=NOW
    )


def test_accepted() -> None:
    """A verdict by the named signer and verifier, of the pinned policy, in time, is accepted."""
    assert search(GOOD) == ReceiptSearch(accepted=GOOD)


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (lambda: receipt_for(MODEL, trust="hsm"), "expected the signer gate, found hsm"),
        (
            lambda: replace(GOOD, signer=certificate_identity()),
            "expected the signer gate, found gate",
        ),
        (lambda: receipt_for(MODEL, verifier="urn:x"), "expected the verifier urn:weighbridge:"),
        (lambda: receipt_for(MODEL, passed=False), "the verdict was not to pass"),
        (lambda: receipt_for(MODEL, policy=sha256(1).hex), "expected the policy sha256:"),
        (lambda: receipt_for(MODEL, policy=None), "found none"),
        (lambda: receipt_for(MODEL, verified=None), "does not say when"),
        (lambda: receipt_for(MODEL, verified=NOW.replace(tzinfo=None)), "does not say when"),
        (
            lambda: receipt_for(MODEL, verified=NOW - timedelta(days=30, seconds=1)),
            "the verdict is too old",
        ),
        (
            lambda: receipt_for(
                MODEL, verified=NOW + timedelta(seconds=MAX_CLOCK_SKEW_SECONDS + 1)
            ),
            "the verdict is of the future",
        ),
    ],
)
def test_refused(change: Callable[[], Attestation], problem: str) -> None:
    """A receipt with any one thing else is refused, and says what."""
    found = search(change())
    assert found.accepted is None
    (refused,) = found.refused
    assert refused.startswith("model.claims.jsonl:1: ")
    assert problem in refused


@pytest.mark.parametrize(
    "verified", [NOW - timedelta(days=30), NOW + timedelta(seconds=MAX_CLOCK_SKEW_SECONDS)]
)
def test_ends_of_the_time(verified: object) -> None:
    """The last moment of the age counts, and a clock that is a little ahead does no harm."""
    assert search(receipt_for(MODEL, verified=verified)).accepted is not None  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "binding",
    [
        binding_of("another"),
        Binding(root=MODEL.binding.root, names=binding_of("another").names),
        Binding(root=binding_of("another").root, names=MODEL.binding.names),
    ],
    ids=["both", "names", "root"],
)
def test_of_another_artifact(binding: Binding) -> None:
    """A receipt about an artifact with one of the digests in common is about another one."""
    assert search(GOOD, binding=binding) == ReceiptSearch(accepted=None)


@pytest.mark.parametrize("other", [built(MODEL, MODEL, trust="gate"), signed(MODEL, trust="gate")])
def test_of_another_kind(other: Attestation) -> None:
    """What else the gate signed about the model is no receipt."""
    assert search(other) == ReceiptSearch(accepted=None)


@pytest.mark.parametrize(
    ("more", "problem"),
    [
        (', boundary = "upload", resource = ["models/*"]', None),
        (', resource = ["prod/*", "models/*"]', None),
        (', boundary = "deploy"', "expected the boundary deploy, found upload"),
        (', resource = ["prod/*", "models/x"]', "about prod/*, models/x, found models/bert"),
        (', verifier = "urn:x"', "expected the verifier urn:x"),
    ],
)
def test_scope(more: str, problem: str | None) -> None:
    """Where the rule says at which boundary and about what, the receipt has to say the same."""
    found = search(GOOD, more=more)
    assert (found.accepted is None) is (problem is not None)
    assert all(problem in each for each in found.refused if problem)


def test_no_boundary() -> None:
    """A receipt that names no boundary is none for a rule that asks for one."""
    found = search(receipt_for(MODEL, boundary=None), more=', boundary = "upload"')
    assert found.refused == ("model.claims.jsonl:1: expected the boundary upload, found none",)


def test_newest_counts() -> None:
    """Of several receipts the newest is named; a refused one beside it changes nothing."""
    older = receipt_for(MODEL, verified=NOW - timedelta(days=3))
    bad = receipt_for(MODEL, passed=False)
    for order in ((older, GOOD, bad), (bad, GOOD, older)):
        assert search(*order).accepted == GOOD


def test_several_artifacts() -> None:
    """A receipt about several artifacts is about each of them."""
    other = Artifact(name="other", binding=binding_of("other"))
    both = replace(GOOD, artifacts=(other, MODEL))
    assert search(both).accepted == both


class TestReasons:
    """What a search for a receipt says in a verdict."""

    def test_accepted(self) -> None:
        """An accepted receipt is noted with who reached the verdict, and when."""
        (reason,) = receipt_reasons(control_of(), search(GOOD))
        assert (reason.code, reason.decision) == ("receipt-accepted", Decision.ALLOW)
        assert "gate (key sha256:" in reason.message
        assert "2031-05-16T12:00:00+00:00" in reason.message

    def test_refused(self) -> None:
        """A refused one is noted, and does not stand in the way."""
        (reason,) = receipt_reasons(control_of(), search(receipt_for(MODEL, passed=False)))
        assert (reason.code, reason.decision) == ("receipt-refused", Decision.ALLOW)

    def test_none(self) -> None:
        """Where there is none nothing is said, unless the rule demands one."""
        assert list(receipt_reasons(control_of(), search())) == []
        (reason,) = receipt_reasons(control_of(", required = true"), search())
        assert (reason.code, reason.decision) == ("receipt-missing", Decision.DENY)
