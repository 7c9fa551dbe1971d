"""The key method."""

import hashlib
from collections.abc import Callable

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import (
    decode_dss_signature,
    encode_dss_signature,
)
from cryptography.hazmat.primitives.hashes import SHA256, SHA384, SHA512, HashAlgorithm
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from support.pki import (
    CURVES,
    NOW,
    PrivateKey,
    curve_key,
    ed25519_key,
    private_pem,
    public_pem,
    root,
    rsa_key,
)
from support.signatures import base64_of, bundle_document, key_signer, key_verifier, parse, refused
from weighbridge.core.codes import Code
from weighbridge.core.errors import RefusedError, SignatureRejectedError
from weighbridge.core.identity import SigningMethod
from weighbridge.signing import ecdsa
from weighbridge.signing.bundle import parse_bundle
from weighbridge.signing.dsse import encode, encode_legacy
from weighbridge.signing.key import KeySigner, KeyVerifier

PAYLOAD = b'{"s": 1}\n'
HASHES: dict[str, HashAlgorithm] = {
    "secp256r1": SHA256(),
    "secp384r1": SHA384(),
    "secp521r1": SHA512(),
}
FORMS = (PrivateFormat.PKCS8, PrivateFormat.TraditionalOpenSSL)


@pytest.mark.parametrize("curve", CURVES)
def test_a_signature_verifies_with_its_key(curve: str) -> None:
    """A signature by a key on any of the three curves verifies and names the key."""
    bundle = parse_bundle(key_signer(curve).sign(PAYLOAD), where="model.sig")
    identity = key_verifier(curve).verify(bundle, at=NOW)
    der = (
        curve_key(curve).public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    )
    assert identity.fingerprint == hashlib.sha256(der).hexdigest()
    assert identity.curve == curve
    assert bundle.payload == PAYLOAD


@pytest.mark.parametrize("curve", CURVES)
def test_the_signature_is_over_the_encoding_with_the_curves_hash(curve: str) -> None:
    """The signature bytes are ECDSA over the DSSE encoding with the hash of the curve."""
    bundle = parse_bundle(key_signer(curve).sign(PAYLOAD), where="model.sig")
    curve_key(curve).public_key().verify(bundle.signature, encode(PAYLOAD), ec.ECDSA(HASHES[curve]))


def test_the_hint_is_the_digest_of_the_pem_text() -> None:
    """The hint of a signature is what sha256sum prints for the public key's file."""
    document = bundle_document()
    expected = hashlib.sha256(public_pem(curve_key())).hexdigest()
    assert document["verificationMaterial"]["publicKey"] == {"hint": expected}


def test_another_key_is_refused_by_the_hint() -> None:
    """A signature by another key is refused with both hints."""
    bundle = parse_bundle(key_signer().sign(PAYLOAD), where="model.sig")
    with refused(Code.KEY_MISMATCH, text="names another key than key.pub"):
        key_verifier(number=1).verify(bundle, at=NOW)


def test_a_hint_alone_does_not_make_a_signature() -> None:
    """A signature by another key is refused though its hint names the given one."""
    document = bundle_document(key_signer(number=1))
    mine = bundle_document(key_signer())
    document["verificationMaterial"] = mine["verificationMaterial"]
    with refused(Code.SIGNATURE_INVALID, text="model.sig"):
        key_verifier().verify(parse(document), at=NOW)


def test_another_payload_is_refused() -> None:
    """A signature does not hold over another payload, however little it differs."""
    document = bundle_document(payload=PAYLOAD)
    document["dsseEnvelope"]["payload"] = base64_of(PAYLOAD + b"\n")
    with refused(Code.SIGNATURE_INVALID):
        key_verifier().verify(parse(document), at=NOW)


@pytest.mark.parametrize("curve", CURVES)
def test_a_key_in_place_of_a_hint_must_be_the_given_one(curve: str) -> None:
    """The key that older signatures carry is compared with the given one and not trusted."""
    details = {"secp256r1": "P256_SHA_256", "secp384r1": "P384_SHA_384"}.get(curve, "P521_SHA_512")
    document = bundle_document(key_signer(curve))
    carried = {"rawBytes": base64_of(public_pem(curve_key(curve)))}
    for material in (carried, {**carried, "keyDetails": f"PKIX_ECDSA_{details}"}):
        document["verificationMaterial"] = {"publicKey": material}
        identity = key_verifier(curve).verify(parse(document), at=NOW)
        assert identity == key_signer(curve).identity
    document["verificationMaterial"] = {"publicKey": {**carried, "keyDetails": "PKIX_RSA"}}
    with refused(Code.KEY_MISMATCH):
        key_verifier(curve).verify(parse(document), at=NOW)


def test_a_carried_key_is_never_used() -> None:
    """A signature by a stranger who carries his own key is refused."""
    document = bundle_document(key_signer(number=1))
    stranger = {"rawBytes": base64_of(public_pem(curve_key(number=1)))}
    document["verificationMaterial"] = {"publicKey": stranger}
    with refused(Code.KEY_MISMATCH):
        key_verifier().verify(parse(document), at=NOW)


def test_a_certificate_signature_is_no_key_signature() -> None:
    """A signature of the other method is refused with the method to use."""
    document = bundle_document()
    document["verificationMaterial"] = {
        "x509CertificateChain": {"certificates": [{"rawBytes": "AAAA"}]}
    }
    with refused(Code.SIGNATURE_METHOD, text="Verify it with the method 'certificate'"):
        key_verifier().verify(parse(document), at=NOW)


@pytest.mark.parametrize("curve", CURVES)
@pytest.mark.parametrize("fixed_hash", [False, True])
def test_the_encoding_before_1_0_is_read_on_request_only(curve: str, fixed_hash: bool) -> None:
    """A signature over the old encoding holds with the legacy switch and not without."""
    document = bundle_document(key_signer(curve), PAYLOAD)
    algorithm = SHA256() if fixed_hash else HASHES[curve]
    signature = curve_key(curve).sign(encode_legacy(PAYLOAD), ec.ECDSA(algorithm))
    document["dsseEnvelope"]["signatures"] = [{"sig": base64_of(signature), "keyid": None}]
    bundle = parse(document)
    identity = key_verifier(curve, allow_legacy=True).verify(bundle, at=NOW)
    assert identity == key_signer(curve).identity
    with refused(Code.SIGNATURE_INVALID):
        key_verifier(curve).verify(bundle, at=NOW)


@pytest.mark.parametrize(
    "change",
    [
        lambda s: s + b"\0",
        lambda s: s[:-1],
        lambda s: b"\x30\x81" + s[1:],
        lambda s: bytes(len(s)),
        lambda _: b"\x30\x00",
        lambda s: encode_dss_signature(0, decode_dss_signature(s)[1]),
    ],
)
def test_a_signature_that_is_not_der_is_refused(change: Callable[[bytes], bytes]) -> None:
    """Trailing bytes, long forms and absurd integers are refused like any wrong signature."""
    document = bundle_document()
    signature = change(parse(document).signature)
    document["dsseEnvelope"]["signatures"][0]["sig"] = base64_of(signature)
    with refused(Code.SIGNATURE_INVALID):
        key_verifier().verify(parse(document), at=NOW)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("password", [None, b"correct horse"])
def test_a_private_key_is_read_in_every_form(form: PrivateFormat, password: bytes | None) -> None:
    """PKCS #8 and SEC 1, encrypted or not, give the same key."""
    pem = private_pem(curve_key(), password=password, form=form)
    assert KeySigner.from_pem(pem, password=password).identity == key_signer().identity


def test_curve_parameters_before_the_key_are_not_used() -> None:
    """A file that some tools write, with the parameters as a block of their own, is read."""
    parameters = b"-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n"
    pem = parameters + private_pem(curve_key(), form=PrivateFormat.TraditionalOpenSSL)
    assert KeySigner.from_pem(pem).identity == key_signer().identity
    with refused(Code.KEY_MALFORMED, text="expected a private key"):
        KeySigner.from_pem(parameters)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("password", [None, b"", b"wrong"])
def test_a_wrong_password_is_told_from_a_broken_file(
    form: PrivateFormat, password: bytes | None
) -> None:
    """A missing or wrong password is named as such, with the file."""
    pem = private_pem(curve_key(), password=b"right", form=form)
    with refused(Code.PASSWORD, text="k.pem"):
        KeySigner.from_pem(pem, password=password, where="k.pem")


@pytest.mark.parametrize("password", [b"", b"x"])
def test_a_password_for_an_open_key_is_refused(password: bytes) -> None:
    """A password for a key that is not encrypted points at a mix-up."""
    with refused(Code.PASSWORD, text="not encrypted"):
        KeySigner.from_pem(private_pem(curve_key()), password=password)


@pytest.mark.parametrize(
    ("pem", "hint"),
    [
        (private_pem(curve_key()), "private half"),
        (private_pem(curve_key(), password=b"x"), "private half"),
        (private_pem(curve_key(), form=PrivateFormat.TraditionalOpenSSL), "private half"),
        (root().pem, "method 'certificate'"),
        (b"-----BEGIN OTHER-----\neHg=\n-----END OTHER-----\n", "found OTHER [key-malformed]"),
        (public_pem(curve_key()) * 2, "more than one PEM block"),
    ],
)
def test_another_file_in_place_of_a_public_key_is_named(pem: bytes, hint: str) -> None:
    """A private key, a certificate or anything else in place of a public key is told apart."""
    with refused(Code.KEY_MALFORMED, text=hint):
        KeyVerifier.from_pem(pem, where="key.pub")


def test_a_public_key_in_place_of_a_private_one_is_named() -> None:
    """A public key given for signing is told apart."""
    with refused(Code.KEY_MALFORMED, text="needs the private half"):
        KeySigner.from_pem(public_pem(curve_key()))


UNSUPPORTED: dict[str, PrivateKey] = {
    "RSA": rsa_key(),
    "Ed25519": ed25519_key(),
    "another curve": ec.generate_private_key(ec.SECP256K1()),
}


@pytest.mark.parametrize("key", UNSUPPORTED.values(), ids=UNSUPPORTED)
def test_keys_of_other_kinds_are_refused(key: PrivateKey) -> None:
    """RSA, Ed25519 and other curves are refused for verifying and signing, naming the file."""
    with refused(Code.KEY_UNSUPPORTED, text="k.pem"):
        KeyVerifier.from_pem(public_pem(key), where="k.pem")
    with refused(Code.KEY_UNSUPPORTED, text="k.pem"):
        KeySigner.from_pem(private_pem(key), where="k.pem")


@pytest.mark.parametrize("label", ["PUBLIC KEY", "PRIVATE KEY", "EC PRIVATE KEY"])
def test_a_key_that_cannot_be_decoded_is_refused(label: str) -> None:
    """A PEM block with nonsense in it is a broken key file, not a crash."""
    pem = f"-----BEGIN {label}-----\neHg=\n-----END {label}-----\n".encode()
    with refused(Code.KEY_MALFORMED, text="cannot be decoded"):
        if label == "PUBLIC KEY":
            KeyVerifier.from_pem(pem)
        else:
            KeySigner.from_pem(pem)


def test_a_compressed_public_key_is_refused() -> None:
    """A public key has one encoding: the point is written out."""
    point = curve_key().public_key().public_bytes(Encoding.X962, PublicFormat.CompressedPoint)
    der = bytes.fromhex("3039301306072a8648ce3d020106082a8648ce3d030107032200") + point
    body = base64_of(der)
    pem = f"-----BEGIN PUBLIC KEY-----\n{body[:64]}\n{body[64:]}\n-----END PUBLIC KEY-----\n"
    with refused(Code.KEY_MALFORMED, text="canonical"):
        KeyVerifier.from_pem(pem.encode())


def test_a_private_key_with_a_hybrid_point_is_refused() -> None:
    """The hybrid form of the public half says the same in other bytes, and is refused."""
    key = curve_key()
    point = key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    der = key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    hybrid = bytes([6 + (point[-1] & 1)]) + point[1:]
    body = base64_of(der.replace(point, hybrid))
    lines = "".join(f"{body[i : i + 64]}\n" for i in range(0, len(body), 64))
    pem = f"-----BEGIN PRIVATE KEY-----\n{lines}-----END PRIVATE KEY-----\n"
    with refused(Code.KEY_MALFORMED, text="canonical"):
        KeySigner.from_pem(pem.encode())


@pytest.mark.parametrize("curve", CURVES)
def test_each_substituted_byte_of_a_public_key_is_refused(curve: str) -> None:
    """A public key file with any byte replaced by any other is refused."""
    pem = public_pem(curve_key(curve))
    bundle = parse_bundle(key_signer(curve).sign(PAYLOAD), where="model.sig")
    for position in range(len(pem)):
        for flip in range(1, 256):
            changed = pem[:position] + bytes([pem[position] ^ flip]) + pem[position + 1 :]
            with pytest.raises(RefusedError):
                KeyVerifier.from_pem(changed).verify(bundle, at=NOW)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("password", [None, b"pw"])
def test_each_substituted_byte_of_a_private_key_is_refused(
    form: PrivateFormat, password: bytes | None
) -> None:
    """A private key file with any byte changed in any bit is refused."""
    pem = private_pem(curve_key(), password=password, form=form)
    for position in range(len(pem)):
        for flip in (1, 2, 4, 8, 16, 32, 64, 128):
            changed = pem[:position] + bytes([pem[position] ^ flip]) + pem[position + 1 :]
            with pytest.raises(RefusedError):
                KeySigner.from_pem(changed, password=password)


def test_a_fresh_signature_that_does_not_hold_never_leaves(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A fault while signing is noticed before the signature is written."""
    monkeypatch.setattr(ecdsa, "holds", lambda *_: False)
    with pytest.raises(SignatureRejectedError, match="fresh signature"):
        key_signer().sign(PAYLOAD)


def test_signer_and_verifier_know_their_method() -> None:
    """Both ends say which method they are."""
    assert KeySigner(curve_key()).method is KeyVerifier.method is SigningMethod.KEY
