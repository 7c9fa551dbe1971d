"""
The signature log of the test instance, in version 1 of its protocol.

Source: https://github.com/sigstore/rekor/blob/main/openapi.yaml and the schema of `dsse` 0.0.1.
Other than version 2 it gets the whole envelope, and it says when it logged it: its promise to
do so is a signature over that time.
"""

import base64
import binascii
import hashlib
import json
from typing import Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256

from weighbridge.demo.instance.log import Logged, TransparencyLog
from weighbridge.demo.instance.server import (
    Document,
    Request,
    RequestRefusedError,
    Response,
    Routes,
    json_response,
)
from weighbridge.formats.json import JsonValue, parse_json
from weighbridge.signing.dsse import PAYLOAD_TYPE, encode

_KIND: Final = "dsse"
_VERSION: Final = "0.0.1"


def routes(log: TransparencyLog) -> Routes:
    """Return what is served for *log*."""

    def create(request: Request) -> Response:
        document = request.document()
        if (document.text("kind"), document.text("apiVersion")) != (_KIND, _VERSION):
            raise RequestRefusedError(f"expected {_KIND} {_VERSION}, which is all that is logged")
        proposed = document.object("spec").object("proposedContent")
        entry = _entry(proposed.text("envelope"), proposed.only("verifiers"))
        return json_response(_rendered(log, log.append(_canonical(entry))), status=201)

    return {("POST", "/api/v1/log/entries"): create}


def _entry(envelope: str, verifier: str) -> JsonValue:
    """
    Return the entry for an *envelope* that the holder of the certificate *verifier* signed.

    Raises:
        RequestRefusedError: It is signed by somebody else, or is another kind of envelope.
    """
    document = Document(parse_json(envelope.encode(), what="envelope"))
    if document.text("payloadType") != PAYLOAD_TYPE:
        raise RequestRefusedError(f"expected a payload of {PAYLOAD_TYPE}")
    signature = document.only_object("signatures").text("sig")
    payload = _binary(document.text("payload"))
    try:
        key = x509.load_pem_x509_certificate(_binary(verifier)).public_key()
        if not isinstance(key, ec.EllipticCurvePublicKey):
            raise RequestRefusedError("expected an elliptic curve key")
        key.verify(_binary(signature), encode(payload), ec.ECDSA(SHA256()))
    except (ValueError, InvalidSignature) as error:
        raise RequestRefusedError("the signature does not hold") from error
    return {
        "apiVersion": _VERSION,
        "kind": _KIND,
        "spec": {
            "envelopeHash": _hash(envelope.encode()),
            "payloadHash": _hash(payload),
            "signatures": [{"signature": signature, "verifier": verifier}],
        },
    }


def _rendered(log: TransparencyLog, logged: Logged) -> JsonValue:
    """Return *logged* as version 1 answers: by its UUID."""
    index = logged.inclusion.index if logged.inclusion else 0
    signed: dict[str, JsonValue] = {
        "body": base64.b64encode(logged.body).decode(),
        "integratedTime": int(log.time().timestamp()),
        "logID": logged.log.hex(),
        "logIndex": index,
    }
    promise = base64.b64encode(log.promise(_canonical(signed))).decode()
    verification: dict[str, JsonValue] = {"signedEntryTimestamp": promise}
    if logged.inclusion:
        verification["inclusionProof"] = {
            "logIndex": index,
            "rootHash": logged.inclusion.root.hex(),
            "treeSize": logged.inclusion.size,
            "hashes": [step.hex() for step in logged.inclusion.path],
            "checkpoint": logged.checkpoint,
        }
    uuid = hashlib.sha256(b"\x00" + logged.body).hexdigest()
    return {uuid: {**signed, "verification": verification}}


def _hash(data: bytes) -> JsonValue:
    return {"algorithm": "sha256", "value": hashlib.sha256(data).hexdigest()}


def _canonical(value: JsonValue) -> bytes:
    """Return the canonical form (RFC 8785) of a *value* without fractions, in ASCII."""
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()


def _binary(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error as error:
        raise RequestRefusedError("expected base64") from error
