"""
The signature log of the test instance, in version 2 of its protocol.

Source: https://github.com/sigstore/rekor-tiles (API v2, CLIENTS.md). An entry is accepted when
its signature holds over the digest that it names. Signatures of statements are logged like any
other, by the digest of what was signed.
"""

import json
from typing import Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed

from weighbridge.demo.instance.encoding import from_base64, to_base64
from weighbridge.demo.instance.log import Logged, TransparencyLog
from weighbridge.demo.instance.server import (
    Document,
    Request,
    RequestRefusedError,
    Response,
    Routes,
    json_response,
)
from weighbridge.formats.json import JsonValue

_KIND: Final = "hashedrekord"
_VERSION: Final = "0.0.2"

_ALGORITHMS: Final[dict[str, tuple[str, hashes.HashAlgorithm]]] = {
    "PKIX_ECDSA_P256_SHA_256": ("SHA2_256", hashes.SHA256()),
    "PKIX_ECDSA_P384_SHA_384": ("SHA2_384", hashes.SHA384()),
    "PKIX_ECDSA_P521_SHA_512": ("SHA2_512", hashes.SHA512()),
}


def routes(log: TransparencyLog) -> Routes:
    """Return what is served for *log*."""

    def create(request: Request) -> Response:
        return json_response(log_signature(log, request.document()), status=201)

    def checkpoint(request: Request) -> Response:
        del request
        return Response(body=log.checkpoint().encode(), content_type="text/plain; charset=utf-8")

    return {("POST", "/api/v2/log/entries"): create, ("GET", "/api/v2/checkpoint"): checkpoint}


def log_signature(log: TransparencyLog, request: Document) -> JsonValue:
    """
    Log what the *request* asks for, and return the entry as clients get it.

    Raises:
        RequestRefusedError: The signature does not hold, or something else is asked.
    """
    if "hashedRekordRequestV002" not in request:
        raise RequestRefusedError("expected a hashedrekord, which is all that is logged here")
    entry = _entry(request.object("hashedRekordRequestV002"))
    body = json.dumps(entry, sort_keys=True, separators=(",", ":")).encode()
    return {**rendered(log.append(body), kind=_KIND, version=_VERSION), "integratedTime": "0"}


def _entry(request: Document) -> JsonValue:
    """
    Return the entry for a signature over a digest.

    Raises:
        RequestRefusedError: The signature does not hold.
    """
    digest = request.text("digest")
    signature = request.object("signature")
    verifier = signature.object("verifier")
    details = verifier.text("keyDetails")
    certificate = verifier.object("x509Certificate").text("rawBytes")
    if details not in _ALGORITHMS:
        raise RequestRefusedError(f"expected one of {', '.join(_ALGORITHMS)}")
    name, algorithm = _ALGORITHMS[details]
    try:
        signer = x509.load_der_x509_certificate(from_base64(certificate))
    except ValueError as error:
        raise RequestRefusedError("the certificate cannot be read") from error
    require_signature(
        signer,
        from_base64(signature.text("content")),
        from_base64(digest),
        ec.ECDSA(Prehashed(algorithm)),
    )
    return {
        "apiVersion": _VERSION,
        "kind": _KIND,
        "spec": {
            "hashedRekordV002": {
                "data": {"algorithm": name, "digest": digest},
                "signature": {
                    "content": signature.text("content"),
                    "verifier": {
                        "keyDetails": details,
                        "x509Certificate": {"rawBytes": certificate},
                    },
                },
            }
        },
    }


def require_signature(
    signer: x509.Certificate, signature: bytes, signed: bytes, algorithm: ec.ECDSA, /
) -> None:
    """
    Refuse what the holder of a certificate did not sign.

    Raises:
        RequestRefusedError: The signature does not hold, or is by another kind of key.
    """
    try:
        key = signer.public_key()
        if not isinstance(key, ec.EllipticCurvePublicKey):
            raise RequestRefusedError("expected an elliptic curve key")
        key.verify(signature, signed, algorithm)
    except (ValueError, InvalidSignature) as error:
        raise RequestRefusedError("the signature does not hold") from error


def rendered(logged: Logged, *, kind: str, version: str) -> dict[str, JsonValue]:
    """Return *logged* as a TransparencyLogEntry, but for its time."""
    index = logged.inclusion.index if logged.inclusion else 0
    entry: dict[str, JsonValue] = {
        "logIndex": str(index),
        "logId": {"keyId": to_base64(logged.log)},
        "kindVersion": {"kind": kind, "version": version},
        "canonicalizedBody": to_base64(logged.body),
    }
    if logged.inclusion:
        proof: dict[str, JsonValue] = {
            "logIndex": str(index),
            "rootHash": to_base64(logged.inclusion.root),
            "treeSize": str(logged.inclusion.size),
            "hashes": [to_base64(step) for step in logged.inclusion.path],
        }
        if logged.checkpoint is not None:
            proof["checkpoint"] = {"envelope": logged.checkpoint}
        entry["inclusionProof"] = proof
    return entry
