"""The test instance as the real client sees it."""

import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from sigstore import dsse
from sigstore.errors import VerificationError
from sigstore.models import Bundle, ClientTrustConfig
from sigstore.oidc import IdentityToken
from sigstore.sign import SigningContext
from sigstore.verify import Verifier
from sigstore.verify.policy import Identity

from weighbridge.demo.instance.identity import GITHUB_ISSUER, WorkflowRun
from weighbridge.demo.instance.loopback import LoopbackSigstore, loopback_sigstore


@pytest.fixture(scope="module")
def instance() -> Iterator[LoopbackSigstore]:
    """A running instance."""
    with loopback_sigstore() as running:
        yield running


def _config(place: Path) -> ClientTrustConfig:
    return ClientTrustConfig.from_json(place.read_text())


def _sign(instance: LoopbackSigstore, token: str) -> str:
    context = SigningContext.from_trust_config(_config(instance.trust_config))
    subject = dsse.Subject(name="model", digest=dsse.DigestSet({"sha256": "00" * 32}))
    statement = dsse.StatementBuilder(
        subjects=[subject], predicate_type="https://example.org/p", predicate={"a": 1}
    ).build()
    with context.signer(IdentityToken(token)) as signer:
        return signer.sign_dsse(statement).to_json()


def _verify(instance: LoopbackSigstore, bundle: str, *, identity: str, issuer: str) -> bytes:
    verifier = Verifier(trusted_root=_config(instance.trust_config).trusted_root)
    policy = Identity(identity=identity, issuer=issuer)
    return verifier.verify_dsse(Bundle.from_json(bundle), policy)[1]


def test_the_client_signs_and_verifies_by_an_address(instance: LoopbackSigstore) -> None:
    """What the holder of a token for an e-mail address signs verifies as that address."""
    bundle = _sign(instance, instance.token("ada@example.org"))
    assert _verify(instance, bundle, identity="ada@example.org", issuer=instance.issuer.url)
    with pytest.raises(VerificationError):
        _verify(instance, bundle, identity="eve@example.org", issuer=instance.issuer.url)
    with pytest.raises(VerificationError):
        _verify(instance, bundle, identity="ada@example.org", issuer=GITHUB_ISSUER)


def test_the_client_signs_and_verifies_by_a_workflow(instance: LoopbackSigstore) -> None:
    """What a workflow signs verifies as that workflow, under the name of its issuer."""
    run = WorkflowRun(ref="refs/tags/v2")
    bundle = _sign(instance, instance.workflow_token(run))
    assert _verify(instance, bundle, identity=run.identity, issuer=GITHUB_ISSUER)
    other = WorkflowRun(ref="refs/heads/main").identity
    with pytest.raises(VerificationError):
        _verify(instance, bundle, identity=other, issuer=GITHUB_ISSUER)


def test_many_entries_each_verify(instance: LoopbackSigstore) -> None:
    """Every entry of a growing log can be proven, whatever the shape of the tree."""
    for _ in range(9):
        bundle = _sign(instance, instance.token("ada@example.org"))
        assert _verify(instance, bundle, identity="ada@example.org", issuer=instance.issuer.url)


def test_another_instance_is_not_trusted(instance: LoopbackSigstore) -> None:
    """Two instances share no key: what one makes the other's trust root refuses."""
    with loopback_sigstore() as other:
        bundle = _sign(other, other.token("ada@example.org"))
        assert _verify(other, bundle, identity="ada@example.org", issuer=other.issuer.url)
        with pytest.raises(VerificationError):
            _verify(instance, bundle, identity="ada@example.org", issuer=other.issuer.url)


def test_nothing_is_left_when_it_ends() -> None:
    """With the context go the threads, the ports and the files."""
    threads = threading.active_count()
    with loopback_sigstore() as instance:
        place = instance.trust_config
        port = urlsplit(instance.addresses.fulcio).port
        assert place.is_file()
        assert threading.active_count() == threads + 4
    assert threading.active_count() == threads
    assert not place.parent.exists()
    assert port is not None
    with pytest.raises(ConnectionRefusedError), socket.create_connection(("127.0.0.1", port)):
        pass


def test_no_private_key_is_written(tmp_path: Path) -> None:
    """The files are the trust configuration and the trusted root, without a private key."""
    with loopback_sigstore(tmp_path) as instance:
        files = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
        assert set(files) == {instance.trust_config.name, instance.trusted_root.name}
        assert all(b"PRIVATE" not in data for data in files.values())
    assert set(tmp_path.iterdir()) == {tmp_path / name for name in files}
