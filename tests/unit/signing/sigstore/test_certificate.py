"""Whom a short-lived certificate names: one person, in one way, or nobody."""

import pytest
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID

from support.short_lived import ISSUER, NAME, der, issuers, short_lived, text
from support.signatures import refused
from weighbridge.core import fulcio
from weighbridge.core.codes import Code
from weighbridge.signing.sigstore.certificate import load_signing_certificate, read_signer

USER_NAME = x509.ObjectIdentifier(fulcio.USER_NAME)
WORKFLOW = "https://github.com/acme/models/.github/workflows/release.yml@refs/tags/v1"


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        (x509.RFC822Name(NAME), NAME),
        (x509.UniformResourceIdentifier(WORKFLOW), WORKFLOW),
        (x509.OtherName(USER_NAME, text("ada!example.org")), "ada!example.org"),
    ],
)
def test_one_name_of_a_known_kind_is_read(name: x509.GeneralName, expected: str) -> None:
    """An e-mail address, a URI or a user name is the signer's name."""
    signer = read_signer(short_lived([name]), where="model.sig")
    assert (signer.name, signer.issuer, dict(signer.claims)) == (expected, ISSUER, {})


@pytest.mark.parametrize(
    ("names", "found"),
    [
        (None, "found 0"),
        ([x509.RFC822Name(NAME), x509.RFC822Name("mallory@evil.example")], "found 2"),
        ([x509.RFC822Name(NAME), x509.RFC822Name(NAME)], "found 2"),
        ([x509.RFC822Name(NAME), x509.DNSName("evil.example")], "found 2"),
        ([x509.DNSName("example.org")], "found DNSName"),
        ([x509.OtherName(x509.ObjectIdentifier("1.2.3"), text(NAME))], "found OtherName"),
        ([x509.OtherName(USER_NAME, b"\x16\x03abc")], "text as name"),
        ([x509.OtherName(USER_NAME, text("ada\x00!x"))], "ada\\x00!x"),
        ([x509.OtherName(USER_NAME, text("ada\nroot"))], "printable text"),
        ([x509.OtherName(USER_NAME, text("\u202eada"))], "printable text"),
        ([x509.OtherName(USER_NAME, text(""))], "printable text"),
        ([x509.RFC822Name("ada@example.org\x00.evil.example")], "printable text"),
        ([x509.UniformResourceIdentifier(f"{WORKFLOW}\n")], "printable text"),
    ],
)
def test_several_names_or_an_unclear_one_are_refused(
    names: list[x509.GeneralName] | None, found: str
) -> None:
    """A certificate with another number of names than one, or a name with tricks, is refused."""
    with refused(Code.CERTIFICATE_MALFORMED, text=found):
        read_signer(short_lived(names), where="model.sig")


@pytest.mark.parametrize("extensions", [issuers(), issuers(old=None), issuers(new=None)])
def test_one_issuer_in_one_or_two_places_is_read(extensions: dict[str, bytes]) -> None:
    """The identity provider is read from the old place, the new one, or both that agree."""
    assert read_signer(short_lived(extensions=extensions), where="").issuer == ISSUER


@pytest.mark.parametrize(
    "extensions",
    [
        {},
        issuers(new="https://other.example"),
        issuers(new=f"{ISSUER}/"),
        issuers(old="", new=None),
        issuers(old=f"{ISSUER}\n", new=None),
        {fulcio.ISSUER: ISSUER.encode()},
        {fulcio.ISSUER_TEXT: b"\xff"},
        {fulcio.ISSUER: text(ISSUER) + b"\x00"},
    ],
)
def test_no_issuer_or_two_different_ones_are_refused(extensions: dict[str, bytes]) -> None:
    """Without an identity provider, or with two, nobody can say who vouched."""
    with refused(Code.CERTIFICATE_MALFORMED):
        read_signer(short_lived(extensions=extensions), where="model.sig")


def test_every_claim_is_read_by_its_name() -> None:
    """Each of Fulcio's claims is read from its own extension, whichever form it has."""
    extensions = issuers() | {oid: text(name) for oid, name in fulcio.CLAIMS.items()}
    extensions |= {oid: name.encode() for oid, name in fulcio.TEXT_CLAIMS.items()}
    extensions["1.2.3.4"] = b"somebody else's"
    claims = read_signer(short_lived(extensions=extensions), where="").claims
    assert dict(claims) == {name: name for name in fulcio.CLAIM_NAMES}


@pytest.mark.parametrize(
    ("oid", "value"),
    [
        (f"{fulcio.ARC}.12", b"no DER"),
        (f"{fulcio.ARC}.12", text("a\x00b")),
        (f"{fulcio.ARC}.12", b"\x0c\x02\xff\xff"),
        (f"{fulcio.ARC}.6", b"\xff"),
        (f"{fulcio.ARC}.6", b"refs/tags/v1\n"),
    ],
)
def test_an_unreadable_claim_is_refused(oid: str, value: bytes) -> None:
    """A claim that is no clear text is refused, whether or not anybody asks for it."""
    with refused(Code.CERTIFICATE_MALFORMED):
        read_signer(short_lived(extensions=issuers() | {oid: value}), where="model.sig")


def test_a_certificate_has_to_be_der_and_for_code() -> None:
    """A certificate for servers, or with a byte after its end, signs no model."""
    good = short_lived()
    assert load_signing_certificate(der(good), where="") == good
    with refused(Code.CERTIFICATE_MALFORMED):
        load_signing_certificate(der(good) + b"\x00", where="model.sig")
    server = short_lived(usage=ExtendedKeyUsageOID.SERVER_AUTH)
    with refused(Code.CERTIFICATE_USAGE):
        load_signing_certificate(der(server), where="model.sig")
