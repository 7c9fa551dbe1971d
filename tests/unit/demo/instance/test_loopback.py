"""The test instance as the real client sees it."""

import socket
import threading
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import requests
from sigstore.errors import VerificationError

from support.sigstore_client import STATEMENT, client_signs, client_verifies
from weighbridge.demo.instance.faults import Faults, SctFault
from weighbridge.demo.instance.identity import GITHUB_ISSUER, WorkflowRun
from weighbridge.demo.instance.loopback import LoopbackSigstore, loopback_sigstore

ADA = "ada@example.org"


@pytest.fixture(params=[1, 2])
def config(request: pytest.FixtureRequest, instance: LoopbackSigstore) -> Path:
    """The trust configuration for one version of the log's protocol."""
    return instance.trust_config if request.param == 2 else instance.trust_config_v1


def test_the_client_signs_and_verifies_by_an_address(
    instance: LoopbackSigstore, config: Path
) -> None:
    """What the holder of a token for an e-mail address signs verifies as that address alone."""
    issuer = instance.issuer.url
    bundle = client_signs(config, instance.token(ADA))
    assert client_verifies(config, bundle, identity=ADA, issuer=issuer) == STATEMENT
    with pytest.raises(VerificationError):
        client_verifies(config, bundle, identity="eve@example.org", issuer=issuer)
    with pytest.raises(VerificationError):
        client_verifies(config, bundle, identity=ADA, issuer=GITHUB_ISSUER)


def test_the_client_signs_and_verifies_by_a_workflow(
    instance: LoopbackSigstore, config: Path
) -> None:
    """What a workflow signs verifies as that workflow, under the name of its issuer."""
    run = WorkflowRun(ref="refs/tags/v2")
    bundle = client_signs(config, instance.workflow_token(run))
    assert client_verifies(config, bundle, identity=run.identity, issuer=GITHUB_ISSUER) == STATEMENT
    other = WorkflowRun(ref="refs/heads/main").identity
    with pytest.raises(VerificationError):
        client_verifies(config, bundle, identity=other, issuer=GITHUB_ISSUER)


def test_many_entries_each_verify(instance: LoopbackSigstore) -> None:
    """Every entry of a growing log can be proven, whatever the shape of the tree."""
    for _ in range(9):
        bundle = client_signs(instance.trust_config, instance.token(ADA))
        client_verifies(instance.trust_config, bundle, identity=ADA, issuer=instance.issuer.url)


def test_another_instance_is_not_trusted(instance: LoopbackSigstore) -> None:
    """Two instances share no key: what one makes the other's trust root refuses."""
    with loopback_sigstore() as other:
        bundle = client_signs(other.trust_config, other.token(ADA))
        client_verifies(other.trust_config, bundle, identity=ADA, issuer=other.issuer.url)
        with pytest.raises(VerificationError):
            client_verifies(instance.trust_config, bundle, identity=ADA, issuer=other.issuer.url)


def test_nothing_is_left_when_it_ends() -> None:
    """With the context go the threads, the ports and the files."""
    before = set(threading.enumerate())  # threads of other tests may end meanwhile
    with loopback_sigstore() as instance:
        place = instance.trust_config
        port = urlsplit(instance.addresses.fulcio).port
        assert place.is_file()
        started = set(threading.enumerate()) - before
        assert len(started) == 4
    assert not any(thread.is_alive() for thread in started)
    assert not place.parent.exists()
    assert port is not None
    with pytest.raises(ConnectionRefusedError), socket.create_connection(("127.0.0.1", port)):
        pass


def test_everything_listens_on_the_loopback_interface(instance: LoopbackSigstore) -> None:
    """No service can be reached from another machine."""
    places = (
        instance.addresses.oidc,
        instance.addresses.fulcio,
        instance.addresses.rekor,
        instance.addresses.tsa,
    )
    assert {urlsplit(place).hostname for place in places} == {"127.0.0.1"}
    assert len({urlsplit(place).port for place in places}) == 4


def test_no_private_key_is_written(tmp_path: Path) -> None:
    """The files are the trust configurations and the trusted root, without a private key."""
    with loopback_sigstore(tmp_path) as instance:
        files = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
        written = {instance.trust_config, instance.trust_config_v1, instance.trusted_root}
        assert {tmp_path / name for name in files} == written
        assert all(b"PRIVATE" not in data for data in files.values())
    assert set(tmp_path.iterdir()) == written


def test_misbehaviour_ends_with_its_context(instance: LoopbackSigstore) -> None:
    """Inside the context the client refuses what it gets; behind it all is well again."""
    with (
        instance.misbehaving(Faults(sct=SctFault.MISSING)),
        pytest.raises(VerificationError, match="does not contain a signed certificate timestamp"),
    ):
        client_signs(instance.trust_config, instance.token(ADA))
    assert client_signs(instance.trust_config, instance.token(ADA))


def test_a_silent_connection_does_not_hold_up_the_end() -> None:
    """Somebody who connects and says nothing is left alone, and the instance ends all the same."""
    with ExitStack() as stack:
        instance = stack.enter_context(loopback_sigstore())
        port = urlsplit(instance.addresses.oidc).port
        assert port is not None
        silent = socket.create_connection(("127.0.0.1", port))
        # Connections are taken in turn: with an answer to a later one, this one was taken as well.
        assert requests.get(f"{instance.addresses.oidc}/nothing", timeout=30).status_code == 404
        stack.close()
        with silent:
            assert silent.recv(1) == b""
