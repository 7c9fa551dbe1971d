"""Signatures with certificates of a hierarchy of tests."""

import dataclasses
from datetime import datetime

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec

from support.pki import (
    NOW,
    Issued,
    Plan,
    bundle_pem,
    curve_key,
    intermediate_plan,
    root,
)
from weighbridge.core.identity import CertificateIdentity
from weighbridge.signing.bundle import Bundle, CertificateMaterial, parse_bundle
from weighbridge.signing.certificate import (
    CertificateSigner,
    CertificateVerifier,
    ExpectedIdentity,
)

PAYLOAD = b'{"s": 1}'
ANYBODY = ExpectedIdentity(any_identity=True)
ROOT = root()
INTERMEDIATE = ROOT.issue(intermediate_plan(), key=curve_key(number=2))
LEAF = INTERMEDIATE.issue(Plan())
NAMES = (
    x509.UniformResourceIdentifier("https://example.org/release"),
    x509.RFC822Name("release@example.org"),
    x509.DNSName("example.org"),
)


def bundle_of(leaf: Issued, *issuers: Issued) -> Bundle:
    """Return a signature by *leaf*, made without the signer's own checks."""
    signer = CertificateSigner.__new__(CertificateSigner)
    assert isinstance(leaf.key, ec.EllipticCurvePrivateKey)
    signer._key = leaf.key
    signer._chain = (leaf.certificate, *(i.certificate for i in issuers))
    return parse_bundle(signer.sign(PAYLOAD), where="model.sig")


def verify(
    bundle: Bundle,
    *roots: Issued,
    expected: ExpectedIdentity = ANYBODY,
    at: datetime = NOW,
    allow_legacy: bool = False,
) -> CertificateIdentity:
    """Verify *bundle* with *roots* trusted."""
    verifier = CertificateVerifier.from_pem(
        bundle_pem(roots or (ROOT,)),
        expected=expected,
        where="roots.pem",
        allow_legacy=allow_legacy,
    )
    return verifier.verify(bundle, at=at)


def with_certificates(bundle: Bundle, *certificates: bytes) -> Bundle:
    """Return *bundle* with other certificates in it."""
    material = CertificateMaterial(certificates=certificates)
    return dataclasses.replace(bundle, material=material)
