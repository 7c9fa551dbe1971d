"""The signature file: what is read, what is refused, what is written."""

import json
from collections.abc import Callable

import pytest

from support.pki import CURVES, NOW
from support.signatures import (
    Document,
    altered,
    base64_of,
    bundle_document,
    key_signer,
    key_verifier,
    parse,
    refused,
)
from weighbridge.core.codes import Code
from weighbridge.core.errors import LimitExceededError, RefusedError
from weighbridge.core.identity import SigningMethod
from weighbridge.signing import bundle as bundle_module
from weighbridge.signing.bundle import (
    CertificateMaterial,
    KeyMaterial,
    parse_bundle,
    render_bundle,
)
from weighbridge.signing.interface import Verifier

CHAIN: Document = {"certificates": [{"rawBytes": base64_of(b"certificate")}]}
STAMPS: Document = {"rfc3161Timestamps": [{"signedTimestamp": base64_of(b"token")}]}


def material(document: Document) -> Document:
    """Return the verification material of a bundle."""
    found: Document = document["verificationMaterial"]
    return found


def envelope(document: Document) -> Document:
    """Return the envelope of a bundle."""
    found: Document = document["dsseEnvelope"]
    return found


def signature(document: Document) -> Document:
    """Return the one signature of a bundle."""
    found: Document = envelope(document)["signatures"][0]
    return found


def use_chain(document: Document) -> None:
    """Make the bundle one of the certificate method."""
    document["verificationMaterial"] = {"x509CertificateChain": CHAIN}


ACCEPTED: dict[str, Callable[[Document], object]] = {
    "as we write it": lambda _: None,
    "keyid absent": lambda d: signature(d).pop("keyid"),
    "keyid null": lambda d: signature(d).update(keyid=None),
    "no tlogEntries": lambda d: material(d).pop("tlogEntries"),
    "key itself and details instead of a hint": lambda d: material(d).update(
        publicKey={"rawBytes": base64_of(b"pem"), "keyDetails": "PKIX_ECDSA_P256_SHA_256"}
    ),
    "time stamps": lambda d: material(d).update(timestampVerificationData=STAMPS),
    "no time stamps in their place": lambda d: material(d).update(timestampVerificationData={}),
    "certificate chain": use_chain,
}


@pytest.mark.parametrize("change", ACCEPTED.values(), ids=ACCEPTED)
def test_every_form_that_producers_write_is_read(change: Callable[[Document], object]) -> None:
    """A bundle in any form that a known producer writes is parsed to the same payload."""
    document = bundle_document(payload=b"statement")
    assert parse(altered(document, change)).payload == b"statement"


REFUSED: dict[str, tuple[Callable[[Document], object], Code]] = {
    "another media type": (
        lambda d: d.update(mediaType="application/vnd.dev.sigstore.bundle.v0.2+json"),
        Code.SIGNATURE_MALFORMED,
    ),
    "media type of the wrong type": (lambda d: d.update(mediaType=1), Code.SIGNATURE_MALFORMED),
    "no media type": (lambda d: d.pop("mediaType"), Code.SIGNATURE_MALFORMED),
    "unknown member": (lambda d: d.update(extra=1), Code.SIGNATURE_MALFORMED),
    "unknown member in the envelope": (
        lambda d: envelope(d).update(extra=1),
        Code.SIGNATURE_MALFORMED,
    ),
    "unknown member in the signature": (
        lambda d: signature(d).update(extra=1),
        Code.SIGNATURE_MALFORMED,
    ),
    "unknown member in the material": (
        lambda d: material(d).update(extra=1),
        Code.SIGNATURE_MALFORMED,
    ),
    "unknown member beside the hint": (
        lambda d: material(d)["publicKey"].update(extra=1),
        Code.SIGNATURE_MALFORMED,
    ),
    "no material": (lambda d: d.update(verificationMaterial={}), Code.SIGNATURE_MALFORMED),
    "material null": (lambda d: d.update(verificationMaterial=None), Code.SIGNATURE_MALFORMED),
    "two kinds of material": (
        lambda d: material(d).update(x509CertificateChain=CHAIN),
        Code.SIGNATURE_MALFORMED,
    ),
    "keyless": (
        lambda d: d.update(verificationMaterial={"certificate": {"rawBytes": "AA=="}}),
        Code.SIGNATURE_MALFORMED,
    ),
    "neither hint nor key": (
        lambda d: material(d).update(publicKey={}),
        Code.SIGNATURE_MALFORMED,
    ),
    "log entries": (lambda d: material(d).update(tlogEntries=[{}]), Code.SIGNATURE_MALFORMED),
    "log entries null": (
        lambda d: material(d).update(tlogEntries=None),
        Code.SIGNATURE_MALFORMED,
    ),
    "empty chain": (
        lambda d: d.update(verificationMaterial={"x509CertificateChain": {"certificates": []}}),
        Code.SIGNATURE_MALFORMED,
    ),
    "too many certificates": (
        lambda d: d.update(
            verificationMaterial={
                "x509CertificateChain": {"certificates": CHAIN["certificates"] * 33}
            }
        ),
        Code.SIGNATURE_MALFORMED,
    ),
    "certificate of the wrong type": (
        lambda d: d.update(verificationMaterial={"x509CertificateChain": {"certificates": [7]}}),
        Code.SIGNATURE_MALFORMED,
    ),
    "no signature": (lambda d: envelope(d).update(signatures=[]), Code.SIGNATURE_COUNT),
    "signatures null": (lambda d: envelope(d).update(signatures=None), Code.SIGNATURE_MALFORMED),
    "keyid used": (lambda d: signature(d).update(keyid="k"), Code.SIGNATURE_MALFORMED),
    "keyid a list": (lambda d: signature(d).update(keyid=[]), Code.SIGNATURE_MALFORMED),
    "keyid false": (lambda d: signature(d).update(keyid=False), Code.SIGNATURE_MALFORMED),
    "another payload type": (
        lambda d: envelope(d).update(payloadType="text/plain"),
        Code.SIGNATURE_MALFORMED,
    ),
    "payload empty": (lambda d: envelope(d).update(payload=""), Code.SIGNATURE_MALFORMED),
    "payload without padding": (
        lambda d: envelope(d).update(payload="QQ"),
        Code.SIGNATURE_MALFORMED,
    ),
    "payload with loose bits": (
        lambda d: envelope(d).update(payload="QR=="),
        Code.SIGNATURE_MALFORMED,
    ),
    "payload in the URL alphabet": (
        lambda d: envelope(d).update(payload="_-_-"),
        Code.SIGNATURE_MALFORMED,
    ),
    "payload with a line break": (
        lambda d: envelope(d).update(payload="QUFB\nQUFB"),
        Code.SIGNATURE_MALFORMED,
    ),
    "payload beyond ASCII": (
        lambda d: envelope(d).update(payload="QUFÄ"),
        Code.SIGNATURE_MALFORMED,
    ),
    "signature too long": (
        lambda d: signature(d).update(sig="A" * 12_000),
        Code.SIGNATURE_MALFORMED,
    ),
    "unknown member among the time stamps": (
        lambda d: material(d).update(timestampVerificationData={"extra": 1}),
        Code.SIGNATURE_MALFORMED,
    ),
    "time stamp that is no object": (
        lambda d: material(d).update(timestampVerificationData={"rfc3161Timestamps": ["x"]}),
        Code.SIGNATURE_MALFORMED,
    ),
}


@pytest.mark.parametrize(("change", "code"), REFUSED.values(), ids=REFUSED)
def test_a_bundle_with_anything_else_is_refused(
    change: Callable[[Document], object], code: Code
) -> None:
    """A bundle that differs from an acceptable one in one respect is refused, naming the file."""
    document = altered(bundle_document(payload=b"statement"), change)
    with refused(code, text="model.sig"):
        parse(document)


@pytest.mark.parametrize(
    "data", [b"", b"[]", b"null", b"{", b"\xff", b'{"a":1,"a":2}', b"\xef\xbb\xbf{}", b"{}{}"]
)
def test_what_is_no_strict_json_object_is_refused(data: bytes) -> None:
    """A file that is not one strict JSON object is a malformed signature, not a crash."""
    with refused(Code.SIGNATURE_MALFORMED, text="model.sig"):
        parse_bundle(data, where="model.sig")


def test_absurd_nesting_meets_its_bound() -> None:
    """A bundle nested beyond the bound stops at the bound."""
    with pytest.raises(LimitExceededError):
        parse_bundle(b"[" * 100_000 + b"]" * 100_000, where="model.sig")


def test_a_file_beyond_the_bound_is_refused_unread(monkeypatch: pytest.MonkeyPatch) -> None:
    """A file of one byte more than the bound is refused; one of its size is read."""
    data = key_signer().sign(b"statement")
    monkeypatch.setattr(bundle_module, "MAX_BUNDLE_BYTES", len(data))
    assert parse_bundle(data, where="model.sig").payload == b"statement"
    monkeypatch.setattr(bundle_module, "MAX_BUNDLE_BYTES", len(data) - 1)
    with refused(Code.SIGNATURE_MALFORMED, text="too large"):
        parse_bundle(data, where="model.sig")


@pytest.mark.parametrize("character", ["\U0001f600", r"\ud83d\ude00", r"\u0061"])
def test_characters_that_widen_every_other_one_have_a_lower_bound(
    monkeypatch: pytest.MonkeyPatch, character: str
) -> None:
    """A file that is not ASCII, or escapes characters, is refused earlier than one that is."""
    monkeypatch.setattr(bundle_module, "MAX_WIDE_BUNDLE_BYTES", 40)
    with refused(Code.SIGNATURE_MALFORMED, text="too large: expected at most 40"):
        parse_bundle(f'{{"a": "{character}{40 * "x"}"}}'.encode(), where="model.sig")
    with refused(Code.SIGNATURE_MALFORMED, text="unknown"):
        parse_bundle(f'{{"a": "{40 * "x"}"}}'.encode(), where="model.sig")
    with refused(Code.SIGNATURE_MALFORMED, text="unknown"):
        parse_bundle(f'{{"a": "{character}"}}'.encode(), where="model.sig")


def test_what_is_written_is_compact_sorted_json() -> None:
    """A written bundle is one line of JSON with sorted keys and no optional white space."""
    data = render_bundle(payload=b"p", signature=b"s", material=KeyMaterial(hint="ab"))
    assert data == (
        b'{"dsseEnvelope":{"payload":"cA==","payloadType":"application/vnd.in-toto+json",'
        b'"signatures":[{"keyid":"","sig":"cw=="}]},'
        b'"mediaType":"application/vnd.dev.sigstore.bundle.v0.3+json",'
        b'"verificationMaterial":{"publicKey":{"hint":"ab"},"tlogEntries":[]}}'
    )


def test_a_written_chain_is_read_back() -> None:
    """A written certificate bundle keeps the certificates and their order."""
    certificates = CertificateMaterial(certificates=(b"leaf", b"issuer"))
    data = render_bundle(payload=b"p", signature=b"s", material=certificates)
    bundle = parse_bundle(data, where="model.sig")
    assert bundle.material == certificates
    assert bundle.method is SigningMethod.CERTIFICATE


def test_white_space_between_tokens_stays_free() -> None:
    """Other producers indent their bundles: the same tokens are the same signature."""
    document = bundle_document()
    for text in (
        json.dumps(document, indent=4),
        json.dumps(document),
        f" {json.dumps(document)}\n",
    ):
        bundle = parse_bundle(text.encode(), where="model.sig")
        assert key_verifier().verify(bundle, at=NOW) == key_signer().identity


def test_time_stamps_are_kept_and_not_believed() -> None:
    """Time stamps of a bundle are kept as bytes and change nothing about the method."""
    document = altered(
        bundle_document(), lambda d: material(d).update(timestampVerificationData=STAMPS)
    )
    bundle = parse(document)
    assert bundle.timestamps == (b"token",)
    assert bundle.method is SigningMethod.KEY


@pytest.mark.parametrize("curve", CURVES)
def test_each_substituted_byte_of_a_signature_file_is_refused(curve: str) -> None:
    """
    A signature file that we wrote is refused with any one byte replaced, whatever it becomes.

    All 255 other values at every position for P-256; a sample of values for the larger curves.
    """
    data = key_signer(curve).sign(b'{"s":1}')
    verifier = key_verifier(curve)
    verifier.verify(parse_bundle(data, where="model.sig"), at=NOW)
    values = range(1, 256) if curve == "secp256r1" else (1, 2, 3, 4, 8, 15, 16, 32, 64, 128)
    accepted = [
        (position, flip)
        for position in range(len(data))
        for flip in values
        if accepts(verifier, substituted(data, position, flip))
    ]
    assert accepted == []


def test_each_deleted_byte_of_a_signature_file_is_refused() -> None:
    """A signature file that we wrote is refused with any one byte taken away."""
    data = key_signer().sign(b'{"s":1}')
    verifier = key_verifier()
    accepted = [i for i in range(len(data)) if accepts(verifier, data[:i] + data[i + 1 :])]
    assert accepted == []


def test_an_inserted_byte_is_refused_unless_json_gives_it_no_meaning() -> None:
    """Only white space between tokens and the escape of a slash may be added: JSON's own."""
    data = key_signer().sign(b'{"s":1}')
    verifier = key_verifier()
    inserted = [bytes([value]) for value in (*b' \t\r\n"\\,:[]{}0aA+/=', 0, 127, 128, 255)]
    for position in range(len(data) + 1):
        for extra in inserted:
            changed = data[:position] + extra + data[position:]
            if accepts(verifier, changed):
                assert extra in b" \t\r\n\\"
                assert json.loads(changed) == json.loads(data)


def substituted(data: bytes, position: int, flip: int) -> bytes:
    """Return *data* with the byte at *position* changed."""
    return data[:position] + bytes([data[position] ^ flip]) + data[position + 1 :]


def accepts(verifier: Verifier, data: bytes) -> bool:
    """Tell whether *verifier* accepts the signature file; anything but a refusal is an error."""
    try:
        verifier.verify(parse_bundle(data, where="model.sig"), at=NOW)
    except RefusedError:
        return False
    return True
