"""Whose certificate the caller expects."""

from typing import Any

import pytest

from weighbridge.core.codes import Code
from weighbridge.core.errors import UsageError
from weighbridge.signing.identity import ExpectedIdentity


def test_something_must_be_expected() -> None:
    """Without an identity or the waiver there is no verification, and the message says why."""
    with pytest.raises(UsageError, match="--any-identity accepts whoever") as raised:
        ExpectedIdentity()
    assert raised.value.code is Code.IDENTITY_REQUIRED
    assert raised.value.exit_code == 2


def test_an_empty_identity_expects_nothing() -> None:
    """An empty string, such as an unset variable, is not an identity."""
    fields: list[dict[str, Any]] = [{"subject": ""}, {"identity": ""}, {"san_uri": ""}]
    for empty in fields:
        with pytest.raises(UsageError, match="found an empty one") as raised:
            ExpectedIdentity(**empty)
        assert raised.value.code is Code.IDENTITY_REQUIRED


def test_an_identity_and_its_waiver_exclude_each_other() -> None:
    """Nobody means an identity and any identity."""
    with pytest.raises(UsageError, match="expected and waived"):
        ExpectedIdentity(subject="CN=a", any_identity=True)


def test_each_single_expectation_is_enough() -> None:
    """One of the three names or the waiver in so many words is accepted."""
    assert ExpectedIdentity(subject="CN=a").subject == "CN=a"
    assert ExpectedIdentity(identity="a@example.org").identity == "a@example.org"
    assert ExpectedIdentity(san_uri="urn:a").san_uri == "urn:a"
    assert ExpectedIdentity(any_identity=True).any_identity
