"""The certificate method."""

import dataclasses
import inspect
import itertools
from collections.abc import Callable
from datetime import timedelta

import cryptography.exceptions
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256, SHA512, HashAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID

from support.certificates import (
    ANYBODY,
    INTERMEDIATE,
    LEAF,
    NAMES,
    PAYLOAD,
    ROOT,
    bundle_of,
    verify,
    with_certificates,
)
from support.pki import (
    CODE_SIGNING,
    CURVES,
    NOW,
    Plan,
    PrivateKey,
    curve_key,
    ed25519_key,
    intermediate_plan,
    private_pem,
    public_pem,
    root,
    rsa_key,
)
from support.signatures import base64_of, bundle_document, key_signer, parse, refused
from weighbridge.core.codes import Code
from weighbridge.core.errors import RefusedError, UsageError
from weighbridge.core.identity import SigningMethod
from weighbridge.signing.bundle import CertificateMaterial, parse_bundle
from weighbridge.signing.certificate import (
    CertificateSigner,
    CertificateVerifier,
    ExpectedIdentity,
)
from weighbridge.signing.certificate_file import (
    FOREIGN_ERRORS,
    load_certificate,
    load_certificates,
)
from weighbridge.signing.dsse import encode_legacy


@pytest.mark.parametrize("curve", CURVES)
@pytest.mark.parametrize("authority", ["ec", "rsa"])
def test_a_signature_verifies_under_its_root(curve: str, authority: str) -> None:
    """A certificate on any of the curves, under EC or RSA authorities, signs and is named."""
    top = root(key=rsa_key() if authority == "rsa" else None)
    leaf = top.issue(Plan(names=NAMES), key=curve_key(curve))
    data = CertificateSigner.from_pem(leaf.key_pem, leaf.pem, at=NOW).sign(PAYLOAD)
    identity = verify(parse_bundle(data, where="model.sig"), top)
    assert identity.subject == "CN=signer,O=Example"
    assert identity.issuer == "CN=root,O=Example"
    assert identity.san_uris == ("https://example.org/release",)
    assert identity.san_emails == ("release@example.org",)
    assert identity.san_dns == ("example.org",)
    assert identity.fingerprint == leaf.certificate.fingerprint(SHA256()).hex()
    assert identity.root_fingerprint == top.certificate.fingerprint(SHA256()).hex()
    assert identity.not_before < NOW < identity.not_after


@pytest.mark.parametrize("with_root", [False, True])
def test_a_chain_is_carried_in_order(with_root: bool) -> None:
    """The issuers that were given to the signer are in the signature, the root or not."""
    chain = [INTERMEDIATE.pem + ROOT.pem] if with_root else [INTERMEDIATE.pem]
    signer = CertificateSigner.from_pem(LEAF.key_pem, LEAF.pem, chain)
    bundle = parse_bundle(signer.sign(PAYLOAD), where="model.sig")
    expected = (LEAF.der, INTERMEDIATE.der, ROOT.der)[: 3 if with_root else 2]
    assert bundle.material == CertificateMaterial(certificates=expected)
    assert verify(bundle).subject == "CN=signer,O=Example"


def test_a_key_of_another_certificate_does_not_sign() -> None:
    """Key and certificate that do not belong together are refused before anything is signed."""
    with refused(Code.KEY_MISMATCH, text="does not belong to the certificate"):
        CertificateSigner.from_pem(private_pem(curve_key(number=9)), LEAF.pem)


def test_a_chain_in_another_order_does_not_sign() -> None:
    """Issuers out of order, or of somebody else, are refused before anything is signed."""
    with refused(Code.CERTIFICATE_UNTRUSTED, text="not in order"):
        CertificateSigner.from_pem(LEAF.key_pem, LEAF.pem, [ROOT.pem, INTERMEDIATE.pem])


def test_an_encrypted_key_signs_with_its_password() -> None:
    """The private key of the certificate method may be encrypted."""
    pem = private_pem(LEAF.key, password=b"pw")
    signer = CertificateSigner.from_pem(pem, LEAF.pem, [INTERMEDIATE.pem], password=b"pw")
    assert verify(parse_bundle(signer.sign(PAYLOAD), where="s")).subject
    with refused(Code.PASSWORD):
        CertificateSigner.from_pem(pem, LEAF.pem, password=b"no")


@pytest.mark.parametrize("days", [-31, 31])
def test_a_certificate_outside_its_validity_does_not_sign(days: int) -> None:
    """A signer with a clock refuses a certificate that is not valid then."""
    with refused(Code.CERTIFICATE_EXPIRED, text="2026-05-02 12:00:00 to 2026-07-01 12:00:00"):
        CertificateSigner.from_pem(LEAF.key_pem, LEAF.pem, at=NOW + timedelta(days=days))


def test_a_certificate_for_another_purpose_does_not_sign() -> None:
    """A certificate that no verifier would accept makes no signature."""
    server = ROOT.issue(Plan(extended=(ExtendedKeyUsageOID.SERVER_AUTH,)))
    with refused(Code.CERTIFICATE_USAGE):
        CertificateSigner.from_pem(server.key_pem, server.pem)


def test_too_many_certificates_do_not_sign() -> None:
    """A chain beyond the bound is refused when it is given, in one file or in many."""
    with refused(Code.CERTIFICATE_MALFORMED, text="at most 32"):
        CertificateSigner.from_pem(LEAF.key_pem, LEAF.pem, [INTERMEDIATE.pem] * 32)
    with refused(Code.CERTIFICATE_MALFORMED, text="at most 32"):
        load_certificates(ROOT.pem * 33, where="roots.pem")


LEAVES_ACCEPTED: dict[str, Plan] = {
    "code signing": Plan(),
    "no extended usage": Plan(extended=None),
    "any extended usage": Plan(extended=(ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE,)),
    "several usages": Plan(extended=(ExtendedKeyUsageOID.SERVER_AUTH, CODE_SIGNING)),
    "no basic constraints": Plan(is_ca=None),
    "marked as an authority, for code signing": Plan(is_ca=True),
    "more key usages": Plan(usage=("digital_signature", "content_commitment")),
}


@pytest.mark.parametrize("plan", LEAVES_ACCEPTED.values(), ids=LEAVES_ACCEPTED)
def test_certificates_for_signing_are_accepted(plan: Plan) -> None:
    """A certificate whose stated purposes include signing models is accepted."""
    assert verify(bundle_of(ROOT.issue(plan))).subject == plan.subject


LEAVES_REFUSED: dict[str, Plan] = {
    "no key usage": Plan(usage=None),
    "another key usage": Plan(usage=("key_encipherment",)),
    "web server": Plan(extended=(ExtendedKeyUsageOID.SERVER_AUTH,)),
    "time stamping": Plan(extended=(ExtendedKeyUsageOID.TIME_STAMPING,)),
    "an authority": Plan(is_ca=True, usage=("digital_signature", "key_cert_sign")),
    "an authority for lists": Plan(is_ca=True, usage=("digital_signature", "crl_sign")),
    "marked as an authority, for no stated purpose": Plan(is_ca=True, extended=None),
    "marked as an authority, for any purpose": Plan(
        is_ca=True, extended=(ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE,)
    ),
}


@pytest.mark.parametrize("plan", LEAVES_REFUSED.values(), ids=LEAVES_REFUSED)
def test_certificates_for_other_purposes_are_refused(plan: Plan) -> None:
    """A certificate that is not for signing, or is an authority, is refused by its usage."""
    with refused(Code.CERTIFICATE_USAGE, text="model.sig"):
        verify(bundle_of(ROOT.issue(plan)))


def test_a_leaf_marked_as_an_authority_issues_nothing() -> None:
    """A leaf with cA:TRUE and no keyCertSign, which may sign, is no issuer."""
    marked = ROOT.issue(Plan(subject="CN=marked", is_ca=True), key=curve_key(number=2))
    assert verify(bundle_of(marked)).subject == "CN=marked"
    with refused(Code.CERTIFICATE_UNTRUSTED):
        verify(bundle_of(marked.issue(Plan()), marked))


@pytest.mark.parametrize("kind", ["rsa", "ed25519", "secp256k1"])
def test_certificates_with_other_keys_are_refused(kind: str) -> None:
    """A certificate whose key is not on one of the curves is refused."""
    keys: dict[str, PrivateKey] = {
        "rsa": rsa_key(),
        "ed25519": ed25519_key(),
        "secp256k1": ec.generate_private_key(ec.SECP256K1()),
    }
    leaf = ROOT.issue(Plan(), key=keys[kind])
    with refused(Code.KEY_UNSUPPORTED):
        verify(with_certificates(bundle_of(LEAF), leaf.der))


def test_an_unknown_critical_extension_is_refused() -> None:
    """A critical extension that nobody understands makes a certificate unusable."""
    unknown = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4"), b"\x05\x00")
    assert verify(bundle_of(ROOT.issue(Plan(more=((unknown, False),))))).subject
    with refused(Code.CERTIFICATE_UNTRUSTED):
        verify(bundle_of(ROOT.issue(Plan(more=((unknown, True),)))))


def test_a_self_signed_signer_may_be_pinned() -> None:
    """A self-signed signing certificate is accepted where it is itself given as root only."""
    pinned = root(Plan(subject="CN=pinned"))
    assert verify(bundle_of(pinned), pinned).subject == "CN=pinned"
    with refused(Code.CERTIFICATE_UNTRUSTED):
        verify(bundle_of(pinned), ROOT)


def test_a_stranger_with_the_same_names_is_refused() -> None:
    """A chain with the right names and other keys does not lead to the root."""
    fake_root = root(key=curve_key(number=30))
    fake = fake_root.issue(intermediate_plan(), key=curve_key(number=31))
    with refused(Code.CERTIFICATE_UNTRUSTED, text="does not lead to a trusted root"):
        verify(bundle_of(fake.issue(Plan()), fake, fake_root), ROOT)


NAMED = ROOT.issue(Plan(names=NAMES))
MATCHING = [
    ExpectedIdentity(subject="CN=signer,O=Example"),
    ExpectedIdentity(subject="2.5.4.3=signer,O=Exampl\\65"),
    ExpectedIdentity(identity="https://example.org/release"),
    ExpectedIdentity(identity="release@example.org"),
    ExpectedIdentity(identity="example.org"),
    ExpectedIdentity(san_uri="https://example.org/release"),
    ExpectedIdentity(subject="CN=signer,O=Example", identity="example.org", san_uri=NAMES[0].value),
]


@pytest.mark.parametrize("expected", MATCHING)
def test_the_expected_signer_is_accepted(expected: ExpectedIdentity) -> None:
    """The certificate's own subject and names match, however the subject is spelled."""
    assert verify(bundle_of(NAMED), expected=expected).subject == "CN=signer,O=Example"


DIFFERING = [
    ExpectedIdentity(subject="CN=signer"),
    ExpectedIdentity(subject="O=Example,CN=signer"),
    ExpectedIdentity(subject="CN=signer+O=Example"),
    ExpectedIdentity(subject="CN=signer,O=Example,C=DE"),
    ExpectedIdentity(subject="CN=Signer,O=Example"),
    ExpectedIdentity(identity="CN=signer,O=Example"),
    ExpectedIdentity(identity="signer"),
    ExpectedIdentity(identity="https://example.org/releas"),
    ExpectedIdentity(identity="https://example.org/*"),
    ExpectedIdentity(identity="xample.org"),
    ExpectedIdentity(identity="models.example.org"),
    ExpectedIdentity(identity="*"),
    ExpectedIdentity(san_uri="release@example.org"),
    ExpectedIdentity(san_uri="https://example.org/release/"),
    ExpectedIdentity(subject="CN=signer,O=Example", identity="other.org"),
]


@pytest.mark.parametrize("expected", DIFFERING)
def test_everybody_else_is_refused(expected: ExpectedIdentity) -> None:
    """Parts, supersets, patterns and names of another kind do not match."""
    with refused(Code.IDENTITY_MISMATCH, text="model.sig"):
        verify(bundle_of(NAMED), expected=expected)


def test_a_certificate_without_names_matches_none() -> None:
    """Where a name is expected, a certificate without any is refused and says so."""
    with refused(Code.IDENTITY_MISMATCH, text="found none"):
        verify(bundle_of(LEAF, INTERMEDIATE), expected=ExpectedIdentity(identity="example.org"))


@pytest.mark.parametrize("text", ["signer", "CN", "CN=a,", "CN=a, O=b", "XX=a", "CN=\\zz"])
def test_an_expected_subject_that_is_none_is_wrong_usage(text: str) -> None:
    """A subject that is not an RFC 4514 string is named before anything is verified."""
    with pytest.raises(UsageError, match="expected subject is not usable"):
        verify(bundle_of(LEAF), expected=ExpectedIdentity(subject=text))


def test_a_signature_by_another_key_is_refused() -> None:
    """A chain that is in order does not make another key's signature hold."""
    document = bundle_document(key_signer(number=5), PAYLOAD)
    document["verificationMaterial"] = {
        "x509CertificateChain": {"certificates": [{"rawBytes": base64_of(LEAF.der)}]}
    }
    with refused(Code.SIGNATURE_INVALID, text="model.sig"):
        verify(parse(document), ROOT, INTERMEDIATE)


def test_a_key_signature_is_no_certificate_signature() -> None:
    """A signature of the other method is refused with the method to use."""
    with refused(Code.SIGNATURE_METHOD, text="Verify it with the method 'key'"):
        verify(parse(bundle_document()))


@pytest.mark.parametrize(("algorithm", "accepted"), [(SHA256(), True), (SHA512(), False)])
def test_the_encoding_before_1_0_is_read_on_request_only(
    algorithm: HashAlgorithm, accepted: bool
) -> None:
    """The old encoding with its fixed hash holds with the legacy switch and not without."""
    leaf = ROOT.issue(Plan(), key=curve_key("secp521r1"))
    assert isinstance(leaf.key, ec.EllipticCurvePrivateKey)
    signature = leaf.key.sign(encode_legacy(PAYLOAD), ec.ECDSA(algorithm))
    bundle = dataclasses.replace(bundle_of(leaf), signature=signature)
    with refused(Code.SIGNATURE_INVALID):
        verify(bundle)
    if accepted:
        assert verify(bundle, allow_legacy=True).subject
    else:
        with refused(Code.SIGNATURE_INVALID):
            verify(bundle, allow_legacy=True)


@pytest.mark.parametrize(
    ("pem", "text"),
    [
        (b"", "roots.pem"),
        (public_pem(curve_key()), "found PUBLIC KEY"),
        (b"-----BEGIN CERTIFICATE-----\neHg=\n-----END CERTIFICATE-----\n", "cannot be decoded"),
    ],
)
def test_a_trust_file_without_certificates_is_refused(pem: bytes, text: str) -> None:
    """There are no built-in roots: what is not a file of certificates trusts nobody."""
    with refused(Code.CERTIFICATE_MALFORMED, text=text):
        CertificateVerifier.from_pem(pem, expected=ANYBODY, where="roots.pem")


def test_text_before_the_certificates_is_no_part_of_them() -> None:
    """A trust file with explanatory text before its certificates is read."""
    pem = b"the root:\n" + ROOT.pem + b"\nand another:\n" + INTERMEDIATE.pem
    assert len(load_certificates(pem, where="roots.pem")) == 2


def test_nonsense_in_place_of_a_certificate_is_refused_by_number() -> None:
    """A certificate in the signature that cannot be decoded is named by its number."""
    bundle = with_certificates(bundle_of(LEAF), LEAF.der, b"nonsense")
    with refused(Code.CERTIFICATE_MALFORMED, text="model.sig: certificate 2"):
        verify(bundle)


def flips(data: bytes, *, bits: tuple[int, ...] = (1, 128)) -> list[bytes]:
    """Return *data* with each byte changed in turn."""
    return [
        data[:i] + bytes([data[i] ^ bit]) + data[i + 1 :]
        for i, bit in itertools.product(range(len(data)), bits)
    ]


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("position", [0, 1, 2], ids=["leaf", "intermediate", "root"])
def test_each_changed_byte_of_a_certificate_in_the_signature_is_refused(position: int) -> None:
    """No byte of any certificate in a signature can change unnoticed, needed or not."""
    certificates = [LEAF.der, INTERMEDIATE.der, ROOT.der]
    bundle = bundle_of(LEAF, INTERMEDIATE, ROOT)
    assert verify(bundle).subject
    verifier = CertificateVerifier.from_pem(ROOT.pem, expected=ANYBODY)
    for changed in flips(certificates[position]):
        altered = [*certificates[:position], changed, *certificates[position + 1 :]]
        with pytest.raises(RefusedError):
            verifier.verify(with_certificates(bundle, *altered), at=NOW)


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("name", ["root", "intermediate"])
def test_each_changed_byte_of_a_trust_file_is_refused(name: str) -> None:
    """No byte of a trust file can change unnoticed, be it of a root or of another."""
    parts = {"root": ROOT.pem, "intermediate": INTERMEDIATE.pem}
    bundle = bundle_of(LEAF, INTERMEDIATE)
    for changed in flips(parts[name]):
        pem = b"".join(changed if part == name else whole for part, whole in parts.items())
        with pytest.raises(RefusedError):
            CertificateVerifier.from_pem(pem, expected=ANYBODY).verify(bundle, at=NOW)


def test_a_certificate_with_unused_signature_bits_is_refused() -> None:
    """A BIT STRING that declares padding says the same in other bytes."""
    ders = (ROOT.issue(Plan()).certificate for _ in range(200))
    certificate = next(c for c in ders if c.signature[-1] & 1 == 0)
    der = certificate.public_bytes(Encoding.DER)
    start = len(der) - len(certificate.signature) - 1
    assert load_certificate(der, where="c", error=RefusedError) == certificate
    with refused(Code.CERTIFICATE_MALFORMED):
        load_certificate(der[:start] + b"\x01" + der[start + 1 :], where="c", error=RefusedError)


def _raise(error: Exception) -> Callable[..., object]:
    def fail(*_: object) -> object:
        raise error

    return fail


@pytest.mark.parametrize("kind", FOREIGN_ERRORS)
def test_the_dependencys_errors_are_mapped(
    kind: type[Exception], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever the decoder raises about a certificate becomes a refusal with a code."""
    error = kind.__new__(kind)
    monkeypatch.setattr(x509, "load_der_x509_certificate", _raise(error))
    with refused(Code.CERTIFICATE_MALFORMED, text="where"):
        load_certificate(b"x", where="where", error=RefusedError)


def test_no_error_of_the_dependency_is_forgotten() -> None:
    """Each exception that the dependency defines is mapped, or belongs to parts not used."""
    unused = {
        "AlreadyFinalized",
        "AlreadyUpdated",
        "NotYetFinalized",
        "InvalidKey",
        "InvalidTag",
        "InternalError",
        "AttributeNotFound",
        "ExtensionNotFound",
    }
    defined = {
        item
        for module in (x509, x509.verification, cryptography.exceptions)
        for _, item in inspect.getmembers(module, inspect.isclass)
        if issubclass(item, Exception)
    }
    forgotten = {e.__name__ for e in defined if not issubclass(e, FOREIGN_ERRORS)}
    assert forgotten <= unused


def test_signer_and_verifier_know_their_method() -> None:
    """Both ends say which method they are."""
    issued = root().issue(Plan())
    signer = CertificateSigner(curve_key(number=7), chain=[issued.certificate], where="leaf.pem")
    assert signer.method is CertificateVerifier.method is SigningMethod.CERTIFICATE
