"""Keys of every kind: what each signs and verifies, and what none is taken for."""

import dataclasses
import json
from functools import cache

import pytest
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ed25519, mldsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from support.pki import NOW, curve_key, root
from support.signatures import parse, refused, state
from weighbridge.core.codes import Code
from weighbridge.core.errors import KeyRejectedError, RefusedError, SignatureRejectedError
from weighbridge.signing import algorithms, dsse, generation, key_file
from weighbridge.signing.algorithms import NONSTANDARD, PrivateKey, kind_of, sign_payload
from weighbridge.signing.bundle import parse_bundle
from weighbridge.signing.generation import CURVES, OTHERS, generate_key
from weighbridge.signing.key import KeySigner, KeyVerifier
from weighbridge.signing.statement import render_statement

PAYLOAD = render_statement(state())
KINDS = ("secp256r1", "secp384r1", "secp521r1", *NONSTANDARD)


@cache
def key_of(kind: str, number: int = 0) -> PrivateKey:
    """Return the key *number* of *kind*; the same one within a test run."""
    match kind:
        case "ed25519":
            return ed25519.Ed25519PrivateKey.from_private_bytes(bytes([number]) * 32)
        case "ml-dsa-44":
            return mldsa.MLDSA44PrivateKey.from_seed_bytes(bytes([number]) * 32)
        case "ml-dsa-65":
            return mldsa.MLDSA65PrivateKey.from_seed_bytes(bytes([number]) * 32)
        case "ml-dsa-87":
            return mldsa.MLDSA87PrivateKey.from_seed_bytes(bytes([number]) * 32)
        case _:
            return curve_key(kind, number=number)


def private_of(kind: str, *, password: bytes | None = None) -> bytes:
    """Return the PEM file of a private key."""
    encryption = BestAvailableEncryption(password) if password else NoEncryption()
    return key_of(kind).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption)


def public_of(kind: str, number: int = 0) -> bytes:
    """Return the PEM file of a public key."""
    public = key_of(kind, number).public_key()
    return public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def verifier_of(kind: str, number: int = 0) -> KeyVerifier:
    """Return the verifier of a key, whatever its kind."""
    return KeyVerifier.from_pem(public_of(kind, number), where="key.pub", allow_nonstandard=True)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("password", [None, b"secret"])
def test_a_key_of_each_kind_signs_and_verifies(kind: str, password: bytes | None) -> None:
    """A private key, encrypted or not, makes signatures that its public half verifies."""
    pem = private_of(kind, password=password)
    signer = KeySigner.from_pem(pem, password=password, allow_nonstandard=True)
    identity = verifier_of(kind).verify(parse_bundle(signer.sign(PAYLOAD), where="s"), at=NOW)
    assert identity == signer.identity
    assert identity.curve == kind


@pytest.mark.parametrize("kind", NONSTANDARD)
def test_an_encrypted_key_needs_its_password(kind: str) -> None:
    """The new kinds are protected as the others are."""
    for wrong in (None, b"other"):
        with refused(Code.PASSWORD):
            KeySigner.from_pem(
                private_of(kind, password=b"secret"), password=wrong, allow_nonstandard=True
            )


@pytest.mark.parametrize("kind", NONSTANDARD)
def test_a_kind_that_the_format_lacks_needs_permission(kind: str) -> None:
    """Without permission such keys neither sign nor verify, and the message says what to say."""
    with refused(Code.KEY_UNSUPPORTED, text="--allow-nonstandard-keys"):
        KeySigner.from_pem(private_of(kind))
    with refused(Code.KEY_UNSUPPORTED, text="other clients cannot read"):
        KeyVerifier.from_pem(public_of(kind))


@pytest.mark.parametrize("kind", KINDS)
def test_no_signature_is_taken_for_one_of_another_kind(kind: str) -> None:
    """A signature by one key verifies under no other key of any kind, nor with its hint."""
    bundle = KeySigner(key_of(kind)).sign(PAYLOAD)
    parsed = parse_bundle(bundle, where="model.sig")
    for other in KINDS:
        verifier = verifier_of(other, number=0 if other != kind else 1)
        with refused(Code.KEY_MISMATCH):
            verifier.verify(parsed, at=NOW)

        swapped = json.loads(bundle)
        named = json.loads(KeySigner(key_of(other, 0 if other != kind else 1)).sign(b"x"))
        swapped["verificationMaterial"] = named["verificationMaterial"]
        with refused(Code.SIGNATURE_INVALID):
            verifier.verify(parse(swapped), at=NOW)


@pytest.mark.parametrize("kind", NONSTANDARD)
def test_a_signature_of_another_length_is_malformed(kind: str) -> None:
    """Signatures of these kinds have one length each: nothing can be added or left out."""
    bundle = parse_bundle(KeySigner(key_of(kind)).sign(PAYLOAD), where="model.sig")

    for signature in (bundle.signature[:-1], bundle.signature + b"\0", b""):
        changed = dataclasses.replace(bundle, signature=signature)
        with refused(Code.SIGNATURE_INVALID, text=f"expected a {kind} signature"):
            verifier_of(kind).verify(changed, at=NOW)


@pytest.mark.parametrize("kind", NONSTANDARD)
def test_the_signature_is_the_plain_one_over_the_encoding(kind: str) -> None:
    """What is signed is the DSSE encoding itself: not hashed before, and with no context."""
    bundle = parse_bundle(KeySigner(key_of(kind)).sign(PAYLOAD), where="model.sig")
    public = key_of(kind).public_key()
    assert isinstance(
        public,
        ed25519.Ed25519PublicKey
        | mldsa.MLDSA44PublicKey
        | mldsa.MLDSA65PublicKey
        | mldsa.MLDSA87PublicKey,
    )
    public.verify(bundle.signature, dsse.encode(PAYLOAD))


@pytest.mark.parametrize("kind", NONSTANDARD)
def test_the_old_encoding_is_read_for_elliptic_curves_alone(kind: str) -> None:
    """Releases before 1.0 had no such keys: permission for their encoding changes nothing."""
    key = key_of(kind)
    assert isinstance(
        key,
        ed25519.Ed25519PrivateKey
        | mldsa.MLDSA44PrivateKey
        | mldsa.MLDSA65PrivateKey
        | mldsa.MLDSA87PrivateKey,
    )
    bundle = parse_bundle(KeySigner(key).sign(PAYLOAD), where="model.sig")

    old = dataclasses.replace(bundle, signature=key.sign(dsse.encode_legacy(PAYLOAD)))
    verifier = KeyVerifier.from_pem(
        public_of(kind), where="key.pub", allow_nonstandard=True, allow_legacy=True
    )
    assert verifier.verify(bundle, at=NOW).curve == kind
    with refused(Code.SIGNATURE_INVALID):
        verifier.verify(old, at=NOW)


@pytest.mark.parametrize("kind", ["ed25519", "ml-dsa-44"])
def test_each_substituted_byte_of_a_public_key_is_refused(kind: str) -> None:
    """A public key file has one spelling: a changed byte is a broken file or another key."""
    pem = public_of(kind)
    bundle = parse_bundle(KeySigner(key_of(kind)).sign(PAYLOAD), where="model.sig")
    step = max(1, len(pem) // 150)
    for position in range(0, len(pem), step):
        changed = pem[:position] + bytes([pem[position] ^ 1]) + pem[position + 1 :]
        with pytest.raises(RefusedError):
            KeyVerifier.from_pem(changed, where="k", allow_nonstandard=True).verify(bundle, at=NOW)


def test_a_fault_while_signing_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """A fresh signature that does not hold never leaves, for the new kinds as well."""
    monkeypatch.setattr(algorithms, "_holds", lambda *_: False)
    with pytest.raises(SignatureRejectedError, match="fresh signature"):
        sign_payload(key_of("ed25519"), PAYLOAD)


def test_a_certificate_with_such_a_key_signs_nothing() -> None:
    """The new kinds are for the key method: nothing else has no kind."""
    assert kind_of(root().certificate) is None
    assert kind_of(key_of("ed25519")) is kind_of(key_of("ed25519").public_key())


@pytest.mark.parametrize("kind", [*CURVES, *OTHERS])
@pytest.mark.parametrize("password", [None, b"secret"])
def test_a_key_of_each_kind_is_made(kind: str, password: bytes | None) -> None:
    """A new key is read back, with its password where it has one."""
    new = generate_key(kind, password=password)
    signer = KeySigner.from_pem(new.private_pem, password=password, allow_nonstandard=True)
    assert signer.identity == new.identity
    assert (b"ENCRYPTED" in new.private_pem) == (password is not None)


def unsupported(*_: object, **__: object) -> PrivateKey:
    """Do as a library without ML-DSA does."""
    message = "ML-DSA-65 is not supported by this backend."
    raise UnsupportedAlgorithm(message)


def test_a_library_without_ml_dsa_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the installed library has no ML-DSA, the message says what has to be installed."""
    pem, public = private_of("ml-dsa-65"), public_of("ml-dsa-65")
    assert generate_key("ml-dsa-65").identity.curve == "ml-dsa-65"
    monkeypatch.setattr(generation, "OTHERS", {"ml-dsa-65": unsupported})
    monkeypatch.setattr(key_file, "load_der_public_key", unsupported)
    monkeypatch.setattr(key_file, "load_pem_private_key", unsupported)
    for attempt in (
        lambda: generate_key("ml-dsa-65"),
        lambda: KeySigner.from_pem(pem, allow_nonstandard=True),
        lambda: KeyVerifier.from_pem(public, allow_nonstandard=True),
    ):
        with pytest.raises(KeyRejectedError, match="pip install 'cryptography>=48'") as raised:
            attempt()
        assert raised.value.code is Code.KEY_UNSUPPORTED
