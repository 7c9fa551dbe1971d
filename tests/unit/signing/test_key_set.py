"""Several keys of one signer."""

import dataclasses
from datetime import timedelta

import pytest

from support.pki import NOW, public_pem, root
from support.pki import curve_key as key
from support.signatures import key_signer, key_verifier, refused, state
from weighbridge.core.codes import Code
from weighbridge.core.errors import KeyRejectedError, UsageError
from weighbridge.core.identity import SigningMethod
from weighbridge.signing.bundle import CertificateMaterial, KeyMaterial, parse_bundle
from weighbridge.signing.key import KeyVerifier
from weighbridge.signing.key_set import KeySetVerifier
from weighbridge.signing.statement import render_statement

PAYLOAD = render_statement(state())


def both() -> KeySetVerifier:
    """Return the verifier of two keys."""
    return KeySetVerifier(
        [key_verifier(number=0), key_verifier("secp384r1", number=1)], where="trust.release"
    )


@pytest.mark.parametrize(("curve", "number"), [("secp256r1", 0), ("secp384r1", 1)])
def test_each_key_of_the_set_is_accepted(curve: str, number: int) -> None:
    """Whichever key signed, its own identity is reported."""
    signer = key_signer(curve, number=number)
    bundle = parse_bundle(signer.sign(PAYLOAD), where="model.sig")
    assert both().verify(bundle, at=NOW) == signer.identity
    assert both().method is SigningMethod.KEY


def test_other_keys_are_refused() -> None:
    """A key outside the set is a mismatch, and the set is named."""
    bundle = parse_bundle(key_signer(number=2).sign(PAYLOAD), where="model.sig")
    with refused(Code.KEY_MISMATCH, text="none of the 2 keys of trust.release"):
        both().verify(bundle, at=NOW)


def test_a_changed_signature_is_invalid_and_no_mismatch() -> None:
    """What the named key says of the signature is what is reported."""
    bundle = parse_bundle(key_signer("secp384r1", number=1).sign(PAYLOAD), where="model.sig")
    with refused(Code.SIGNATURE_INVALID):
        both().verify(dataclasses.replace(bundle, payload=PAYLOAD + b" "), at=NOW)


def test_without_a_hint_every_key_is_tried() -> None:
    """A signature that names its key by another way is verified with each key."""
    curve = key("secp384r1", number=1)
    bundle = parse_bundle(key_signer("secp384r1", number=1).sign(PAYLOAD), where="model.sig")
    plain = dataclasses.replace(
        bundle, material=KeyMaterial(hint=None, public_pem=public_pem(curve))
    )
    assert both().verify(plain, at=NOW).curve == "secp384r1"


def test_another_method_is_told() -> None:
    """A certificate's signature is none of the set's."""
    bundle = parse_bundle(key_signer().sign(PAYLOAD), where="model.sig")
    other = dataclasses.replace(bundle, material=CertificateMaterial(certificates=(root().der,)))
    with refused(Code.SIGNATURE_METHOD):
        both().verify(other, at=NOW)


def test_a_key_is_there_once() -> None:
    """The same key twice is a mistake in the policy; an empty set accepts nobody."""
    with pytest.raises(KeyRejectedError, match="a key is there twice"):
        KeySetVerifier([key_verifier(), key_verifier()], where="trust.release")
    with pytest.raises(UsageError, match="at least one"):
        KeySetVerifier([], where="trust.release")


def test_the_end_of_one_key_is_not_the_end_of_the_other() -> None:
    """A key that was taken out of use does not keep the new one from signing."""
    old = KeyVerifier.from_pem(public_pem(key(number=0)), valid_until=NOW - timedelta(days=1))
    keys = KeySetVerifier([old, key_verifier("secp384r1", number=1)], where="trust.release")
    fresh = parse_bundle(key_signer("secp384r1", number=1).sign(PAYLOAD), where="model.sig")
    late = parse_bundle(key_signer(number=0).sign(PAYLOAD), where="model.sig")
    assert keys.verify(fresh, at=NOW).curve == "secp384r1"
    with refused(Code.KEY_EXPIRED):
        keys.verify(late, at=NOW)
