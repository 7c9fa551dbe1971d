"""Keyless signatures: what was signed, and that nothing else passes for it."""

from dataclasses import replace

import pytest

from support.keyless import Case, read_bundle, write_bundle
from weighbridge.core.codes import Code
from weighbridge.demo.instance.careless import Parts


@pytest.mark.parametrize("version", [1, 2])
def test_a_good_signature_is_accepted(case: Case, version: int) -> None:
    """What the tests below refuse differs from this, which is accepted, in one thing each."""
    case.sign(version=version)
    case.accepted()


def test_a_tampered_file_is_refused(case: Case) -> None:
    """One changed byte of a file is noticed, and the file named."""
    case.sign()
    (case.model / "config.json").write_bytes(b"[]")
    assert "config.json" in str(case.refused(Code.DIGEST_MISMATCH))


def test_an_added_file_is_refused(case: Case) -> None:
    """A file that was not there when the model was signed is noticed."""
    case.sign()
    (case.model / "modeling.py").write_bytes(b"")
    assert "modeling.py" in str(case.refused(Code.FILE_NOT_COVERED))


def test_a_removed_file_is_refused(case: Case) -> None:
    """A file that is gone is noticed."""
    case.sign()
    (case.model / "config.json").unlink()
    case.refused(Code.FILE_MISSING)


def test_a_tampered_statement_is_refused(case: Case) -> None:
    """A statement with one other digit than the signed one is refused."""

    def alter(parts: Parts) -> Parts:
        return replace(parts, payload=parts.payload.replace(b"config", b"confih"))

    case.sign(alter=alter)
    case.refused(Code.SIGNATURE_INVALID)


def test_white_space_in_the_statement_is_tampering(case: Case) -> None:
    """A statement that means the same in other bytes is not the signed one."""
    case.sign(alter=lambda parts: replace(parts, payload=parts.payload + b"\n"))
    case.refused(Code.SIGNATURE_INVALID)


def test_the_statement_of_another_signature_is_refused(case: Case) -> None:
    """A statement that the same signer signed, too, does not go with this signature."""

    def alter(parts: Parts) -> Parts:
        return replace(parts, payload=case.parts(parts.payload + b" ").payload)

    case.sign(alter=alter)
    case.refused(Code.SIGNATURE_INVALID)


def test_another_signature_over_the_statement_is_refused(case: Case) -> None:
    """The signature of another key of the same signer does not go with this certificate."""

    def alter(parts: Parts) -> Parts:
        return replace(parts, signature=case.parts(parts.payload).signature)

    case.sign(alter=alter)
    case.refused(Code.SIGNATURE_INVALID, Code.TIMESTAMP_REQUIRED)


def test_a_damaged_signature_is_refused(case: Case) -> None:
    """A signature with one other bit is refused."""

    def alter(parts: Parts) -> Parts:
        damaged = parts.signature[:-1] + bytes([parts.signature[-1] ^ 1])
        return replace(parts, signature=damaged)

    case.sign(alter=alter)
    case.refused(Code.SIGNATURE_INVALID, Code.TIMESTAMP_REQUIRED)


def test_a_second_signature_is_refused(case: Case) -> None:
    """A signature file with a second signature that nobody verifies is refused."""
    case.sign()
    bundle = read_bundle(case.model)
    bundle["dsseEnvelope"]["signatures"] *= 2
    write_bundle(case.model, bundle)
    case.refused(Code.SIGNATURE_COUNT)


def test_a_signature_over_a_message_is_refused(case: Case) -> None:
    """A signature file of the kind that has no statement is refused."""
    case.sign()
    bundle = read_bundle(case.model)
    signature = bundle.pop("dsseEnvelope")["signatures"][0]["sig"]
    bundle["messageSignature"] = {"signature": signature}
    write_bundle(case.model, bundle)
    case.refused(Code.SIGNATURE_MALFORMED)


@pytest.mark.parametrize(
    "kind",
    [
        "application/vnd.dev.sigstore.bundle+json;version=0.1",
        "application/vnd.dev.sigstore.bundle+json;version=0.2",
        "application/vnd.dev.sigstore.bundle.v0.4+json",
    ],
)
def test_another_kind_of_file_is_refused(case: Case, kind: str) -> None:
    """A signature file that claims to follow other rules is not read by these."""
    case.sign()
    write_bundle(case.model, {**read_bundle(case.model), "mediaType": kind})
    case.refused(Code.SIGNATURE_MALFORMED)


def test_certificates_in_the_place_of_the_certificate_are_refused(case: Case) -> None:
    """A chain, which is how another method signs, does not make this another method."""
    case.sign()
    bundle = read_bundle(case.model)
    material = bundle["verificationMaterial"]
    material["x509CertificateChain"] = {"certificates": [material.pop("certificate")]}
    write_bundle(case.model, bundle)
    case.refused(Code.SIGNATURE_MALFORMED)


def test_two_kinds_of_key_material_are_refused(case: Case) -> None:
    """A certificate and a public key beside it: nobody can tell which one is meant."""
    case.sign()
    bundle = read_bundle(case.model)
    bundle["verificationMaterial"]["publicKey"] = {"hint": "00"}
    write_bundle(case.model, bundle)
    case.refused(Code.SIGNATURE_MALFORMED)
