"""Texts of policies, and what is wrong with them."""

import pytest

from support.policies import TRUST
from weighbridge.core.codes import Code
from weighbridge.core.errors import PolicyError
from weighbridge.policy.schema import parse_policy

BASE = f"version = 1\n{TRUST}\n"
RULE_LINE = BASE.count("\n") + 1
FIRST_LINE = RULE_LINE + 3
"""The line of the first line that a test gives to `rule_text`."""


def problems_of(text: str) -> str:
    """Return the message of the error that *text* is refused with."""
    with pytest.raises(PolicyError) as caught:
        parse_policy(text.encode(), path="p.toml")
    assert caught.value.code is Code.POLICY_MALFORMED
    return str(caught.value)
