"""The timestamp authority of the test instance, seen by a client that verifies."""

import shutil
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import requests
from rfc3161_client import (
    TimestampRequestBuilder,
    TimeStampResponse,
    VerificationError,
    VerifierBuilder,
    decode_timestamp_response,
)
from rfc3161_client.base import HashAlgorithm

from weighbridge.demo.instance.faults import Faults, StampFault
from weighbridge.demo.instance.loopback import LoopbackSigstore
from weighbridge.demo.instance.server import RequestRefusedError

MESSAGE = b"a signature"


def stamped(instance: LoopbackSigstore, *, algorithm: HashAlgorithm) -> TimeStampResponse:
    """Return a timestamp over the message, over HTTP."""
    request = TimestampRequestBuilder().data(MESSAGE).hash_algorithm(algorithm).nonce(nonce=True)
    answer = requests.post(instance.addresses.tsa, data=request.build().as_bytes(), timeout=30)
    assert answer.headers["Content-Type"] == "application/timestamp-reply"
    return decode_timestamp_response(answer.content)


def verify(instance: LoopbackSigstore, response: TimeStampResponse, message: bytes) -> None:
    """Verify *response* as the instance's."""
    leaf, intermediate, root = instance.tsa.chain
    builder = (
        VerifierBuilder()
        .tsa_certificate(leaf.certificate)
        .add_intermediate_certificate(intermediate.certificate)
        .add_root_certificate(root.certificate)
    )
    builder.build().verify_message(response, message)


@pytest.mark.parametrize("algorithm", [HashAlgorithm.SHA256, HashAlgorithm.SHA512])
def test_a_timestamp_verifies(instance: LoopbackSigstore, algorithm: HashAlgorithm) -> None:
    """It tells the time of the request, over the message and no other."""
    response = stamped(instance, algorithm=algorithm)
    verify(instance, response, MESSAGE)
    assert abs(response.tst_info.gen_time - datetime.now(UTC)) < timedelta(minutes=5)
    with pytest.raises(VerificationError):
        verify(instance, response, b"another")


def test_serial_numbers_differ(instance: LoopbackSigstore) -> None:
    """No two timestamps have one serial number."""
    numbers = {
        stamped(instance, algorithm=HashAlgorithm.SHA256).tst_info.serial_number for _ in range(3)
    }
    assert len(numbers) == 3


@pytest.mark.parametrize("fault", [StampFault.OTHER_AUTHORITY, StampFault.NOT_FOR_STAMPS])
def test_an_unfit_signer_is_noticed(instance: LoopbackSigstore, fault: StampFault) -> None:
    """What another authority, or a certificate for something else, signs does not verify."""
    with instance.misbehaving(Faults(stamp=fault)):
        response = stamped(instance, algorithm=HashAlgorithm.SHA256)
    with pytest.raises(VerificationError):
        verify(instance, response, MESSAGE)


def test_a_timestamp_over_something_else_is_noticed(instance: LoopbackSigstore) -> None:
    """A timestamp over another message than the one that was sent does not verify."""
    with instance.misbehaving(Faults(stamp=StampFault.OTHER_MESSAGE)):
        response = stamped(instance, algorithm=HashAlgorithm.SHA256)
    with pytest.raises(VerificationError):
        verify(instance, response, MESSAGE)


def test_the_clock_can_be_wrong(instance: LoopbackSigstore) -> None:
    """A shifted clock shows in the time, and nowhere else."""
    with instance.misbehaving(Faults(stamp_shift=timedelta(hours=2))):
        response = stamped(instance, algorithm=HashAlgorithm.SHA256)
    verify(instance, response, MESSAGE)
    assert response.tst_info.gen_time - datetime.now(UTC) > timedelta(hours=1)


def test_another_nonce_is_seen(instance: LoopbackSigstore) -> None:
    """The nonce is the request's, unless the authority is told to answer another."""
    request = TimestampRequestBuilder().data(MESSAGE).nonce(nonce=True).build()
    good = decode_timestamp_response(instance.tsa.stamp(request.as_bytes()))
    assert good.tst_info.nonce == request.nonce
    with instance.misbehaving(Faults(stamp=StampFault.OTHER_NONCE)):
        other = decode_timestamp_response(instance.tsa.stamp(request.as_bytes()))
    assert other.tst_info.nonce != request.nonce


def test_a_refusal_is_an_answer(instance: LoopbackSigstore) -> None:
    """An authority that does not want to says so by the protocol."""
    with instance.misbehaving(Faults(stamp=StampFault.REFUSED)):
        request = TimestampRequestBuilder().data(MESSAGE).build()
        response = decode_timestamp_response(instance.tsa.stamp(request.as_bytes()))
    assert response.status == 2


@pytest.mark.parametrize("request_bytes", [b"", b"rubbish", b"\x30\x00", b"\x30\x03\x02\x01\x01"])
def test_what_is_no_request_is_refused(instance: LoopbackSigstore, request_bytes: bytes) -> None:
    """Other bytes than a request for a timestamp are an error of the client."""
    with pytest.raises(RequestRefusedError):
        instance.tsa.stamp(request_bytes)


def test_another_implementation_verifies_it_too(instance: LoopbackSigstore, tmp_path: Path) -> None:
    """OpenSSL accepts the timestamp for the message, and for no other."""
    program = shutil.which("openssl")
    if program is None:
        pytest.skip("openssl is not installed")
    request = TimestampRequestBuilder().data(MESSAGE).nonce(nonce=True).build().as_bytes()
    leaf, intermediate, root = instance.tsa.chain
    (tmp_path / "query").write_bytes(request)
    (tmp_path / "reply").write_bytes(instance.tsa.stamp(request))
    (tmp_path / "root.pem").write_text(root.pem)
    (tmp_path / "more.pem").write_text(leaf.pem + intermediate.pem)
    (tmp_path / "message").write_bytes(MESSAGE)
    (tmp_path / "other").write_bytes(b"another")
    trust = ["-in", "reply", "-CAfile", "root.pem", "-untrusted", "more.pem"]
    given = [["-data", "message"], ["-queryfile", "query"], ["-data", "other"]]
    codes = [
        subprocess.run(
            [program, "ts", "-verify", *what, *trust],
            cwd=tmp_path,
            check=False,
            capture_output=True,
        ).returncode
        for what in given
    ]
    assert codes == [0, 0, 1]
