"""Keyless signatures: what is signed with the command, and that nothing bad is ever written."""

import base64
import json
import shutil
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from subprocess import CompletedProcess, run

import pytest

from support.keyless import ADA, FILES, Case
from weighbridge.cli.main import run as command
from weighbridge.core.codes import Code
from weighbridge.core.errors import KeyRejectedError, OperationError, SignatureRejectedError
from weighbridge.demo.instance.faults import (
    CertificateFault,
    Faults,
    LogFault,
    SctFault,
    StampFault,
)
from weighbridge.demo.instance.identity import GITHUB_ISSUER, WorkflowRun
from weighbridge.demo.instance.loopback import LoopbackSigstore, loopback_sigstore
from weighbridge.demo.instance.oidc import Issuer
from weighbridge.pipeline.sign import sign
from weighbridge.signing.sigstore.credentials import GivenToken
from weighbridge.signing.sigstore.signer import SigstoreSigner
from weighbridge.signing.sigstore.trust import parse_trust

RUN = WorkflowRun()


def _engine(case: Case, token: str, *, config: Path | None = None) -> SigstoreSigner:
    place = config or case.instance.trust_config
    trust = parse_trust(place.read_bytes(), where=str(place))
    return SigstoreSigner(trust=trust, credentials=GivenToken(text=token))


@pytest.mark.parametrize(
    "faults",
    [
        *(Faults(sct=fault) for fault in SctFault),
        *(Faults(certificate=fault) for fault in CertificateFault),
        *(Faults(log=fault) for fault in LogFault if fault is not LogFault.OTHER_PROMISE),
        *(Faults(stamp=fault) for fault in StampFault if fault is not StampFault.OTHER_NONCE),
        Faults(certificate_shift=timedelta(minutes=-11)),
        Faults(certificate_shift=timedelta(minutes=5)),
        Faults(stamp_shift=timedelta(minutes=-11)),
        Faults(stamp_shift=timedelta(minutes=11)),
    ],
    ids=lambda faults: ",".join(
        f"{name}={getattr(faults, name)}"
        for name in ("sct", "certificate", "certificate_shift", "log", "stamp", "stamp_shift")
        if getattr(faults, name)
    ),
)
def test_no_signature_leaves_that_would_not_verify(case: Case, faults: Faults) -> None:
    """When a service misbehaves, whatever it does, signing fails and no file is written."""
    signer = _engine(case, case.instance.token(ADA))
    with (
        case.instance.misbehaving(faults),
        pytest.raises((SignatureRejectedError, OperationError)),
    ):
        sign(case.model, signer=signer)
    assert not (case.model / "model.sig").exists()


@pytest.mark.parametrize(
    "faults", [Faults(log=LogFault.OTHER_PROMISE), Faults(log=LogFault.OTHER_KEY)]
)
def test_no_signature_leaves_a_log_of_version_1_that_would_not_verify(
    case: Case, faults: Faults
) -> None:
    """The same holds for the log's first protocol, with its promise."""
    signer = _engine(case, case.instance.token(ADA), config=case.instance.trust_config_v1)
    with (
        case.instance.misbehaving(faults),
        pytest.raises((SignatureRejectedError, OperationError)),
    ):
        sign(case.model, signer=signer)
    assert not (case.model / "model.sig").exists()


def test_an_earlier_signature_survives_a_failure(case: Case) -> None:
    """A failed attempt leaves the signature that is there as it is."""
    sign(case.model, signer=_engine(case, case.instance.token(ADA)))
    before = (case.model / "model.sig").read_bytes()
    with (
        case.instance.misbehaving(Faults(sct=SctFault.MISSING)),
        pytest.raises((SignatureRejectedError, OperationError)),
    ):
        sign(case.model, signer=_engine(case, case.instance.token(ADA)))
    assert (case.model / "model.sig").read_bytes() == before


def _altered(token: str) -> str:
    header, body, signature = token.split(".")
    said = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
    said = {**said, "email": "eve@example.org", "sub": "eve@example.org"}
    encoded = base64.urlsafe_b64encode(json.dumps(said).encode()).rstrip(b"=").decode()
    return f"{header}.{encoded}.{signature}"


@pytest.mark.parametrize(
    "make",
    [
        lambda i: Issuer(GITHUB_ISSUER).mint(RUN.claims(), now=datetime.now(UTC)),
        lambda i: Issuer(i.issuer.url).mint({"sub": ADA, "email": ADA}, now=datetime.now(UTC)),
        lambda i: Issuer("https://issuer.example.org").mint({"sub": ADA}, now=datetime.now(UTC)),
        lambda i: _altered(i.token(ADA)),
        lambda i: i.token(ADA, claims={"email_verified": False}),
    ],
    ids=["forged-workflow", "forged-address", "unknown-issuer", "altered", "unverified-address"],
)
def test_a_token_that_the_authority_refuses_signs_nothing(
    case: Case, make: Callable[[LoopbackSigstore], str]
) -> None:
    """Forged, altered or by somebody unknown: no certificate, no signature, no file."""
    with pytest.raises(OperationError) as caught:
        sign(case.model, signer=_engine(case, make(case.instance)))
    assert caught.value.code is Code.SERVICE_FAILED
    assert not (case.model / "model.sig").exists()


@pytest.mark.parametrize(
    "make",
    [
        lambda i: i.token(ADA, lifetime=timedelta(minutes=-1)),
        lambda i: i.token(ADA, audience="somebody"),
        lambda _: "no token",
        lambda _: "",
    ],
    ids=["expired", "other-audience", "no-token", "empty"],
)
def test_a_token_that_is_of_no_use_is_not_even_sent(
    case: Case, make: Callable[[LoopbackSigstore], str]
) -> None:
    """Expired, for somebody else or no token at all: refused before anything is read or sent."""
    before = case.instance.requests
    with pytest.raises(KeyRejectedError):
        _engine(case, make(case.instance))
    assert case.instance.requests == before


# -- the command -------------------------------------------------------------------------------


def _here(instance: LoopbackSigstore) -> list[str]:
    return ["--trust-config", str(instance.trust_config), "--quiet"]


def _verify(case: Case, *, identity: str, issuer: str) -> int:
    expected = ["--identity", identity, "--identity-provider", issuer]
    return command(["verify", "sigstore", str(case.model), *expected, *_here(case.instance)])


def test_the_command_signs_with_a_token_in_a_file(case: Case, tmp_path: Path) -> None:
    """What the command signs it verifies: for the signer, and for nobody else."""
    (tmp_path / "token").write_text(case.instance.token(ADA))
    given = ["--identity-token-file", str(tmp_path / "token"), *_here(case.instance)]
    assert command(["sign", "sigstore", str(case.model), *given]) == 0
    issuer = case.instance.issuer.url
    assert _verify(case, identity=ADA, issuer=issuer) == 0
    assert _verify(case, identity="eve@example.org", issuer=issuer) == 10
    assert _verify(case, identity=ADA, issuer=GITHUB_ISSUER) == 10


def test_the_command_signs_as_the_workflow_around_it(
    case: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a job of a CI system it signs as the job's workflow."""
    for name, value in case.instance.environment().items():
        monkeypatch.setenv(name, value)
    given = ["--use-ambient-credentials", *_here(case.instance)]
    assert command(["sign", "sigstore", str(case.model), *given]) == 0
    assert _verify(case, identity=RUN.identity, issuer=GITHUB_ISSUER) == 0


def test_the_command_does_not_sign_with_a_forged_token(
    case: Case, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """With a forged token the command fails, says who refused, and writes nothing."""
    forged = Issuer(case.instance.issuer.url).mint(
        {"sub": ADA, "email": ADA, "email_verified": True}, now=datetime.now(UTC)
    )
    (tmp_path / "token").write_text(forged)
    given = ["--identity-token-file", str(tmp_path / "token"), *_here(case.instance)]
    assert command(["sign", "sigstore", str(case.model), *given]) == 1
    said = capsys.readouterr()
    assert "certificate authority" in said.err
    assert forged not in said.err + said.out
    assert not (case.model / "model.sig").exists()


def test_verification_needs_neither_the_instance_nor_a_network(case: Case, tmp_path: Path) -> None:
    """Long after the instance has gone, and with no network at all, the signature verifies."""
    unshare = shutil.which("unshare")
    with loopback_sigstore() as other:
        theirs = Case(case.model, other)
        theirs.sign()
        issuer = other.issuer.url
        shutil.copyfile(other.trusted_root, tmp_path / "root.json")
    expected = ["--identity", ADA, "--identity-provider", issuer]
    arguments = ["verify", "sigstore", str(case.model), *expected]
    arguments += ["--trust-config", str(tmp_path / "root.json")]
    assert command([*arguments, "--quiet"]) == 0
    if unshare is None:
        pytest.skip("unshare is not installed")
    isolated = [unshare, "--user", "--map-root-user", "--net"]
    if run([*isolated, "true"], check=False, capture_output=True).returncode:
        pytest.skip("this system does not let users make network namespaces")
    done = _run([*isolated, sys.executable, "-m", "weighbridge", *arguments])
    assert done.returncode == 0, done.stderr
    assert f"{len(FILES)} covered by the signature" in done.stdout


def _run(arguments: list[str]) -> CompletedProcess[str]:
    return run(arguments, check=False, capture_output=True, text=True)
