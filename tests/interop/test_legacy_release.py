"""Signatures that a release before 1.0 really made; see tests/vectors/signing."""

from pathlib import Path

import pytest

from support.signatures import refused
from weighbridge.core.codes import Code
from weighbridge.pipeline.verify import verify
from weighbridge.signing.certificate import CertificateVerifier, ExpectedIdentity
from weighbridge.signing.interface import Verifier
from weighbridge.signing.key import KeyVerifier

VECTORS = Path(__file__).parents[1] / "vectors" / "signing" / "v0.2.0"
METHODS = ("key", "certificate")


def verifier_of(method: str, *, allow_legacy: bool) -> Verifier:
    """Return the verifier for the signature made with *method*."""
    if method == "key":
        return KeyVerifier.from_pem((VECTORS / "key.pub").read_bytes(), allow_legacy=allow_legacy)
    return CertificateVerifier.from_pem(
        (VECTORS / "root.pem").read_bytes(),
        expected=ExpectedIdentity(subject="CN=signer,O=Example"),
        allow_legacy=allow_legacy,
    )


@pytest.mark.parametrize("method", METHODS)
def test_a_signature_before_1_0_verifies_on_request(method: str) -> None:
    """With the legacy switch a real signature of 0.2.0 covers its model."""
    evidence = verify(
        VECTORS / "model",
        verifier=verifier_of(method, allow_legacy=True),
        signature=VECTORS / f"{method}.sig",
        allow_legacy=True,
    )
    assert evidence.covered == ("a.bin", "sub/b.json")


@pytest.mark.parametrize("method", METHODS)
def test_a_signature_before_1_0_is_refused_otherwise(method: str) -> None:
    """Neither the old encoding nor the old statement is accepted without the switch."""
    with refused(Code.KEY_MISMATCH if method == "key" else Code.SIGNATURE_INVALID):
        verify(
            VECTORS / "model",
            verifier=verifier_of(method, allow_legacy=False),
            signature=VECTORS / f"{method}.sig",
            allow_legacy=True,
        )
    with refused(Code.LEGACY_REFUSED, text="--allow-legacy"):
        verify(
            VECTORS / "model",
            verifier=verifier_of(method, allow_legacy=True),
            signature=VECTORS / f"{method}.sig",
        )
