"""Whom a caller expects: everything that is given has to hold, exactly."""

import pytest

from support.signatures import refused
from weighbridge.core.codes import Code
from weighbridge.core.errors import UsageError
from weighbridge.signing.sigstore.expected import CertifiedSigner, Exactly, ExpectedSigner

SIGNER = CertifiedSigner(
    name="ada@example.org", issuer="https://issuer.example", claims={"build-trigger": "push"}
)


def expected(
    identity: str = SIGNER.name, issuer: str = SIGNER.issuer, **claims: str
) -> ExpectedSigner:
    """Return an expectation; claims with `_` for `-`."""
    patterns = {name.replace("_", "-"): Exactly(text) for name, text in claims.items()}
    return ExpectedSigner(identity=Exactly(identity), issuer=issuer, claims=patterns)


def test_the_expected_signer_is_accepted() -> None:
    """Name, identity provider and claims that agree are accepted."""
    expected(build_trigger="push").require(SIGNER, where="model.sig")


@pytest.mark.parametrize(
    ("wanted", "text"),
    [
        (expected(identity="eve@example.org"), "another name: expected 'eve@example.org'"),
        (expected(identity="ADA@example.org"), "another name"),
        (expected(identity="*@example.org"), "another name"),
        (expected(identity="ada@example.or"), "another name"),
        (expected(issuer="https://issuer.example/"), "another identity provider"),
        (expected(issuer="http://issuer.example"), "another identity provider"),
        (expected(build_trigger="schedule"), "another claim 'build-trigger'"),
        (expected(runner_environment="github-hosted"), "'github-hosted', found none"),
    ],
)
def test_everybody_else_is_refused(wanted: ExpectedSigner, text: str) -> None:
    """One difference, or a claim that is not there, refuses; nothing is a wildcard."""
    with refused(Code.IDENTITY_MISMATCH, text=text):
        wanted.require(SIGNER, where="model.sig")


@pytest.mark.parametrize(("identity", "issuer"), [("", "https://i"), ("a@b", ""), ("", "")])
def test_name_and_provider_are_both_required(identity: str, issuer: str) -> None:
    """Without a name, or without who vouches for it, anybody could have signed."""
    with pytest.raises(UsageError) as raised:
        expected(identity=identity, issuer=issuer)
    assert raised.value.code is Code.IDENTITY_REQUIRED


def test_a_claim_that_does_not_exist_is_a_mistake() -> None:
    """A claim that no certificate can have is an error and not a condition that never holds."""
    with pytest.raises(UsageError, match="there is no such claim"):
        expected(build_triger="push")
