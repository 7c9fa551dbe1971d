"""
The signature log of the test instance, in version 1 of its protocol.

Source: https://github.com/sigstore/rekor/blob/main/openapi.yaml and the schema of `dsse` 0.0.1.
Other than version 2 it gets the whole envelope, and it says when it logged it: its promise to
do so is a signature over that time.
"""

import hashlib
import json
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256

from weighbridge.core.values import frozen
from weighbridge.demo.instance.encoding import from_base64, to_base64
from weighbridge.demo.instance.log import Logged, TransparencyLog
from weighbridge.demo.instance.rekor import rendered, require_signature
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
        return json_response(log_envelope(log, request.document()).answer(), status=201)

    return {("POST", "/api/v1/log/entries"): create}


@frozen
class Promised:
    """
    An entry of the log with the log's promise.

    Attributes:
        logged: The entry.
        index: Where in the log.
        time: When, in seconds since 1970.
        promise: The log's signature over entry, time and index.
    """

    logged: Logged
    index: int
    time: int
    promise: bytes

    def answer(self) -> JsonValue:
        """Return what clients get, by the entry's UUID."""
        verification: dict[str, JsonValue] = {"signedEntryTimestamp": to_base64(self.promise)}
        if self.logged.inclusion:
            verification["inclusionProof"] = {
                "logIndex": self.index,
                "rootHash": self.logged.inclusion.root.hex(),
                "treeSize": self.logged.inclusion.size,
                "hashes": [step.hex() for step in self.logged.inclusion.path],
                "checkpoint": self.logged.checkpoint,
            }
        uuid = hashlib.sha256(b"\x00" + self.logged.body).hexdigest()
        signed = _signed(self.logged, index=self.index, time=self.time)
        return {uuid: {**signed, "verification": verification}}

    def entry(self) -> JsonValue:
        """Return what clients make of it in a signature file."""
        return {
            **rendered(self.logged, kind=_KIND, version=_VERSION),
            "integratedTime": str(self.time),
            "inclusionPromise": {"signedEntryTimestamp": to_base64(self.promise)},
        }


def log_envelope(log: TransparencyLog, request: Document) -> Promised:
    """
    Log what the *request* asks for.

    Raises:
        RequestRefusedError: The signature does not hold, or something else is asked.
    """
    if (request.text("kind"), request.text("apiVersion")) != (_KIND, _VERSION):
        raise RequestRefusedError(f"expected {_KIND} {_VERSION}, which is all that is logged")
    proposed = request.object("spec").object("proposedContent")
    entry = _entry(proposed.text("envelope"), proposed.only("verifiers"))
    logged = log.append(_canonical(entry))
    index = logged.inclusion.index if logged.inclusion else 0
    time = int(log.time().timestamp())
    promise = log.promise(_canonical(_signed(logged, index=index, time=time)))
    return Promised(logged=logged, index=index, time=time, promise=promise)


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
    payload = from_base64(document.text("payload"))
    try:
        signer = x509.load_pem_x509_certificate(from_base64(verifier))
    except ValueError as error:
        raise RequestRefusedError("the certificate cannot be read") from error
    require_signature(signer, from_base64(signature), encode(payload), ec.ECDSA(SHA256()))
    return {
        "apiVersion": _VERSION,
        "kind": _KIND,
        "spec": {
            "envelopeHash": _hash(envelope.encode()),
            "payloadHash": _hash(payload),
            "signatures": [{"signature": signature, "verifier": verifier}],
        },
    }


def _signed(logged: Logged, *, index: int, time: int) -> dict[str, JsonValue]:
    """Return what the log's promise is over."""
    return {
        "body": to_base64(logged.body),
        "integratedTime": time,
        "logID": logged.log.hex(),
        "logIndex": index,
    }


def _hash(data: bytes) -> JsonValue:
    return {"algorithm": "sha256", "value": hashlib.sha256(data).hexdigest()}


def _canonical(value: JsonValue) -> bytes:
    """Return the canonical form (RFC 8785) of a *value* without fractions, in ASCII."""
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()
