"""
Keyless signatures in both directions with the reference packages, on a loopback instance.

Our signatures are made by our own engine; theirs by the packages, each with the trust
configuration of the instance and a token of its issuer.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from support.keyless import ADA, FILES, keyless_verifier, write_model
from support.oracles import ORACLES, Oracle
from weighbridge.core.digest import HashAlgorithm, HashLayout
from weighbridge.core.errors import SignatureRejectedError
from weighbridge.core.evidence import Verification
from weighbridge.demo.instance.identity import GITHUB_ISSUER, WorkflowRun
from weighbridge.demo.instance.loopback import LoopbackSigstore, loopback_sigstore
from weighbridge.pipeline.selection import FileSelection
from weighbridge.pipeline.sign import sign
from weighbridge.pipeline.verify import verify
from weighbridge.signing.sigstore.credentials import GivenToken
from weighbridge.signing.sigstore.signer import SigstoreSigner
from weighbridge.signing.sigstore.trust import parse_trust

pytestmark = pytest.mark.oracle

RUN = WorkflowRun()


@pytest.fixture(scope="module")
def instance() -> Iterator[LoopbackSigstore]:
    """A running instance."""
    with loopback_sigstore() as running:
        yield running


@pytest.fixture(scope="module", params=ORACLES)
def oracle(request: pytest.FixtureRequest) -> Iterator[Oracle]:
    """One of the packages."""
    running = Oracle(request.param)
    yield running
    running.close()


@pytest.fixture(params=[1, 2])
def config(request: pytest.FixtureRequest, instance: LoopbackSigstore) -> Path:
    """The trust configuration for one version of the log's protocol."""
    return instance.trust_config if request.param == 2 else instance.trust_config_v1


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A model directory."""
    return write_model(tmp_path / "model")


def sign_here(
    model: Path, config: Path, token: str, *, layout: HashLayout | None = None, ignored: str = ""
) -> None:
    """Sign *model* with our engine."""
    trust = parse_trust(config.read_bytes(), where=str(config))
    sign(
        model,
        signer=SigstoreSigner(trust=trust, credentials=GivenToken(text=token)),
        signature=signature_of(model),
        layout=layout,
        selection=FileSelection(ignore_paths=(model / ignored,) if ignored else ()),
    )


def verify_here(model: Path, config: Path, *, identity: str, issuer: str) -> Verification:
    """Verify *model* with our engine."""
    verifier = keyless_verifier(config, identity=identity, issuer=issuer)
    return verify(model, verifier=verifier, signature=signature_of(model))


def signature_of(model: Path) -> Path:
    """Return where the model's signature is."""
    return model.with_name("model.sig")


def theirs(model: Path, config: Path, **more: str) -> dict[str, object]:
    """Return what the packages need."""
    return {
        "method": "sigstore",
        "model": model,
        "signature": signature_of(model),
        "trust_config": config,
        **more,
    }


def tamper(model: Path) -> None:
    """Change one byte of the model."""
    (model / "model.safetensors").write_bytes(b"Weights" + b"weights" * 99)


def test_their_signatures_verify_here(
    oracle: Oracle, instance: LoopbackSigstore, config: Path, model: Path
) -> None:
    """A signature of theirs verifies here as its signer's, and of nobody and nothing else."""
    issuer = instance.issuer.url
    task = theirs(model, config, token=instance.token(ADA))
    assert oracle.ask(action="sign", **task) is None
    evidence = verify_here(model, config, identity=ADA, issuer=issuer)
    assert set(evidence.covered) == set(FILES)
    with pytest.raises(SignatureRejectedError, match="another name"):
        verify_here(model, config, identity="eve@example.org", issuer=issuer)
    with pytest.raises(SignatureRejectedError, match="another identity provider"):
        verify_here(model, config, identity=ADA, issuer=GITHUB_ISSUER)
    tamper(model)
    with pytest.raises(SignatureRejectedError, match=r"model\.safetensors: changed"):
        verify_here(model, config, identity=ADA, issuer=issuer)


def test_our_signatures_verify_there(
    oracle: Oracle, instance: LoopbackSigstore, config: Path, model: Path
) -> None:
    """A signature of ours verifies there as its signer's, and of nobody and nothing else."""
    issuer = instance.issuer.url
    sign_here(model, config, instance.token(ADA))
    task = theirs(model, config, identity=ADA, issuer=issuer)
    assert oracle.ask(action="verify", **task) is None
    assert "SAN" in (oracle.ask(action="verify", **{**task, "identity": "eve@x.org"}) or "")
    assert "ssuer" in (oracle.ask(action="verify", **{**task, "issuer": GITHUB_ISSUER}) or "")
    tamper(model)
    assert "mismatch" in (oracle.ask(action="verify", **task) or "").lower()


def test_a_workflow_s_signature_goes_both_ways(
    oracle: Oracle, instance: LoopbackSigstore, model: Path
) -> None:
    """What a workflow signs, here or there, verifies there and here."""
    config = instance.trust_config
    expected = {"identity": RUN.identity, "issuer": GITHUB_ISSUER}
    sign_here(model, config, instance.workflow_token(RUN))
    assert oracle.ask(action="verify", **theirs(model, config, **expected)) is None
    task = theirs(model, config, token=instance.workflow_token(RUN))
    assert oracle.ask(action="sign", **task) is None
    assert set(verify_here(model, config, **expected).covered) == set(FILES)


def test_a_single_file_goes_both_ways(
    oracle: Oracle, instance: LoopbackSigstore, tmp_path: Path
) -> None:
    """A model that is one file verifies in both directions."""
    model = tmp_path / "model"
    model.write_bytes(b"weights")
    config, issuer = instance.trust_config, instance.issuer.url
    sign_here(model, config, instance.token(ADA))
    assert oracle.ask(action="verify", **theirs(model, config, identity=ADA, issuer=issuer)) is None
    task = theirs(model, config, token=instance.token(ADA))
    assert oracle.ask(action="sign", **task) is None
    assert set(verify_here(model, config, identity=ADA, issuer=issuer).covered) == {"."}


def test_our_blake3_verifies_there(oracle: Oracle, instance: LoopbackSigstore, model: Path) -> None:
    """The other hash that they can tell by themselves verifies there."""
    config, issuer = instance.trust_config, instance.issuer.url
    sign_here(model, config, instance.token(ADA), layout=HashLayout(HashAlgorithm.BLAKE3))
    assert oracle.ask(action="verify", **theirs(model, config, identity=ADA, issuer=issuer)) is None


def test_what_we_leave_out_is_left_out_there(
    oracle: Oracle, instance: LoopbackSigstore, model: Path
) -> None:
    """They accept changes of what our signature leaves out, and nowhere else."""
    config, issuer = instance.trust_config, instance.issuer.url
    sign_here(model, config, instance.token(ADA), ignored="sub")
    task = theirs(model, config, identity=ADA, issuer=issuer)
    (model / "sub" / "vocab.txt").write_bytes(b"others")
    assert oracle.ask(action="verify", **task) is None
    tamper(model)
    assert oracle.ask(action="verify", **task) is not None


def test_a_signature_of_another_instance_is_refused_there(
    oracle: Oracle, instance: LoopbackSigstore, model: Path
) -> None:
    """The packages' acceptance means something: they refuse what another instance made."""
    with loopback_sigstore() as other:
        sign_here(model, other.trust_config, other.token(ADA))
        issuer = other.issuer.url
        there = theirs(model, other.trust_config, identity=ADA, issuer=issuer)
        assert oracle.ask(action="verify", **there) is None
        here = theirs(model, instance.trust_config, identity=ADA, issuer=issuer)
        assert oracle.ask(action="verify", **here) is not None
