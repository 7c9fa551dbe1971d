"""Timestamps in both directions with other implementations of RFC 3161 and with other clients."""

import dataclasses
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from rfc3161_client import VerifierBuilder, decode_timestamp_response
from sigstore._internal.timestamp import TimestampAuthorityClient

from support.oracles import ORACLES, Oracle
from support.pki import (
    Issued,
    Plan,
    bundle_pem,
    curve_key,
    private_pem,
    public_pem,
    root,
)
from support.timestamps import Clock, make_clock, now, run_openssl, serve_clock
from weighbridge.demo.instance.loopback import LoopbackSigstore, loopback_sigstore
from weighbridge.pipeline.sign import sign
from weighbridge.pipeline.verify import verify
from weighbridge.signing.bundle import parse_bundle
from weighbridge.signing.certificate import CertificateSigner
from weighbridge.signing.interface import Signer
from weighbridge.signing.key import KeySigner, KeyVerifier
from weighbridge.signing.timestamps.client import request_timestamp
from weighbridge.signing.timestamps.signer import TimestampedSigner
from weighbridge.signing.timestamps.token import UntrustedTimestampError, verify_timestamp
from weighbridge.signing.timestamps.trust import TimestampTrust

SIGNATURE = b"the bytes of a signature"


@pytest.fixture(scope="module")
def clock(tmp_path_factory: pytest.TempPathFactory) -> Clock:
    """OpenSSL's authority."""
    return make_clock(tmp_path_factory.mktemp("clock") / "tsa")


@pytest.fixture(scope="module")
def instance() -> Iterator[LoopbackSigstore]:
    """The test instance of Sigstore, whose authority is written with another library."""
    with loopback_sigstore() as running:
        yield running


def instance_trust(instance: LoopbackSigstore) -> TimestampTrust:
    """Return the trust in the instance's authority, and its address."""
    certificates = [holder.certificate for holder in instance.tsa.chain]
    return TimestampTrust.from_certificates(certificates, where="instance")


def test_the_instances_authority_is_believed(instance: LoopbackSigstore) -> None:
    """A timestamp by another implementation of an authority is asked for and verified."""
    trust = instance_trust(instance)
    token = request_timestamp(instance.addresses.tsa, SIGNATURE, trust=trust)
    time = verify_timestamp(token, signature=SIGNATURE, trust=trust.store, at=now())
    assert abs(time.at - now()) < timedelta(minutes=5)
    with pytest.raises(UntrustedTimestampError, match="another signature"):
        verify_timestamp(token, signature=b"other", trust=trust.store, at=now())


def test_the_sigstore_client_is_served_what_we_believe(clock: Clock) -> None:
    """What Sigstore's own client asks for and gets is over the same bytes as ours."""
    with serve_clock(clock) as server:
        response = TimestampAuthorityClient(server.url).request_timestamp(SIGNATURE)
    trust = TimestampTrust.from_pem(clock.root.pem)
    time = verify_timestamp(response.as_bytes(), signature=SIGNATURE, trust=trust.store, at=now())
    assert time.at == response.tst_info.gen_time


def test_ours_are_believed_as_sigstore_does(clock: Clock) -> None:
    """A timestamp that we store verifies with the library, as Sigstore's verifier uses it."""
    with serve_clock(clock) as server:
        token = request_timestamp(server.url, SIGNATURE)
    verifier = VerifierBuilder().add_root_certificate(clock.root.certificate).build()
    assert verifier.verify_message(decode_timestamp_response(token), SIGNATURE)


def test_ours_are_believed_by_openssl(clock: Clock, tmp_path: Path) -> None:
    """A timestamp that we store verifies with OpenSSL's command, and not over other bytes."""
    with serve_clock(clock) as server:
        (tmp_path / "token.tsr").write_bytes(request_timestamp(server.url, SIGNATURE))
    (tmp_path / "data").write_bytes(SIGNATURE)
    (tmp_path / "other").write_bytes(SIGNATURE + b"!")
    (tmp_path / "root.pem").write_bytes(clock.root.pem)
    check = ("ts", "-verify", "-in", "token.tsr", "-CAfile", "root.pem", "-data")
    assert b"OK" in run_openssl(*check, "data", directory=tmp_path)
    with pytest.raises(AssertionError, match="imprint mismatch"):
        run_openssl(*check, "other", directory=tmp_path)


@pytest.mark.oracle
@pytest.mark.parametrize("name", ORACLES)
@pytest.mark.parametrize("method", ["key", "certificate"])
def test_the_reference_packages_verify_signatures_with_timestamps(
    clock: Clock, tmp_path: Path, name: str, method: str
) -> None:
    """Clients that know nothing of timestamps accept the signature, and notice a changed file."""
    model = tmp_path / "model"
    model.mkdir()
    (model / "config.json").write_text("{}")
    signer, theirs = party(tmp_path, method=method)
    with serve_clock(clock) as server:
        sign(
            model,
            signer=TimestampedSigner(signer, urls=(server.url,)),
            signature=tmp_path / "model.sig",
        )
    assert len(parse_bundle((tmp_path / "model.sig").read_bytes(), where="s").timestamps) == 1
    oracle = Oracle(name)
    task = {"action": "verify", "model": model, "signature": tmp_path / "model.sig"}
    try:
        assert oracle.ask(**task, **theirs) is None
        (model / "config.json").write_text("[]")
        assert oracle.ask(**task, **theirs) is not None
    finally:
        oracle.close()


def party(folder: Path, *, method: str) -> tuple[Signer, dict[str, object]]:
    """Return a signer, and what the packages need to verify its signatures."""
    start, end = now() - timedelta(days=1), now() + timedelta(days=1)
    plan = Plan(subject="CN=root", is_ca=True, usage=("key_cert_sign",), extended=None)
    top = root(dataclasses.replace(plan, not_before=start, not_after=end))
    leaf: Issued = top.issue(Plan(not_before=start, not_after=end), key=curve_key(number=4))
    (folder / "key.pub").write_bytes(public_pem(leaf.key))
    (folder / "root.pem").write_bytes(bundle_pem([top]))
    theirs: dict[str, object] = {
        "method": method,
        "public_key": folder / "key.pub",
        "roots": [str(folder / "root.pem")],
    }
    if method == "key":
        return KeySigner.from_pem(private_pem(leaf.key)), theirs
    return CertificateSigner.from_pem(leaf.key_pem, leaf.pem), theirs


def test_a_keyless_signatures_timestamp_is_one_of_ours(
    instance: LoopbackSigstore, tmp_path: Path
) -> None:
    """One authority serves both: keys are verified with the timestamps of a Sigstore instance."""
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "config.json").write_text("{}")
    trust = instance_trust(instance)
    signer = TimestampedSigner(KeySigner(curve_key()), urls=(instance.addresses.tsa,), trust=trust)
    sign(tmp_path / "model", signer=signer)
    verifier = KeyVerifier.from_pem(
        public_pem(curve_key()),
        timestamps=TimestampTrust(trust.store, required=True),
    )
    evidence = verify(tmp_path / "model", verifier=verifier).first
    assert [str(time.clock) for time in evidence.times] == ["timestamp-authority"]
