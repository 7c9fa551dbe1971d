"""
Keyless signatures on the test instance, made part by part by a client that checks nothing.

The real clients refuse to finish a signature when an authority misbehaves. This one takes what it
gets, and gives tests the parts to exchange before they are put together.
"""

import base64
import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import requests
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from rfc3161_client import TimestampRequestBuilder

from weighbridge.core.codes import Code
from weighbridge.core.errors import SignatureRejectedError
from weighbridge.core.evidence import Verification
from weighbridge.core.identity import SigningMethod
from weighbridge.demo.instance.faults import Faults
from weighbridge.demo.instance.loopback import LoopbackSigstore
from weighbridge.pipeline.sign import sign
from weighbridge.pipeline.verify import verify
from weighbridge.signing.dsse import PAYLOAD_TYPE, encode
from weighbridge.signing.sigstore.expected import Exactly, ExpectedSigner
from weighbridge.signing.sigstore.trust import parse_trust
from weighbridge.signing.sigstore.verification import SigstoreVerifier

ADA = "ada@example.org"

FILES = {
    "config.json": b"{}",
    "model.safetensors": b"weights" * 100,
    "sub/vocab.txt": b"words",
}


@dataclass(frozen=True, kw_only=True)
class Parts:
    """
    The parts of a keyless signature.

    Attributes:
        payload: The statement.
        signature: Over it.
        certificate: The signer's (DER).
        entry: The log's, as in a signature file.
        stamps: Timestamps over the signature (DER).
    """

    payload: bytes
    signature: bytes
    certificate: bytes
    entry: dict[str, Any]
    stamps: tuple[bytes, ...]

    def bundle(self) -> dict[str, Any]:
        """Return the signature file's content."""
        return {
            "mediaType": "application/vnd.dev.sigstore.bundle.v0.3+json",
            "verificationMaterial": {
                "certificate": {"rawBytes": b64(self.certificate)},
                "tlogEntries": [self.entry],
                "timestampVerificationData": {
                    "rfc3161Timestamps": [{"signedTimestamp": b64(stamp)} for stamp in self.stamps]
                },
            },
            "dsseEnvelope": {
                "payload": b64(self.payload),
                "payloadType": PAYLOAD_TYPE,
                "signatures": [{"sig": b64(self.signature)}],
            },
        }


Alter = Callable[[Parts], Parts]


class CarelessSigner:
    """
    Signs as whoever the token is about, and looks at nothing that it gets.

    Args:
        instance: Where to sign.
        token: The default is one for `ADA`.
        version: Of the log's protocol.
        stamps: How many timestamps to ask for.
        alter: Exchanges parts before they are put together.
    """

    method = SigningMethod.SIGSTORE

    def __init__(
        self,
        instance: LoopbackSigstore,
        *,
        token: str | None = None,
        version: int = 2,
        stamps: int | None = None,
        alter: Alter | None = None,
    ) -> None:
        self._instance = instance
        self._token = token or instance.token(ADA)
        self._version = version
        self._stamps = (1 if version == 2 else 0) if stamps is None else stamps
        self._alter = alter

    def sign(self, statement: bytes, /) -> bytes:
        """Return the signature file for *statement*."""
        parts = self.parts(statement)
        if self._alter:
            parts = self._alter(parts)
        return json.dumps(parts.bundle()).encode()

    def parts(self, statement: bytes) -> Parts:
        """Return the parts of a signature over *statement*."""
        key = ec.generate_private_key(ec.SECP256R1())
        request = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([]))
        pem, *_ = self._instance.fulcio.issue(self._token, request.sign(key, SHA256()))
        certificate = x509.load_pem_x509_certificate(pem.encode()).public_bytes(Encoding.DER)
        signature = key.sign(encode(statement), ec.ECDSA(SHA256()))
        log = logged_v1 if self._version == 1 else logged_v2
        return Parts(
            payload=statement,
            signature=signature,
            certificate=certificate,
            entry=log(self._instance, statement, signature, certificate),
            stamps=tuple(stamped(self._instance, signature) for _ in range(self._stamps)),
        )


def b64(data: bytes) -> str:
    """Return *data* in base64."""
    return base64.b64encode(data).decode()


def stamped(instance: LoopbackSigstore, message: bytes) -> bytes:
    """Return a timestamp over *message*."""
    return instance.tsa.stamp(TimestampRequestBuilder().data(message).build().as_bytes())


def logged_v2(
    instance: LoopbackSigstore, statement: bytes, signature: bytes, certificate: bytes
) -> dict[str, Any]:
    """Log a signature by version 2 of the protocol."""
    verifier = {
        "keyDetails": "PKIX_ECDSA_P256_SHA_256",
        "x509Certificate": {"rawBytes": b64(certificate)},
    }
    request = {
        "hashedRekordRequestV002": {
            "digest": b64(hashlib.sha256(encode(statement)).digest()),
            "signature": {"content": b64(signature), "verifier": verifier},
        }
    }
    return _post(f"{instance.addresses.rekor}/api/v2/log/entries", request)


def logged_v1(
    instance: LoopbackSigstore, statement: bytes, signature: bytes, certificate: bytes
) -> dict[str, Any]:
    """Log a signature by version 1 of the protocol."""
    envelope = {
        "payload": b64(statement),
        "payloadType": PAYLOAD_TYPE,
        "signatures": [{"sig": b64(signature)}],
    }
    pem = x509.load_der_x509_certificate(certificate).public_bytes(Encoding.PEM)
    content = {"envelope": json.dumps(envelope), "verifiers": [b64(pem)]}
    request = {"kind": "dsse", "apiVersion": "0.0.1", "spec": {"proposedContent": content}}
    answer = _post(f"{instance.addresses.rekor}/api/v1/log/entries", request)
    (entry,) = answer.values()
    verification = entry["verification"]
    proof = verification["inclusionProof"]
    return {
        "logIndex": str(entry["logIndex"]),
        "logId": {"keyId": b64(bytes.fromhex(entry["logID"]))},
        "kindVersion": {"kind": "dsse", "version": "0.0.1"},
        "integratedTime": str(entry["integratedTime"]),
        "inclusionPromise": {"signedEntryTimestamp": verification["signedEntryTimestamp"]},
        "inclusionProof": {
            "logIndex": str(proof["logIndex"]),
            "rootHash": b64(bytes.fromhex(proof["rootHash"])),
            "treeSize": str(proof["treeSize"]),
            "hashes": [b64(bytes.fromhex(step)) for step in proof["hashes"]],
            "checkpoint": {"envelope": proof["checkpoint"]},
        },
        "canonicalizedBody": entry["body"],
    }


def write_model(place: Path) -> Path:
    """Write a small model to *place*."""
    for name, data in FILES.items():
        path = place / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return place


def sign_model(model: Path, signer: CarelessSigner) -> None:
    """Sign *model* into its `model.sig`."""
    sign(model, signer=signer)


def keyless_verifier(trust: Path, *, identity: str, issuer: str) -> SigstoreVerifier:
    """Return our verifier, for a signer under the trust configuration at *trust*."""
    return SigstoreVerifier(
        trust=parse_trust(trust.read_bytes(), where=str(trust)),
        expected=ExpectedSigner(identity=Exactly(identity), issuer=issuer),
    )


def verify_model(
    model: Path,
    instance: LoopbackSigstore,
    *,
    identity: str = ADA,
    issuer: str | None = None,
    trust: Path | None = None,
) -> Verification:
    """Verify `model.sig` of *model* as made by *identity* on *instance*."""
    verifier = keyless_verifier(
        trust or instance.trust_config, identity=identity, issuer=issuer or instance.issuer.url
    )
    return verify(model, verifier=verifier)


def _post(place: str, body: dict[str, Any]) -> dict[str, Any]:
    answer = requests.post(place, json=body, timeout=30)
    answer.raise_for_status()
    entry: dict[str, Any] = answer.json()
    return entry


def read_bundle(model: Path) -> dict[str, Any]:
    """Return the content of the model's signature file."""
    content: dict[str, Any] = json.loads((model / "model.sig").read_bytes())
    return content


def write_bundle(model: Path, content: dict[str, Any]) -> None:
    """Replace the content of the model's signature file."""
    (model / "model.sig").write_text(json.dumps(content))


def now() -> datetime:
    """Return the time, without parts of a second."""
    return datetime.now(UTC).replace(microsecond=0)


class Case:
    """
    A model that is signed in some way, and what the verification has to say of it.

    Attributes:
        model: The model.
        instance: Where it is signed.
    """

    def __init__(self, model: Path, instance: LoopbackSigstore) -> None:
        self.model = model
        self.instance = instance

    def sign(
        self,
        *,
        faults: Faults | None = None,
        alter: Alter | None = None,
        token: str | None = None,
        version: int = 2,
        stamps: int | None = None,
    ) -> None:
        """Sign the model carelessly."""
        signer = CarelessSigner(
            self.instance, token=token, version=version, stamps=stamps, alter=alter
        )
        with self.instance.misbehaving(faults or Faults()):
            sign_model(self.model, signer)

    def parts(self, statement: bytes, *, token: str | None = None, version: int = 2) -> Parts:
        """Return the parts of another good signature, over *statement*."""
        return CarelessSigner(self.instance, token=token, version=version).parts(statement)

    def accepted(
        self, *, identity: str = ADA, issuer: str | None = None, trust: Path | None = None
    ) -> None:
        """Require that the signature is accepted, with the whole model covered."""
        evidence = verify_model(
            self.model, self.instance, identity=identity, issuer=issuer, trust=trust
        )
        assert set(evidence.covered) == set(FILES)

    def refused(
        self,
        *codes: Code,
        identity: str = ADA,
        issuer: str | None = None,
        trust: Path | None = None,
    ) -> SignatureRejectedError:
        """Require that the signature is refused, for one of the reasons *codes*."""
        with pytest.raises(SignatureRejectedError) as caught:
            verify_model(self.model, self.instance, identity=identity, issuer=issuer, trust=trust)
        assert caught.value.code in codes, str(caught.value)
        return caught.value
