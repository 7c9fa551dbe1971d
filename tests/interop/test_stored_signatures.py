"""
Signatures that released tools made, and the specification's schemas and schema vectors.

They lie in the interoperability vectors beside the repository.
"""

import base64
import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from referencing import Registry, Resource

from support.pki import CURVES, Plan, curve_key, root
from support.signatures import FILES, SHARDS, key_signer, refused, state
from weighbridge.core.codes import Code
from weighbridge.core.digest import HashAlgorithm, HashLayout
from weighbridge.core.errors import RefusedError, SignatureRejectedError
from weighbridge.core.evidence import Verification
from weighbridge.core.identity import KeyIdentity, SigningMethod
from weighbridge.inventory.take import InventoryPlan, take_inventory
from weighbridge.pipeline.selection import FileSelection
from weighbridge.pipeline.verify import verify
from weighbridge.signing.bundle import parse_bundle
from weighbridge.signing.certificate import (
    CertificateSigner,
    CertificateVerifier,
    ExpectedIdentity,
)
from weighbridge.signing.coverage import IgnoreRules, compare
from weighbridge.signing.interface import Verifier
from weighbridge.signing.key import KeyVerifier
from weighbridge.signing.sigstore.expected import Exactly, ExpectedSigner
from weighbridge.signing.sigstore.trust import Instance, packaged_trust
from weighbridge.signing.sigstore.verification import SigstoreVerifier
from weighbridge.signing.statement import Statement, parse_statement, render_statement
from weighbridge.sources.local import locate

VECTORS = Path(__file__).parents[2].parent / "shared" / "vectors" / "oms"
WHEN = datetime(2026, 1, 1, tzinfo=UTC)
"""A time at which the stored certificates are valid."""

pytestmark = [
    pytest.mark.shared,
    pytest.mark.skipif(
        not VECTORS.is_dir(), reason="the interoperability vectors beside the repository are absent"
    ),
]

RELEASES = ("v0.3.1", "v1.0.0", "v1.1.0")
METHODS = ("elliptic-key", "certificate", "sigstore")
SIGNED = [f"{release}-{method}" for release in RELEASES for method in METHODS]
SINGLE_FILES = ("v0.3.1-elliptic-key", "v1.0.0-elliptic-key")


def verifier_of(name: str) -> Verifier:
    """Return the verifier for the stored signature *name*."""
    if name.endswith("key"):
        data = (VECTORS / "keys" / "signing-key-pub.pem").read_bytes()
        return KeyVerifier.from_pem(data, where="signing-key-pub.pem")
    if name.endswith("sigstore"):
        signer = ExpectedSigner(
            identity=Exactly("stefanb@us.ibm.com"),
            issuer="https://sigstore.verify.ibm.com/oauth2",
        )
        return SigstoreVerifier(trust=packaged_trust(Instance.PUBLIC), expected=signer)
    data = (VECTORS / "keys" / "ca-cert.pem").read_bytes()
    expected = ExpectedIdentity(subject="CN=intermediate-ca")
    return CertificateVerifier.from_pem(data, expected=expected, where="ca-cert.pem")


def model_of(name: str) -> Path:
    """Return the model that the stored signature *name* covers."""
    return VECTORS / name / "signme-1" if name in SINGLE_FILES else VECTORS / name


def check(name: str, *, ignored: tuple[str, ...] = ()) -> tuple[str, ...]:
    """Verify a stored signature at a time when it is valid; return what it covers."""
    signature = VECTORS / name / "model.sig"
    bundle = parse_bundle(signature.read_bytes(), where=str(signature))
    verifier_of(name).verify(bundle, at=WHEN)
    statement = parse_statement(bundle.payload, where=bundle.where)
    inventory = take_inventory(locate(model_of(name)), InventoryPlan(layouts=(statement.layout,)))
    return compare(statement, inventory, accepted=IgnoreRules(paths=ignored)).covered


@pytest.mark.parametrize("name", SIGNED)
def test_each_stored_signature_verifies(name: str) -> None:
    """Every stored signature verifies, keyless ones too, and covers its model."""
    ignored = ("ignore-me",) if (VECTORS / name / "ignore-me").exists() else ()
    expected = {"."} if name in SINGLE_FILES else {"signme-1", "signme-2"}
    assert set(check(name, ignored=ignored)) == expected


@pytest.mark.parametrize("method", METHODS)
def test_what_the_signer_left_out_is_refused_without_the_verifiers_word(method: str) -> None:
    """Where the signer ignored a file, verification fails unless the caller ignores it too."""
    with refused(Code.FILE_NOT_COVERED, text="ignore-me: not in the signature: the signer left"):
        check(f"v1.1.0-{method}")


def test_a_stored_signature_verifies_through_the_pipeline() -> None:
    """The library call gives the evidence for a stored signature, uncovered file included."""
    name = "v1.1.0-elliptic-key"
    evidence = verify(
        VECTORS / name,
        verifier=verifier_of(name),
        selection=FileSelection(ignore_paths=(VECTORS / name / "ignore-me",)),
    )
    assert isinstance(evidence, Verification)
    assert isinstance(evidence.identity, KeyIdentity)
    assert evidence.covered == ("signme-1", "signme-2")
    assert [u.path for u in evidence.uncovered] == ["ignore-me"]
    assert "ignore-me" in evidence.first.claimed_ignores


def test_a_stored_signature_covers_no_other_model() -> None:
    """A stored signature does not cover another stored model."""
    signature = VECTORS / "v1.0.0-certificate" / "model.sig"
    bundle = parse_bundle(signature.read_bytes(), where=str(signature))
    statement = parse_statement(bundle.payload, where=bundle.where)
    other = take_inventory(
        locate(VECTORS / "v1.1.0-elliptic-key"), InventoryPlan(layouts=(statement.layout,))
    )
    with pytest.raises(SignatureRejectedError):
        compare(statement, other, accepted=IgnoreRules())


def test_the_stored_certificate_needs_its_root() -> None:
    """The stored certificate signature is refused under another root, or another name."""
    signature = VECTORS / "v1.1.0-certificate" / "model.sig"
    bundle = parse_bundle(signature.read_bytes(), where=str(signature))
    anybody = ExpectedIdentity(any_identity=True)
    with refused(Code.CERTIFICATE_UNTRUSTED):
        CertificateVerifier.from_pem(root().pem, expected=anybody).verify(bundle, at=WHEN)
    data = (VECTORS / "keys" / "ca-cert.pem").read_bytes()
    assert CertificateVerifier.from_pem(data, expected=anybody).verify(bundle, at=WHEN).subject
    other = ExpectedIdentity(subject="CN=root-ca")
    with refused(Code.IDENTITY_MISMATCH):
        CertificateVerifier.from_pem(data, expected=other).verify(bundle, at=WHEN)


def test_the_stored_intermediate_and_leaf_are_no_roots() -> None:
    """Only the self-signed certificate of the stored chain is trusted as a root."""
    for name in ("int-ca-cert.pem", "signing-key-cert.pem"):
        data = (VECTORS / "keys" / name).read_bytes()
        with refused(Code.CERTIFICATE_UNTRUSTED, text="no root certificate"):
            CertificateVerifier.from_pem(data, expected=ExpectedIdentity(any_identity=True))


@pytest.mark.parametrize("release", RELEASES)
def test_a_stored_keyless_signature_is_told_apart(release: str) -> None:
    """A keyless signature is refused as one of another method, not as garbage."""
    data = (VECTORS / f"{release}-sigstore" / "model.sig").read_bytes()
    bundle = parse_bundle(data, where="model.sig")
    assert bundle.method is SigningMethod.SIGSTORE
    for other in (f"{release}-elliptic-key", f"{release}-certificate"):
        with refused(Code.SIGNATURE_METHOD, text="found sigstore"):
            verifier_of(other).verify(bundle, at=WHEN)


@pytest.mark.parametrize("name", SIGNED)
def test_each_changed_byte_of_a_stored_signature_means_the_same_or_is_refused(name: str) -> None:
    """A changed byte of a file that others wrote is refused unless JSON gives it no meaning."""
    data = (VECTORS / name / "model.sig").read_bytes()
    verifier = verifier_of(name)
    # What a keyless signature holds is verified in some milliseconds each time.
    step = {"v0.3.1-sigstore": 7, "v1.0.0-sigstore": 7, "v1.1.0-sigstore": 3}.get(name, 1)
    for position in range(0, len(data), step):
        changed = data[:position] + bytes([data[position] ^ 1]) + data[position + 1 :]
        try:
            verifier.verify(parse_bundle(changed, where="model.sig"), at=WHEN)
        except RefusedError:
            continue
        assert json.loads(changed) == json.loads(data)


# -- the specification's schemas ---------------------------------------------------------------


def schema_validator(name: str) -> Draft202012Validator:
    """Return the validator of the specification's schema *name*."""
    schemas = [json.loads(path.read_text()) for path in (VECTORS / "schemas").glob("*.schema.json")]
    registry: Registry[Any] = Registry().with_resources(
        [(schema["$id"], Resource.from_contents(schema)) for schema in schemas]
    )
    wanted = next(schema for schema in schemas if schema["$id"].endswith(f"/{name}/v1.0/schema"))
    return Draft202012Validator(wanted, registry=registry)


def certificate_signature(payload: bytes) -> bytes:
    """Sign with a fresh certificate."""
    leaf = root().issue(Plan(), key=curve_key(number=4))
    return CertificateSigner.from_pem(leaf.key_pem, leaf.pem).sign(payload)


SIGNERS: dict[str, Callable[[bytes], bytes]] = {
    **{curve: key_signer(curve).sign for curve in CURVES},
    "certificate": certificate_signature,
}


@pytest.mark.parametrize("sign", SIGNERS.values(), ids=SIGNERS)
@pytest.mark.parametrize("layout", [HashLayout(), HashLayout(HashAlgorithm.BLAKE3), SHARDS])
def test_what_we_write_follows_the_schemas(
    sign: Callable[[bytes], bytes], layout: HashLayout
) -> None:
    """Every bundle and statement that we write validates against the specification's schemas."""
    statement: Statement = state(FILES, layout=layout, ignored=["model.sig"])
    bundle = json.loads(sign(render_statement(statement)))
    schema_validator("bundle").validate(bundle)
    payload = json.loads(base64.b64decode(bundle["dsseEnvelope"]["payload"]))
    schema_validator("statement").validate(payload)


def test_the_schema_validators_refuse() -> None:
    """The schemas that our output is held to refuse a bundle without an envelope."""
    text = (VECTORS / "schemas" / "invalid" / "missing-envelope.bundle.json").read_text()
    assert not schema_validator("bundle").is_valid(json.loads(text))


@pytest.mark.parametrize("name", ["key", "certificate"])
def test_valid_schema_vectors_are_read(name: str) -> None:
    """The specification's valid vectors of our methods are parsed to the end."""
    data = (VECTORS / "schemas" / "valid" / f"{name}.bundle.json").read_bytes()
    bundle = parse_bundle(data, where=name)
    assert parse_statement(bundle.payload, where=name).resources


def test_invalid_schema_vectors_are_refused() -> None:
    """Each of the specification's invalid vectors is refused, in the bundle or the payload."""
    vectors = [
        *(VECTORS / "schemas" / "invalid").glob("*.json"),
        *(VECTORS / "schemas" / "invalid-payload").glob("*.json"),
    ]
    assert len(vectors) >= 5
    for vector in vectors:
        with pytest.raises(SignatureRejectedError):
            parse_statement(
                parse_bundle(vector.read_bytes(), where=vector.name).payload, where=vector.name
            )
