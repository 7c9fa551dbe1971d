"""Paths of certificates: who may issue, for which names, how deep, and until when."""

import dataclasses
from datetime import timedelta
from ipaddress import ip_address, ip_network

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.x509.oid import ExtendedKeyUsageOID

from support.certificates import (
    ANYBODY,
    INTERMEDIATE,
    LEAF,
    ROOT,
    bundle_of,
    verify,
    with_certificates,
)
from support.pki import (
    AUTHORITY,
    CODE_SIGNING,
    NOW,
    Plan,
    curve_key,
    intermediate_plan,
    root,
    rsa_key,
)
from support.signatures import refused
from weighbridge.core.codes import Code
from weighbridge.core.errors import UsageError
from weighbridge.signing.bundle import Bundle
from weighbridge.signing.certificate import (
    CertificateVerifier,
)


def test_a_missing_intermediate_may_come_with_the_roots() -> None:
    """An intermediate certificate helps to build the path from either side, and is needed."""
    bare = with_certificates(bundle_of(LEAF), LEAF.der)
    with refused(Code.CERTIFICATE_UNTRUSTED):
        verify(bare, ROOT)
    assert verify(bare, INTERMEDIATE, ROOT).root_fingerprint == (
        ROOT.certificate.fingerprint(SHA256()).hex()
    )


def test_an_intermediate_ends_no_path() -> None:
    """An intermediate certificate is not trusted by itself."""
    with refused(Code.CERTIFICATE_UNTRUSTED, text="no root certificate"):
        verify(bundle_of(LEAF, INTERMEDIATE), INTERMEDIATE)


def test_a_trust_file_with_a_stray_certificate_is_refused() -> None:
    """A certificate among the roots that none of them signed was changed or lacks its issuer."""
    stranger = root(Plan(subject="CN=other", is_ca=True, usage=("key_cert_sign",)))
    stray = stranger.issue(intermediate_plan("CN=stray"), key=curve_key(number=32))
    with refused(Code.CERTIFICATE_UNTRUSTED, text="roots.pem"):
        verify(bundle_of(LEAF, INTERMEDIATE), ROOT, stray)


def test_certificates_in_any_order_may_follow_the_signers() -> None:
    """Issuers in another order, and the root, are found in the signature."""
    assert verify(bundle_of(LEAF, ROOT, INTERMEDIATE)).subject


def test_a_stray_certificate_in_the_signature_is_refused() -> None:
    """A certificate that nothing present signed could be changed unnoticed."""
    stranger = root(Plan(subject="CN=other", is_ca=True, usage=("key_cert_sign",)))
    stray = stranger.issue(Plan(subject="CN=stray"))
    with refused(Code.CERTIFICATE_UNTRUSTED, text="signed by none of the others"):
        verify(bundle_of(LEAF, INTERMEDIATE, stray))


def by_way_of(plan: Plan) -> Bundle:
    """Return a signature under an intermediate authority with *plan*."""
    issuer = ROOT.issue(plan, key=curve_key(number=2))
    return bundle_of(issuer.issue(Plan()), issuer)


def constraints(*names: x509.GeneralName) -> Plan:
    """Return the plan of an authority that may only issue for *names*."""
    limit = x509.NameConstraints(permitted_subtrees=names, excluded_subtrees=None)
    return intermediate_plan(more=((limit, True),))


ISSUERS_ACCEPTED: dict[str, Plan] = {
    "ordinary": intermediate_plan(),
    "no key usage": Plan(subject="CN=i", is_ca=True, usage=None, extended=None),
    "for code signing": intermediate_plan(extended=(CODE_SIGNING,)),
    "path length 0": intermediate_plan(path_length=0),
    "constrained to names the signer does not have": constraints(x509.DNSName("example.org")),
}


@pytest.mark.parametrize("plan", ISSUERS_ACCEPTED.values(), ids=ISSUERS_ACCEPTED)
def test_authorities_may_issue(plan: Plan) -> None:
    """An issuer that is an authority within its own limits is accepted."""
    assert verify(by_way_of(plan)).subject == "CN=signer,O=Example"


ISSUERS_REFUSED: dict[str, Plan] = {
    "not marked as an authority": Plan(subject="CN=i", usage=("key_cert_sign",), extended=None),
    "no basic constraints": Plan(
        subject="CN=i", is_ca=None, usage=("key_cert_sign",), extended=None
    ),
    "key usage without certificates": Plan(
        subject="CN=i", is_ca=True, usage=("crl_sign",), extended=None
    ),
    "for web servers": intermediate_plan(extended=(ExtendedKeyUsageOID.SERVER_AUTH,)),
    "constrained by directory name": constraints(
        x509.DirectoryName(x509.Name.from_rfc4514_string("O=Other"))
    ),
    "constrained by URI": constraints(x509.UniformResourceIdentifier("example.org")),
    "unknown critical extension": intermediate_plan(
        more=((x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4"), b"\x05\x00"), True),)
    ),
}


@pytest.mark.parametrize("plan", ISSUERS_REFUSED.values(), ids=ISSUERS_REFUSED)
def test_others_may_not_issue(plan: Plan) -> None:
    """An issuer that is no authority, or whose limits cannot be held, ends the path."""
    with refused(Code.CERTIFICATE_UNTRUSTED):
        verify(by_way_of(plan))


def test_name_constraints_are_enforced() -> None:
    """A name outside the issuer's constraints is refused, one inside accepted."""
    issuer = ROOT.issue(constraints(x509.DNSName("example.org")), key=curve_key(number=2))
    inside = issuer.issue(Plan(names=(x509.DNSName("models.example.org"),)))
    outside = issuer.issue(Plan(names=(x509.DNSName("example.com"),)))
    assert verify(bundle_of(inside, issuer)).san_dns == ("models.example.org",)
    with refused(Code.CERTIFICATE_UNTRUSTED):
        verify(bundle_of(outside, issuer))


CONSTRAINTS: dict[str, tuple[x509.NameConstraints, x509.GeneralName, x509.GeneralName]] = {
    "permitted host": (
        x509.NameConstraints([x509.DNSName("example.org")], None),
        x509.DNSName("models.example.org"),
        x509.DNSName("models.example.com"),
    ),
    "excluded host": (
        x509.NameConstraints(None, [x509.DNSName("bad.example")]),
        x509.DNSName("models.example"),
        x509.DNSName("models.bad.example"),
    ),
    "permitted address": (
        x509.NameConstraints([x509.RFC822Name("example.org")], None),
        x509.RFC822Name("release@example.org"),
        x509.RFC822Name("release@example.com"),
    ),
    "excluded address": (
        x509.NameConstraints(None, [x509.RFC822Name("example.com")]),
        x509.RFC822Name("release@example.org"),
        x509.RFC822Name("release@example.com"),
    ),
    "permitted network": (
        x509.NameConstraints([x509.IPAddress(ip_network("10.0.0.0/8"))], None),
        x509.IPAddress(ip_address("10.1.1.1")),
        x509.IPAddress(ip_address("11.1.1.1")),
    ),
}


@pytest.mark.parametrize("kind", CONSTRAINTS)
@pytest.mark.parametrize("critical", [True, False])
@pytest.mark.parametrize("of_the_root", [True, False])
def test_name_constraints_of_every_kind_are_enforced(
    kind: str, critical: bool, of_the_root: bool
) -> None:
    """Constraints of any authority on the path hold, the root's too, critical or not."""
    limit, inside, outside = CONSTRAINTS[kind]
    top = root(dataclasses.replace(AUTHORITY, more=((limit, critical),))) if of_the_root else ROOT
    issuer = top
    if not of_the_root:
        issuer = top.issue(intermediate_plan(more=((limit, critical),)), key=curve_key(number=2))
    between = () if of_the_root else (issuer,)
    verifier = CertificateVerifier.from_pem(top.pem, expected=ANYBODY)
    accepted = bundle_of(issuer.issue(Plan(names=(inside,))), *between)
    assert verifier.verify(accepted, at=NOW).subject == "CN=signer,O=Example"
    for names in ((outside,), (inside, outside)):
        with refused(Code.CERTIFICATE_UNTRUSTED):
            verifier.verify(bundle_of(issuer.issue(Plan(names=names)), *between), at=NOW)


def test_an_address_in_the_subject_escapes_no_constraint() -> None:
    """RFC 5280 4.2.1.10: where addresses are constrained, the subject's have to be checked ones."""
    issuer = ROOT.issue(constraints(x509.RFC822Name("example.org")), key=curve_key(number=2))
    subject = "1.2.840.113549.1.9.1=release@example.{},CN=signer"
    inside = Plan(subject=subject.format("org"), names=(x509.RFC822Name("release@example.org"),))
    assert verify(bundle_of(issuer.issue(inside), issuer)).san_emails == ("release@example.org",)
    for plan in (
        Plan(subject=subject.format("com")),
        dataclasses.replace(inside, subject=subject.format("com")),
        dataclasses.replace(inside, names=()),
    ):
        with refused(Code.CERTIFICATE_UNTRUSTED, text="was not checked"):
            verify(bundle_of(issuer.issue(plan), issuer))
    free = ROOT.issue(constraints(x509.DNSName("example.org")), key=curve_key(number=2))
    assert verify(bundle_of(free.issue(Plan(subject=subject.format("com"))), free)).subject


def test_the_path_length_of_a_root_is_enforced() -> None:
    """A root that may have no authority below it issues signers directly, and not by way of one."""
    top = root(dataclasses.replace(AUTHORITY, path_length=0))
    verifier = CertificateVerifier.from_pem(top.pem, expected=ANYBODY)
    middle = top.issue(intermediate_plan(), key=curve_key(number=2))
    assert verifier.verify(bundle_of(top.issue(Plan())), at=NOW).subject
    with refused(Code.CERTIFICATE_UNTRUSTED):
        verifier.verify(bundle_of(middle.issue(Plan()), middle), at=NOW)


def test_the_path_length_is_enforced() -> None:
    """An authority below one with path length 0 issues nothing."""
    first = ROOT.issue(intermediate_plan("CN=1", path_length=0), key=curve_key(number=2))
    second = first.issue(intermediate_plan("CN=2"), key=curve_key(number=3))
    assert verify(bundle_of(first.issue(Plan()), first)).subject
    with refused(Code.CERTIFICATE_UNTRUSTED):
        verify(bundle_of(second.issue(Plan()), second, first))


@pytest.mark.parametrize(("length", "accepted"), [(8, True), (9, False)])
def test_the_number_of_intermediates_is_bounded(length: int, accepted: bool) -> None:
    """A path with as many intermediates as the bound is accepted, with one more refused."""
    chain = [ROOT]
    for number in range(length):
        plan = intermediate_plan(f"CN=i{number}")
        chain.insert(0, chain[0].issue(plan, key=curve_key(number=40 + number)))
    bundle = bundle_of(chain[0].issue(Plan()), *chain[:-1])
    if accepted:
        assert verify(bundle).subject
    else:
        with refused(Code.CERTIFICATE_UNTRUSTED):
            verify(bundle)


def test_an_authority_with_a_weak_key_is_refused() -> None:
    """RSA authorities have at least 2048 bits."""
    weak = root(key=rsa_key(bits=1024))
    with refused(Code.CERTIFICATE_UNTRUSTED):
        verify(bundle_of(weak.issue(Plan())), weak)


@pytest.mark.parametrize("seconds", [0, 60 * 86400])
def test_the_first_and_the_last_second_are_valid(seconds: int) -> None:
    """Both ends of a certificate's validity belong to it."""
    at = LEAF.certificate.not_valid_before_utc + timedelta(seconds=seconds)
    assert verify(bundle_of(LEAF, INTERMEDIATE), at=at).subject


@pytest.mark.parametrize(
    ("seconds", "text"), [(-1, "not yet valid"), (60 * 86400 + 1, "has expired")]
)
def test_a_signer_outside_the_validity_is_refused_with_the_dates(seconds: int, text: str) -> None:
    """One second before or after its validity a certificate is refused, naming both dates."""
    at = LEAF.certificate.not_valid_before_utc + timedelta(seconds=seconds)
    with refused(Code.CERTIFICATE_EXPIRED, text=text):
        verify(bundle_of(LEAF, INTERMEDIATE), at=at)
    with refused(Code.CERTIFICATE_EXPIRED, text="2026-05-02 12:00:00 to 2026-07-01 12:00:00 UTC"):
        verify(bundle_of(LEAF, INTERMEDIATE), at=at)


def test_an_expired_issuer_is_refused_with_the_dates() -> None:
    """A valid certificate under an expired issuer or root is refused, naming whose dates."""
    ended = NOW - timedelta(days=1)
    plan = dataclasses.replace(intermediate_plan("CN=ended"), not_after=ended)
    issuer = ROOT.issue(plan, key=curve_key(number=2))
    with refused(Code.CERTIFICATE_EXPIRED, text="for CN=ended"):
        verify(bundle_of(issuer.issue(Plan()), issuer))
    top = root(dataclasses.replace(AUTHORITY, not_after=ended))
    with refused(Code.CERTIFICATE_EXPIRED, text="for CN=root,O=Example"):
        verify(bundle_of(top.issue(Plan())), top)


def test_a_clock_without_a_zone_is_wrong_usage() -> None:
    """A time that could be anybody's is not compared with a certificate's."""
    with pytest.raises(UsageError, match="time zone"):
        verify(bundle_of(LEAF, INTERMEDIATE), at=NOW.replace(tzinfo=None))
