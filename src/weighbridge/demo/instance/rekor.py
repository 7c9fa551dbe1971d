"""
The signature log of the test instance: entries, proofs of inclusion, signed checkpoints.

Source: https://github.com/sigstore/rekor-tiles (API v2, CLIENTS.md); C2SP signed-note and
tlog-checkpoint. An entry is accepted when its signature holds over the digest that it names.
"""

import base64
import binascii
import hashlib
import json
from dataclasses import replace
from typing import Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed

from weighbridge.demo.instance.authority import new_key, public_der
from weighbridge.demo.instance.faults import Conduct, LogFault
from weighbridge.demo.instance.server import (
    Document,
    Request,
    RequestRefusedError,
    Response,
    Routes,
    json_response,
)
from weighbridge.demo.instance.tree import Inclusion, Tree
from weighbridge.formats.json import JsonValue

ORIGIN: Final = "loopback.weighbridge.invalid"
"""The log's name in its checkpoints; a name that nobody can own (RFC 2606)."""

_ALGORITHMS: Final[dict[str, tuple[str, hashes.HashAlgorithm]]] = {
    "PKIX_ECDSA_P256_SHA_256": ("SHA2_256", hashes.SHA256()),
    "PKIX_ECDSA_P384_SHA_384": ("SHA2_384", hashes.SHA384()),
    "PKIX_ECDSA_P521_SHA_512": ("SHA2_512", hashes.SHA512()),
}


class Rekor:
    """
    A transparency log.

    Args:
        conduct: How it misbehaves.
    """

    def __init__(self, conduct: Conduct) -> None:
        self.key = new_key()
        self._stranger = new_key()
        self._tree = Tree()
        self._conduct = conduct

    def routes(self) -> Routes:
        """Return what is served."""
        return {
            ("POST", "/api/v2/log/entries"): self._create,
            ("GET", "/api/v2/checkpoint"): self._checkpoint,
        }

    def add(self, entry: JsonValue) -> JsonValue:
        """Append the canonical form of *entry* and return it as a TransparencyLogEntry."""
        body = json.dumps(entry, sort_keys=True, separators=(",", ":")).encode()
        fault = self._conduct.faults.log
        if fault is LogFault.NOT_LOGGED:
            lonely = hashlib.sha256(b"\x00" + body).digest()
            inclusion = Inclusion(index=0, size=1, root=lonely, path=())
            return self._entry(body, inclusion, checkpoint=self.checkpoint(*self._tree.head()))
        inclusion = self._tree.append(body)
        if fault in {LogFault.BROKEN_PROOF, LogFault.WRONG_INDEX} and not inclusion.path:
            # A tree of one leaf has no path to break and no other index.
            inclusion = self._tree.append(body)
        checkpoint = self.checkpoint(inclusion.size, inclusion.root)
        return self._entry(body, _spoiled(inclusion, fault), checkpoint=checkpoint)

    def checkpoint(self, size: int, root: bytes) -> str:
        """Return the signed note that the tree has *size* leaves and this *root*."""
        fault = self._conduct.faults.log
        key = self._stranger if fault is LogFault.OTHER_KEY else self.key
        hint = log_id(self.key if fault is LogFault.OTHER_CHECKPOINT else key)[:4]
        signer = self._stranger if fault is LogFault.OTHER_CHECKPOINT else key
        note = f"{ORIGIN}\n{size}\n{_base64(root)}\n"
        signature = signer.sign(note.encode(), ec.ECDSA(hashes.SHA256()))
        return f"{note}\n\u2014 {ORIGIN} {_base64(hint + signature)}\n"

    def _entry(self, body: bytes, inclusion: Inclusion, *, checkpoint: str) -> JsonValue:
        fault = self._conduct.faults.log
        key = self._stranger if fault is LogFault.OTHER_KEY else self.key
        proof: dict[str, JsonValue] = {
            "logIndex": str(inclusion.index),
            "rootHash": _base64(inclusion.root),
            "treeSize": str(inclusion.size),
            "hashes": [_base64(step) for step in inclusion.path],
        }
        if fault is not LogFault.NO_CHECKPOINT:
            proof["checkpoint"] = {"envelope": checkpoint}
        kind = json.loads(body)
        entry: dict[str, JsonValue] = {
            "logIndex": str(inclusion.index),
            "logId": {"keyId": _base64(log_id(key))},
            "kindVersion": {"kind": kind["kind"], "version": kind["apiVersion"]},
            "integratedTime": "0",
            "canonicalizedBody": _base64(body),
        }
        if fault is not LogFault.NO_PROOF:
            entry["inclusionProof"] = proof
        return entry

    def _create(self, request: Request) -> Response:
        document = request.document()
        if "hashedRekordRequestV002" not in document:
            raise RequestRefusedError("expected a hashedrekord, which is all that is logged here")
        entry = _hashed_rekord(document.object("hashedRekordRequestV002"))
        return json_response(self.add(entry), status=201)

    def _checkpoint(self, request: Request) -> Response:
        del request
        text = self.checkpoint(*self._tree.head())
        return Response(body=text.encode(), content_type="text/plain; charset=utf-8")


def log_id(key: ec.EllipticCurvePrivateKey) -> bytes:
    """Return how a log with this *key* is called: RFC 6962 section 3.2."""
    return hashlib.sha256(public_der(key)).digest()


def _hashed_rekord(request: Document) -> JsonValue:
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
        key = x509.load_der_x509_certificate(_binary(certificate)).public_key()
        if not isinstance(key, ec.EllipticCurvePublicKey):
            raise RequestRefusedError("expected an elliptic curve key")
        key.verify(
            _binary(signature.text("content")), _binary(digest), ec.ECDSA(Prehashed(algorithm))
        )
    except (ValueError, InvalidSignature) as error:
        raise RequestRefusedError("the signature does not hold") from error
    return {
        "apiVersion": "0.0.2",
        "kind": "hashedrekord",
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


def _spoiled(inclusion: Inclusion, fault: LogFault | None) -> Inclusion:
    """Return the proof, with something wrong in it where that is asked for."""
    if fault is LogFault.BROKEN_PROOF:
        first = bytes([inclusion.path[0][0] ^ 1]) + inclusion.path[0][1:]
        return replace(inclusion, path=(first, *inclusion.path[1:]))
    if fault is LogFault.WRONG_INDEX:
        return replace(inclusion, index=inclusion.index - 1)
    return inclusion


def _binary(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error as error:
        raise RequestRefusedError("expected base64") from error


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()
