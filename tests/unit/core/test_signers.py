"""How many different signers there are, when one of them goes by several names."""

from dataclasses import replace

import pytest

from support.policies import certificate_identity, key_identity, sigstore_identity
from weighbridge.core.identity import CertificateIdentity, VerifiedIdentity
from weighbridge.core.signers import count_signers

ADA = "ada@acme.example"
BOB = "bob@acme.example"
PLACE = "https://acme.example/ada"


def count(*identities: VerifiedIdentity) -> int:
    """Return how many signers *identities* are, each under a trust entry of its own."""
    return count_signers((str(i), identity) for i, identity in enumerate(identities))


def named(
    *emails: str, uris: tuple[str, ...] = (), dns: tuple[str, ...] = (), subject: str = ""
) -> CertificateIdentity:
    """Return the identity of a certificate with these names and a key of its own."""
    return replace(
        certificate_identity(),
        san_emails=emails,
        san_uris=uris,
        san_dns=dns,
        subject=subject,
        key_fingerprint=None,
    )


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (named(ADA, BOB), named(BOB, ADA)),
        (named(ADA, uris=(PLACE,)), named(ADA)),
        (named(uris=("https://a.example", PLACE)), named(uris=(PLACE,))),
        (named(ADA), sigstore_identity(ADA)),
        (named(uris=(PLACE,)), sigstore_identity(PLACE)),
        (sigstore_identity(ADA), sigstore_identity(ADA, issuer="https://other.example")),
        (named(subject="CN=Ada"), named(ADA, subject="CN=Ada")),
        (named(dns=("a.example", "b.example")), named(dns=("b.example",))),
    ],
)
def test_one_name_is_one_signer(one: VerifiedIdentity, other: VerifiedIdentity) -> None:
    """Two certificates, or two methods, that share a name do not make two signers."""
    assert count(one, other) == count(other, one) == 1


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (named(ADA), named(BOB)),
        (named(ADA), sigstore_identity(BOB)),
        (named(ADA, subject="O=Acme"), named(BOB, subject="O=Acme")),
        (named(ADA, dns=("acme.example",)), named(BOB, dns=("acme.example",))),
        (named(subject="CN=Ada"), named(subject="CN=Bob")),
        (key_identity(1), key_identity(2)),
    ],
)
def test_different_names_are_two_signers(one: VerifiedIdentity, other: VerifiedIdentity) -> None:
    """What an organisation's certificates have in common does not make one of two people."""
    assert count(one, other) == count(other, one) == 2


def test_a_third_name_joins_the_others() -> None:
    """Certificates that share no name are one signer where another one has both their names."""
    assert count(named(ADA), named(BOB)) == 2
    assert count(named(ADA), named(BOB), named(ADA, BOB)) == 1


def test_one_key_is_one_signer() -> None:
    """A key that is trusted by itself and in a certificate is one signer."""
    key = key_identity()
    certified = replace(named(ADA), key_fingerprint=key.fingerprint)
    assert count(key, certified) == 1
    assert count(key, replace(certified, key_fingerprint="0" * 64)) == 2
