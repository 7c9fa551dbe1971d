"""
Classes of holes that verifiers of keyless model signatures have had, each closed by a test.

The numbers are those of the project's list; those that concern files and statements in whatever
method are in `test_holes.py` one folder up.
"""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from support.inventories import inventory_of
from support.keyless import ADA, CarelessSigner, keyless_verifier, write_model
from support.signatures import FILES, Document, altered, refused, state, statement_document
from weighbridge.core.codes import Code
from weighbridge.core.evidence import Verification
from weighbridge.core.identity import Clock, SigstoreIdentity
from weighbridge.demo.instance.identity import WorkflowRun
from weighbridge.demo.instance.loopback import LoopbackSigstore
from weighbridge.pipeline.sign import sign
from weighbridge.pipeline.verify import verify
from weighbridge.signing.bundle import parse_bundle
from weighbridge.signing.coverage import IgnoreRules, compare
from weighbridge.signing.sigstore.expected import Exactly, ExpectedSigner
from weighbridge.signing.sigstore.trust import Instance, packaged_trust, parse_trust
from weighbridge.signing.sigstore.verification import SigstoreVerifier
from weighbridge.signing.statement import (
    LEGACY_PREDICATE_TYPE,
    STATEMENT_TYPE,
    parse_statement,
    render_statement,
)

STATEMENT = render_statement(state())


def signed(instance: LoopbackSigstore, statement: bytes = STATEMENT) -> bytes:
    """Return Ada's signature over *statement*."""
    return CarelessSigner(instance).sign(statement)


def verifier(instance: LoopbackSigstore) -> SigstoreVerifier:
    """Return a verifier that expects Ada."""
    return keyless_verifier(instance.trust_config, identity=ADA, issuer=instance.issuer.url)


def now() -> datetime:
    """Return the time."""
    return datetime.now(UTC)


def test_w04_the_signers_ignore_list_is_not_applied_to_keyless_signatures(
    instance: LoopbackSigstore,
) -> None:
    """A file that a keyless signer left out is refused unless the caller leaves it out."""

    def leave_out(document: Document) -> None:
        document["predicate"]["serialization"]["ignore_paths"] = ["tokenizer.py"]

    payload = json.dumps(altered(statement_document(), leave_out)).encode()
    bundle = parse_bundle(signed(instance, payload), where="model.sig")
    verifier(instance).verify(bundle, at=now())
    statement = parse_statement(bundle.payload, where="model.sig")
    inventory = inventory_of({**FILES, "tokenizer.py": b"evil"})
    with refused(Code.FILE_NOT_COVERED, text="the signer left it out"):
        compare(statement, inventory, accepted=IgnoreRules())


def test_w09_a_second_signature_that_nobody_verifies_is_refused(
    instance: LoopbackSigstore,
) -> None:
    """An envelope with a second signature is refused, and so is one with none."""
    document: Document = json.loads(signed(instance))
    one: list[Document] = document["dsseEnvelope"]["signatures"]
    for signatures in (one * 2, one[:0]):
        changed = {**document, "dsseEnvelope": {**document["dsseEnvelope"]}}
        changed["dsseEnvelope"]["signatures"] = signatures
        with refused(Code.SIGNATURE_COUNT):
            parse_bundle(json.dumps(changed).encode(), where="model.sig")


def test_w10_a_keyless_signature_before_1_0_needs_the_callers_word(
    instance: LoopbackSigstore, tmp_path: Path
) -> None:
    """The statement form of release 0.2 is read behind the switch only, though its signer holds."""
    legacy = {
        "_type": STATEMENT_TYPE,
        "subject": [
            {
                "name": resource.name,
                "digest": {"sha256": resource.value.hex()},
                "annotations": {"actual_hash_algorithm": "file-sha256"},
            }
            for resource in state().resources
        ],
        "predicateType": LEGACY_PREDICATE_TYPE,
        "predicate": {"unused": "Unused, just passed due to API requirements"},
    }
    for name, data in FILES.items():
        path = tmp_path / "model" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    (tmp_path / "model" / "model.sig").write_bytes(signed(instance, json.dumps(legacy).encode()))
    with refused(Code.LEGACY_REFUSED):
        verify(tmp_path / "model", verifier=verifier(instance))
    evidence = verify(tmp_path / "model", verifier=verifier(instance), allow_legacy=True)
    assert set(evidence.covered) == set(FILES)


def test_w15_everybody_has_a_certificate_and_only_one_is_expected(
    instance: LoopbackSigstore,
) -> None:
    """A valid certificate of the same authority for somebody else is not enough."""
    other = CarelessSigner(instance, token=instance.token("eve@example.org")).sign(STATEMENT)
    with refused(Code.IDENTITY_MISMATCH, text="expected 'ada@example.org', found 'eve@"):
        verifier(instance).verify(parse_bundle(other, where="model.sig"), at=now())


def test_w16_a_signature_outlives_its_certificate_and_no_other_time_does(
    instance: LoopbackSigstore,
) -> None:
    """Ten years later the signature holds, by the time that a trusted clock bound to it."""
    bundle = parse_bundle(signed(instance), where="model.sig")
    later = now() + timedelta(days=3650)
    identity = verifier(instance).verify(bundle, at=later)
    assert later > identity.not_after
    (time,) = identity.times
    assert identity.not_before <= time.at <= identity.not_after


@pytest.mark.parametrize(
    ("claim", "value"),
    [
        ("source-repository-uri", "https://github.com/mallory/models"),
        ("source-repository-ref", "refs/heads/main"),
        ("build-trigger", "pull_request_target"),
        ("runner-environment", "self-hosted"),
        ("build-config-uri", "https://github.com/acme/models/.github/workflows/x.yml@refs/tags/v1"),
        ("source-repository-visibility", "private"),
    ],
)
def test_w18_a_workflow_can_be_required_to_have_claims(
    instance: LoopbackSigstore, claim: str, value: str
) -> None:
    """Repository, ref, trigger, runner and workflow can be required; one that differs refuses."""
    data = CarelessSigner(instance, token=instance.workflow_token(WorkflowRun())).sign(STATEMENT)
    bundle = parse_bundle(data, where="model.sig")
    trust = parse_trust(instance.trust_config.read_bytes(), where="t")

    def expecting(**claims: str) -> SigstoreVerifier:
        patterns = {name: Exactly(text) for name, text in claims.items()}
        expected = ExpectedSigner(
            identity=Exactly(WorkflowRun().identity),
            issuer="https://token.actions.githubusercontent.com",
            claims=patterns,
        )
        return SigstoreVerifier(trust=trust, expected=expected)

    found = dict(expecting().verify(bundle, at=now()).claims)
    expecting(**{claim: found[claim]}).verify(bundle, at=now())
    with refused(Code.IDENTITY_MISMATCH, text=f"claim '{claim}'"):
        expecting(**{claim: value}).verify(bundle, at=now())


def test_w19_the_root_of_another_instance_vouches_for_nothing(instance: LoopbackSigstore) -> None:
    """Under the public instance's root a private instance's signature is refused."""
    expected = ExpectedSigner(identity=Exactly(ADA), issuer=instance.issuer.url)
    public = SigstoreVerifier(trust=packaged_trust(Instance.PUBLIC), expected=expected)
    with refused(Code.TIMESTAMP_REQUIRED):
        public.verify(parse_bundle(signed(instance), where="model.sig"), at=now())


def test_w21_a_verification_says_who_when_by_whose_clock_and_under_which_root(
    instance: LoopbackSigstore, tmp_path: Path
) -> None:
    """The result has identity, provider, certificate, times with their clocks, and root."""
    model = write_model(tmp_path / "model")
    sign(model, signer=CarelessSigner(instance, stamps=1, version=1))
    verification = verify(model, verifier=verifier(instance))
    assert isinstance(verification, Verification)
    identity = verification.identity
    assert isinstance(identity, SigstoreIdentity)
    assert (identity.name, identity.issuer) == (ADA, instance.issuer.url)
    assert {time.clock for time in identity.times} == set(Clock)
    trust = parse_trust(instance.trust_config.read_bytes(), where="t")
    assert identity.trusted_root == f"sha256:{trust.sha256}"
    assert len(identity.fingerprint) == 64
