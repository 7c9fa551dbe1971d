"""Keyless signatures on the test instance, in which tests exchange one part each."""

import base64
import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from weighbridge.core.codes import Code
from weighbridge.core.errors import SignatureRejectedError
from weighbridge.core.evidence import Verification
from weighbridge.core.identity import SigningMethod
from weighbridge.demo.instance.careless import Parts, sign_carelessly
from weighbridge.demo.instance.faults import Faults
from weighbridge.demo.instance.loopback import LoopbackSigstore
from weighbridge.pipeline.sign import sign
from weighbridge.pipeline.verify import verify
from weighbridge.signing.sigstore.expected import Exactly, ExpectedSigner
from weighbridge.signing.sigstore.trust import parse_trust
from weighbridge.signing.sigstore.verification import SigstoreVerifier

ADA = "ada@example.org"

FILES = {
    "config.json": b"{}",
    "model.safetensors": b"weights" * 100,
    "sub/vocab.txt": b"words",
}


Alter = Callable[[Parts], Parts]


class CarelessSigner:
    """
    Signs as whoever the token is about, and looks at nothing that it gets.

    Args:
        instance: Where to sign.
        token: The default is one for `ADA`.
        version: Of the log's protocol.
        stamps: How many timestamps to ask for.
        alter: Exchanges parts before they are put together.
    """

    method = SigningMethod.SIGSTORE

    def __init__(
        self,
        instance: LoopbackSigstore,
        *,
        token: str | None = None,
        version: int = 2,
        stamps: int | None = None,
        alter: Alter | None = None,
    ) -> None:
        self._instance = instance
        self._token = token or instance.token(ADA)
        self._version = version
        self._stamps = stamps
        self._alter = alter

    def sign(self, statement: bytes, /) -> bytes:
        """Return the signature file for *statement*."""
        parts = self.parts(statement)
        return (self._alter(parts) if self._alter else parts).bundle()

    def parts(self, statement: bytes) -> Parts:
        """Return the parts of a signature over *statement*."""
        return sign_carelessly(
            self._instance,
            statement,
            token=self._token,
            log_version=self._version,
            stamps=self._stamps,
        )


def b64(data: bytes) -> str:
    """Return *data* in base64."""
    return base64.b64encode(data).decode()


def write_model(place: Path) -> Path:
    """Write a small model to *place*."""
    for name, data in FILES.items():
        path = place / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return place


def sign_model(model: Path, signer: CarelessSigner) -> None:
    """Sign *model* into its `model.sig`."""
    sign(model, signer=signer)


def keyless_verifier(trust: Path, *, identity: str, issuer: str) -> SigstoreVerifier:
    """Return our verifier, for a signer under the trust configuration at *trust*."""
    return SigstoreVerifier(
        trust=parse_trust(trust.read_bytes(), where=str(trust)),
        expected=ExpectedSigner(identity=Exactly(identity), issuer=issuer),
    )


def verify_model(
    model: Path,
    instance: LoopbackSigstore,
    *,
    identity: str = ADA,
    issuer: str | None = None,
    trust: Path | None = None,
) -> Verification:
    """Verify `model.sig` of *model* as made by *identity* on *instance*."""
    verifier = keyless_verifier(
        trust or instance.trust_config, identity=identity, issuer=issuer or instance.issuer.url
    )
    return verify(model, verifier=verifier)


def read_bundle(model: Path) -> dict[str, Any]:
    """Return the content of the model's signature file."""
    content: dict[str, Any] = json.loads((model / "model.sig").read_bytes())
    return content


def write_bundle(model: Path, content: dict[str, Any]) -> None:
    """Replace the content of the model's signature file."""
    (model / "model.sig").write_text(json.dumps(content))


class Case:
    """
    A model that is signed in some way, and what the verification has to say of it.

    Attributes:
        model: The model.
        instance: Where it is signed.
    """

    def __init__(self, model: Path, instance: LoopbackSigstore) -> None:
        self.model = model
        self.instance = instance

    def sign(
        self,
        *,
        faults: Faults | None = None,
        alter: Alter | None = None,
        token: str | None = None,
        version: int = 2,
        stamps: int | None = None,
    ) -> None:
        """Sign the model carelessly."""
        signer = CarelessSigner(
            self.instance, token=token, version=version, stamps=stamps, alter=alter
        )
        with self.instance.misbehaving(faults or Faults()):
            sign_model(self.model, signer)

    def parts(self, statement: bytes, *, token: str | None = None, version: int = 2) -> Parts:
        """
        Return the parts of another good signature, over *statement*.

        Its certificate is valid since a minute ago, and so at every time of a test.
        """
        with self.instance.misbehaving(Faults(certificate_shift=timedelta(minutes=-1))):
            return CarelessSigner(self.instance, token=token, version=version).parts(statement)

    def accepted(
        self, *, identity: str = ADA, issuer: str | None = None, trust: Path | None = None
    ) -> None:
        """Require that the signature is accepted, with the whole model covered."""
        evidence = verify_model(
            self.model, self.instance, identity=identity, issuer=issuer, trust=trust
        )
        assert set(evidence.covered) == set(FILES)

    def refused(
        self,
        *codes: Code,
        identity: str = ADA,
        issuer: str | None = None,
        trust: Path | None = None,
    ) -> SignatureRejectedError:
        """Require that the signature is refused, for one of the reasons *codes*."""
        with pytest.raises(SignatureRejectedError) as caught:
            verify_model(self.model, self.instance, identity=identity, issuer=issuer, trust=trust)
        assert caught.value.code in codes, str(caught.value)
        return caught.value
