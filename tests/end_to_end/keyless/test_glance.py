"""A glance at a keyless signature refuses strangers, and accepts nobody."""

import json
from datetime import UTC, datetime

import pytest

from support.keyless import ADA, CarelessSigner, b64, keyless_verifier
from weighbridge.core.codes import Code
from weighbridge.core.errors import SignatureRejectedError
from weighbridge.demo.instance.loopback import LoopbackSigstore
from weighbridge.signing.bundle import Bundle, parse_bundle
from weighbridge.signing.sigstore.verification import SigstoreVerifier

EVE = "eve@example.org"


def signature(instance: LoopbackSigstore, identity: str, *, tampered: bool = False) -> Bundle:
    """Return a signature by *identity*, perhaps with another payload than was signed."""
    signer = CarelessSigner(instance, token=instance.token(identity), version=1)
    document = json.loads(signer.sign(b'"statement"'))
    if tampered:
        document["dsseEnvelope"]["payload"] = b64(b'"another"')
    return parse_bundle(json.dumps(document).encode(), where="x")


def expecting_ada(instance: LoopbackSigstore) -> SigstoreVerifier:
    """Return the verifier that expects `ADA`."""
    return keyless_verifier(instance.trust_config, identity=ADA, issuer=instance.issuer.url)


@pytest.mark.parametrize("tampered", [False, True])
def test_a_stranger_is_refused_at_a_glance(instance: LoopbackSigstore, tampered: bool) -> None:
    """Who by the certificate is somebody else is refused without any further look."""
    with pytest.raises(SignatureRejectedError) as caught:
        expecting_ada(instance).glance(signature(instance, EVE, tampered=tampered))
    assert caught.value.code is Code.IDENTITY_MISMATCH


def test_the_expected_signer_passes_and_is_verified_nevertheless(
    instance: LoopbackSigstore,
) -> None:
    """What passes a glance may still be forged: only the verification accepts."""
    verifier = expecting_ada(instance)
    good, bad = (signature(instance, ADA, tampered=tampered) for tampered in (False, True))
    for bundle in (good, bad):
        verifier.glance(bundle)
    assert verifier.verify(good, at=datetime.now(UTC)).name == ADA
    with pytest.raises(SignatureRejectedError):
        verifier.verify(bad, at=datetime.now(UTC))
