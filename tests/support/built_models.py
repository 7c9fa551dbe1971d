"""Builds of a model, and policies that ask for them."""

from support.lineages import attested, build_of
from support.policies import (
    LOCAL,
    RUNNER,
    blocking_codes,
    builder,
    key_identity,
    keyed,
    sha256,
)
from weighbridge.core.attestation import (
    Artifact,
    Attestation,
    Binding,
    Build,
    Source,
)
from weighbridge.core.codes import Code
from weighbridge.core.verdict import Decision, Verdict
from weighbridge.policy.schema import Policy

SIGNERS = {"hsm": 1, "runner": 3, "laptop": 5, "alice": 6}
HEAD = keyed(*SIGNERS) + builder("runner", RUNNER, level=3) + builder("laptop", LOCAL, level=1)
SOURCE = Source(uri="git+https://git.example/acme/train", ref="refs/heads/main", commit="a" * 40)
MODEL = Artifact(name="bert", binding=Binding(root=sha256(98), names=sha256(97)))
"""What `judge` judges."""


def policy_of(*keys: str, builder: str = "runner", head: str = HEAD) -> Policy:
    """Return a policy whose one rule demands provenance, with *keys* in its table."""
    table = ", ".join([f'builder = ["{builder}"]', *keys])
    rule = f"""
[[rule]]
match = ["**"]
boundary = ["*"]
signature = {{ required = false }}
provenance = {{ {table} }}
"""
    return Policy.from_toml((head + rule).encode(), path=None)


def said(build: Build, *, artifact: Artifact = MODEL, trust: str = "runner") -> Attestation:
    """Return the word of *trust* that *artifact* was built so."""
    return attested(artifact, build, trust=trust, identity=key_identity(SIGNERS[trust]))


GOOD = said(build_of())


def refused(verdict: Verdict, code: Code, text: str = "") -> None:
    """Assert that *verdict* denies, and that one reason has *code* and *text*."""
    assert verdict.decision is Decision.DENY
    assert "provenance-missing" in blocking_codes(verdict)
    messages = [r.message for r in verdict.reasons if r.blocking and r.code == code]
    assert any(text in message for message in messages), verdict.reasons
