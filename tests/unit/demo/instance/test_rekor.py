"""The signature log of the test instance, in both versions of its protocol: what it logs."""

import base64
import hashlib
import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import requests
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding

from support.merkle import climb
from support.sigstore_client import STATEMENT, client_signs
from weighbridge.core.limits.demo import MAX_INSTANCE_REQUEST_BYTES
from weighbridge.demo.instance.faults import Conduct, Faults, LogFault
from weighbridge.demo.instance.log import TransparencyLog
from weighbridge.demo.instance.loopback import LoopbackSigstore
from weighbridge.signing.dsse import encode


@dataclass(frozen=True, kw_only=True)
class Signed:
    """A signature that the log has seen, and requests to log it again."""

    bundle: dict[str, Any]

    @property
    def certificate(self) -> str:
        """The certificate in base64."""
        text: str = self.bundle["verificationMaterial"]["certificate"]["rawBytes"]
        return text

    @property
    def signature(self) -> str:
        """The signature in base64."""
        text: str = self.bundle["dsseEnvelope"]["signatures"][0]["sig"]
        return text

    def second(self, **changes: str) -> dict[str, Any]:
        """Return the request of version 2."""
        digest = base64.b64encode(hashlib.sha256(encode(STATEMENT)).digest()).decode()
        return {
            "hashedRekordRequestV002": {
                "digest": changes.get("digest", digest),
                "signature": {
                    "content": changes.get("content", self.signature),
                    "verifier": {
                        "keyDetails": changes.get("details", "PKIX_ECDSA_P256_SHA_256"),
                        "x509Certificate": {
                            "rawBytes": changes.get("certificate", self.certificate)
                        },
                    },
                },
            }
        }

    def first(self, **changes: str) -> dict[str, Any]:
        """Return the request of version 1."""
        envelope = {
            "payload": changes.get("payload", base64.b64encode(STATEMENT).decode()),
            "payloadType": changes.get("type", "application/vnd.in-toto+json"),
            "signatures": [{"sig": changes.get("content", self.signature)}],
        }
        pem = (
            "-----BEGIN CERTIFICATE-----\n"
            f"{changes.get('certificate', self.certificate)}\n"
            "-----END CERTIFICATE-----\n"
        )
        return {
            "kind": changes.get("kind", "dsse"),
            "apiVersion": "0.0.1",
            "spec": {
                "proposedContent": {
                    "envelope": changes.get("envelope", json.dumps(envelope)),
                    "verifiers": [base64.b64encode(pem.encode()).decode()],
                }
            },
        }


@pytest.fixture(scope="module")
def signed(instance: LoopbackSigstore) -> Signed:
    """A signature by a client."""
    return Signed(bundle=json.loads(client_signs(instance.trust_config, instance.token())))


def _log(instance: LoopbackSigstore, version: int, body: dict[str, Any]) -> requests.Response:
    place = f"{instance.addresses.rekor}/api/v{version}/log/entries"
    return requests.post(place, json=body, timeout=30)


OTHER = base64.b64encode(b"\x01" * 32).decode()
STRANGE = base64.b64encode(
    ec.generate_private_key(ec.SECP256R1()).sign(b"something", ec.ECDSA(SHA256()))
).decode()


def test_what_was_signed_is_logged(instance: LoopbackSigstore, signed: Signed) -> None:
    """A good signature is logged again by either protocol, at an index of its own."""
    second = _log(instance, 2, signed.second())
    assert second.status_code == 201
    first = _log(instance, 1, signed.first())
    assert first.status_code == 201
    ((_, entry),) = first.json().items()
    assert entry["logIndex"] == int(second.json()["logIndex"]) + 1


@pytest.mark.parametrize(
    "changes",
    [
        {"digest": OTHER},
        {"content": STRANGE},
        {"content": "AAAA"},
        {"certificate": "AAAA"},
        {"certificate": "!"},
        {"details": "PKIX_ECDSA_P384_SHA_384"},
        {"details": "PKIX_ED25519"},
    ],
)
def test_version_2_logs_no_signature_that_does_not_hold(
    instance: LoopbackSigstore, signed: Signed, changes: dict[str, str]
) -> None:
    """Over another digest, by another key or unreadable: it is not logged."""
    before = instance.log.checkpoint().splitlines()[1]
    assert _log(instance, 2, signed.second(**changes)).status_code == 400
    assert instance.log.checkpoint().splitlines()[1] == before


@pytest.mark.parametrize(
    "changes",
    [
        {"payload": OTHER},
        {"content": STRANGE},
        {"content": "!"},
        {"certificate": "AAAA"},
        {"type": "text/plain"},
        {"kind": "rekord"},
        {"envelope": "[]"},
        {"envelope": "{"},
        {"envelope": '{"payloadType": "application/vnd.in-toto+json", "signatures": []}'},
        {"envelope": '{"payloadType": "application/vnd.in-toto+json", "signatures": [1, 2]}'},
    ],
)
def test_version_1_logs_no_envelope_that_does_not_hold(
    instance: LoopbackSigstore, signed: Signed, changes: dict[str, str]
) -> None:
    """With another payload, by another key or of another kind: it is not logged."""
    before = instance.log.checkpoint().splitlines()[1]
    assert _log(instance, 1, signed.first(**changes)).status_code == 400
    assert instance.log.checkpoint().splitlines()[1] == before


@pytest.fixture(scope="module")
def edwards() -> str:
    """A certificate for a key that is on no curve of ECDSA's, in base64."""
    key = ed25519.Ed25519PrivateKey.generate()
    name = x509.Name.from_rfc4514_string("CN=edwards")
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(7)
        .not_valid_before(now)
        .not_valid_after(now + timedelta(days=1))
        .sign(key, None)
    )
    return base64.b64encode(certificate.public_bytes(Encoding.DER)).decode()


@pytest.mark.parametrize("version", [1, 2])
def test_another_kind_of_key_is_refused(
    instance: LoopbackSigstore, signed: Signed, edwards: str, version: int
) -> None:
    """Signatures with keys of another kind are not logged in either version."""
    request = signed.first if version == 1 else signed.second
    answer = _log(instance, version, request(certificate=edwards))
    assert (answer.status_code, answer.json()["message"]) == (400, "expected an elliptic curve key")


@pytest.mark.parametrize("fault", [LogFault.BROKEN_PROOF, LogFault.WRONG_INDEX])
def test_the_first_entry_can_be_spoiled_too(fault: LogFault) -> None:
    """A proof in a tree of one leaf has nothing to break, so the tree grows first."""
    log = TransparencyLog(Conduct(Faults(log=fault)))
    good = TransparencyLog(Conduct()).append(b"entry")
    spoiled = log.append(b"entry")
    assert good.inclusion is not None
    assert spoiled.inclusion is not None
    assert (good.inclusion.size, spoiled.inclusion.size) == (1, 2)
    assert climb(b"entry", good.inclusion) == good.inclusion.root
    assert climb(b"entry", spoiled.inclusion) != spoiled.inclusion.root


def test_other_kinds_are_refused(instance: LoopbackSigstore) -> None:
    """What is not a hashedrekord has no place in version 2."""
    answer = _log(instance, 2, {"dsseRequestV002": {}})
    assert (answer.status_code, "hashedrekord" in answer.json()["message"]) == (400, True)


def test_a_request_without_a_verifier_is_refused(
    instance: LoopbackSigstore, signed: Signed
) -> None:
    """Version 1 takes exactly one verifier, as text."""
    for verifiers in ([], [1], ["AAAA", "AAAA"], "AAAA"):
        body = signed.first()
        body["spec"]["proposedContent"]["verifiers"] = verifiers
        assert _log(instance, 1, body).status_code == 400


def test_the_log_is_not_filled_by_one_request(instance: LoopbackSigstore) -> None:
    """A request beyond the bound is refused before it is read."""
    place = f"{instance.addresses.rekor}/api/v2/log/entries"
    headers = {"Content-Length": str(MAX_INSTANCE_REQUEST_BYTES + 1)}
    assert requests.post(place, headers=headers, timeout=30).status_code == 413
    negative = requests.post(place, headers={"Content-Length": "-1"}, timeout=30)
    assert negative.status_code in {400, 413}


def test_the_checkpoint_is_signed_by_the_log(instance: LoopbackSigstore) -> None:
    """The note that anybody can get holds under the log's key, and tells the tree's size."""

    def size() -> int:
        note = requests.get(f"{instance.addresses.rekor}/api/v2/checkpoint", timeout=30).text
        text, _, line = note.partition("\n\n")
        signature = base64.b64decode(line.split()[2])[4:]
        instance.log.key.public_key().verify(signature, f"{text}\n".encode(), ec.ECDSA(SHA256()))
        return int(text.splitlines()[1])

    before = size()
    client_signs(instance.trust_config, instance.token())
    assert size() == before + 1
