"""The key `parts` of a rule: whose digests of parts count, and nothing without a signature."""

import pytest

from support.policies import UNSIGNED, policy_of, rule_text
from support.policy_texts import BASE, problems_of
from weighbridge.pipeline.claims.verifying import needed_trust
from weighbridge.policy.rule import PartsControl

SIGNED = 'signature = { any-of = ["hsm"] }'


def test_nobodys_count_by_default() -> None:
    """A rule that does not name anybody takes no digests of parts."""
    (rule,) = policy_of(SIGNED).rules
    assert rule.parts is None


def test_whose_count_is_said() -> None:
    """It is a trust entry, whose claims are then looked at."""
    policy = policy_of(SIGNED, 'parts = { from = "corp" }')
    (rule,) = policy.rules
    assert rule.parts == PartsControl(issuer="corp")
    assert "corp" in needed_trust(policy, rule, boundary="load")
    (other,) = policy_of(SIGNED).rules
    assert "corp" not in needed_trust(policy, other, boundary="load")


@pytest.mark.parametrize(
    ("signature", "parts", "said"),
    [
        (SIGNED, 'parts = { from = "nobody" }', "no [trust.nobody]"),
        (SIGNED, "parts = {}", "'from'"),
        (SIGNED, 'parts = { from = "" }', "'from'"),
        (SIGNED, 'parts = "hsm"', "'parts'"),
        (SIGNED, 'parts = { from = "hsm", any = true }', "unknown key 'any'"),
        (UNSIGNED, 'parts = { from = "hsm" }', "'parts' needs a signature"),
    ],
)
def test_what_makes_no_sense_is_refused(signature: str, parts: str, said: str) -> None:
    """With the reason; a claim of parts says nothing where nobody says which files there are."""
    assert said in problems_of(BASE + rule_text(signature, parts))
