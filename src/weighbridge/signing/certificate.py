"""
The certificate method: a signer's certificate that leads to a root the caller trusts.

Source: OMS specification 1.0, section 5; RFC 5280.

A verification, in this order:

1. the signature names a certificate chain, and each certificate is strict DER;
2. the signer's certificate is for signing models, on a supported curve;
3. its validity has begun, and so it was when the model was signed: at the time of a timestamp by
   an authority that the caller trusts, and without one at the caller's clock;
4. it leads to one of the caller's roots, by certificates that were all valid at that time;
5. it is the expected signer's;
6. its key made the signature.

So an expired certificate is accepted exactly where a trusted timestamp falls within its
validity. Where there is a trusted timestamp and it does not, the signature is refused even if
the certificate is valid now: whoever signed did so without it.

Revocation is not looked up: that needs a network, and lists come from whoever they accuse.

Only this module and its own `certificate_file` and `certificate_path` import X.509 code, which
costs start-up time: import it where the method is chosen.
"""

import dataclasses
import hashlib
from collections.abc import Sequence
from datetime import datetime
from itertools import pairwise
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from weighbridge.core.codes import Code
from weighbridge.core.errors import KeyRejectedError, SignatureRejectedError, UsageError
from weighbridge.core.identity import CertificateIdentity, SigningMethod
from weighbridge.core.limits.signing import MAX_CERTIFICATES
from weighbridge.signing.algorithms import sign_payload, verify_payload
from weighbridge.signing.bundle import Bundle, CertificateMaterial, render_bundle
from weighbridge.signing.certificate_file import (
    described,
    find_extension,
    is_issued_by,
    is_valid_at,
    load_certificate,
    load_certificates,
    signing_key,
)
from weighbridge.signing.certificate_path import TrustStore, expired, find_path
from weighbridge.signing.ecdsa import SigningKey
from weighbridge.signing.identity import ExpectedIdentity
from weighbridge.signing.key_file import load_private_key
from weighbridge.signing.timestamps.reading import TimestampReading, read_timestamps
from weighbridge.signing.timestamps.trust import TimestampTrust

__all__ = ["CertificateSigner", "CertificateVerifier", "ExpectedIdentity"]


class CertificateSigner:
    """Signs with a private key and puts its certificate chain into the signature."""

    def __init__(
        self,
        key: SigningKey,
        *,
        chain: Sequence[x509.Certificate],
        where: str,
        method: SigningMethod = SigningMethod.CERTIFICATE,
    ) -> None:
        """
        Check that a verifier could accept what this signer makes.

        Args:
            key: The private key; a token's key is one as well.
            chain: The signer's certificate, then its issuers, each signed by the next; see
                `load_chain`.
            where: The certificate's file, for messages.
            method: What a result says of how it was signed; the signature is the same.

        Raises:
            KeyRejectedError: The key does not belong to the certificate, the certificate is not
                for signing, or the chain is not in order.
        """
        leaf = chain[0]
        if signing_key(leaf, where=where, error=KeyRejectedError) != key.public_key():
            raise KeyRejectedError(
                "the private key does not belong to the certificate",
                code=Code.KEY_MISMATCH,
                where=where,
                found=described(leaf),
            )
        for certificate, issuer in pairwise(chain):
            if not is_issued_by(certificate, issuer):
                raise KeyRejectedError(
                    "the certificate chain is not in order",
                    code=Code.CERTIFICATE_UNTRUSTED,
                    where=where,
                    expected=f"the issuer of {described(certificate)}",
                    found=described(issuer),
                    hint="Give the issuer of the signing certificate first, then its issuer",
                )
        self._key = key
        self._chain = tuple(chain)
        self._method = method

    @property
    def method(self) -> SigningMethod:
        """How the signature is made."""
        return self._method

    @classmethod
    def from_pem(
        cls,
        key: bytes,
        certificate: bytes,
        chain: Sequence[bytes] = (),
        *,
        password: bytes | None = None,
        at: datetime | None = None,
        where: str = "the private key",
        certificate_where: str = "the signing certificate",
        chain_where: str = "the certificate chain",
    ) -> "CertificateSigner":
        """
        Read key and certificates from PEM files.

        Args:
            key: File with the private key.
            certificate: File with the signer's certificate.
            chain: Files with its issuers, in order; the root may be left out.
            password: Of the private key.
            at: The caller's clock; if given, the certificate must be valid then.
            where: Name of the key's file.
            certificate_where: Name of the certificate's file.
            chain_where: Name of the chain's files.

        Raises:
            KeyRejectedError: A file cannot be used, or they do not belong together.
        """
        loaded = load_chain(
            certificate, chain, at=at, where=certificate_where, chain_where=chain_where
        )
        private_key = load_private_key(key, password=password, where=where)
        # Other kinds are not loaded where nobody allows them.
        assert isinstance(private_key, EllipticCurvePrivateKey)
        return cls(private_key, chain=loaded, where=certificate_where)

    def sign(self, statement: bytes, /) -> bytes:
        """Return the signature file for the very bytes *statement*."""
        certificates = tuple(c.public_bytes(Encoding.DER) for c in self._chain)
        return render_bundle(
            payload=statement,
            signature=sign_payload(self._key, statement),
            material=CertificateMaterial(certificates=certificates),
        )


def load_chain(
    certificate: bytes,
    chain: Sequence[bytes] = (),
    *,
    at: datetime | None = None,
    where: str = "the signing certificate",
    chain_where: str = "the certificate chain",
) -> tuple[x509.Certificate, ...]:
    """
    Return the signer's certificate and its issuers from PEM files.

    Args:
        certificate: File with the signer's certificate.
        chain: Files with its issuers, in order; the root may be left out.
        at: The caller's clock; if given, the certificate must be valid then.
        where: Name of the certificate's file.
        chain_where: Name of the chain's files.

    Raises:
        KeyRejectedError: A file cannot be used.
    """
    leaves = load_certificates(certificate, where=where)
    issuers = [c for data in chain for c in load_certificates(data, where=chain_where)]
    if len(leaves) + len(issuers) > MAX_CERTIFICATES:
        raise KeyRejectedError(
            "too many certificates",
            code=Code.CERTIFICATE_MALFORMED,
            where=chain_where,
            expected=f"at most {MAX_CERTIFICATES}",
            found=str(len(leaves) + len(issuers)),
        )
    if at is not None and not is_valid_at(leaves[0], at):
        problem = expired(leaves[0], at=at, where=where)
        raise KeyRejectedError(
            problem.message,
            code=problem.code,
            where=problem.where,
            expected=problem.expected,
            found=problem.found,
        )
    return (*leaves, *issuers)


class CertificateVerifier:
    """Accepts signatures of an expected signer under the caller's roots."""

    method: Final = SigningMethod.CERTIFICATE

    def __init__(
        self,
        *,
        roots: Sequence[x509.Certificate],
        expected: ExpectedIdentity,
        where: str = "the trusted certificates",
        allow_legacy: bool = False,
        timestamps: TimestampTrust | None = None,
    ) -> None:
        """
        Prepare the trust.

        Args:
            roots: Self-signed root certificates; intermediate certificates among them help to
                build paths and are not trusted by themselves. Never the web's authorities.
            expected: Who must have signed.
            where: Where the roots are from, for messages.
            allow_legacy: Whether to accept the signature encoding of releases before 1.0.
            timestamps: Authorities whose clocks are believed; None for the caller's alone.

        Raises:
            KeyRejectedError: There is no root, or a certificate that none of them signed.
            UsageError: The expected subject is not an RFC 4514 string.
        """
        self._trust = TrustStore.from_certificates(roots, where=where)
        self._expected = expected
        self._subject = _parse_subject(expected.subject)
        self._allow_legacy = allow_legacy
        self._timestamps = timestamps

    @classmethod
    def from_pem(
        cls,
        data: bytes,
        *,
        expected: ExpectedIdentity,
        where: str = "the trusted certificates",
        allow_legacy: bool = False,
        timestamps: TimestampTrust | None = None,
    ) -> "CertificateVerifier":
        """
        Read the roots from a PEM file.

        Raises:
            KeyRejectedError: As `load_certificates` and the constructor.
            UsageError: As the constructor.
        """
        roots = load_certificates(data, where=where)
        return cls(
            roots=roots,
            expected=expected,
            where=where,
            allow_legacy=allow_legacy,
            timestamps=timestamps,
        )

    def verify(self, bundle: Bundle, /, *, at: datetime) -> CertificateIdentity:
        """
        Return the signer of the bundle's payload.

        Args:
            bundle: As parsed from the signature file.
            at: The caller's clock, with a time zone; the certificates must be valid then, unless
                a trusted timestamp says when the signature was made.

        Raises:
            SignatureRejectedError: One of the steps at the top of this module fails.
            UsageError: *at* has no time zone.
        """
        if at.tzinfo is None:
            raise UsageError("the time of a verification needs a time zone")
        chain = _load_chain(bundle)
        leaf = chain[0]
        where = f"{bundle.where}: {described(leaf)}"
        key = signing_key(leaf, where=where, error=SignatureRejectedError)
        if at < leaf.not_valid_before_utc:
            raise expired(leaf, at=at, where=bundle.where)
        reading = read_timestamps(bundle, self._timestamps, at=at)
        path = self._find_path(chain, reading, at=at, where=bundle.where)
        identity = dataclasses.replace(
            _identity(leaf, root=path[-1], expected=not self._expected.any_identity),
            times=reading.times,
            unused_timestamps=reading.unused,
        )
        self._check_identity(leaf, identity, where=bundle.where)
        verify_payload(key, bundle, legacy_hashes=(SHA256(),) if self._allow_legacy else ())
        return identity

    def _find_path(
        self, chain: list[x509.Certificate], reading: TimestampReading, *, at: datetime, where: str
    ) -> list[x509.Certificate]:
        """Return the path to a root at the first of the times at which there is one."""
        refusals: list[SignatureRejectedError] = []
        for moment in reading.moments(at):
            try:
                if not is_valid_at(chain[0], moment):
                    raise expired(chain[0], at=moment, where=where, unused=reading.unused)
                return find_path(chain, self._trust, at=moment, where=where)
            except SignatureRejectedError as error:
                refusals.append(error)
        raise refusals[-1]

    def _check_identity(
        self, leaf: x509.Certificate, identity: CertificateIdentity, *, where: str
    ) -> None:
        """Refuse every signer but the expected one; exact comparisons only."""
        names = (*identity.san_uris, *identity.san_emails, *identity.san_dns)
        wanted = self._expected
        checks = (
            ("subject", wanted.subject, leaf.subject == self._subject, (identity.subject,)),
            ("name", wanted.identity, wanted.identity in names, names),
            ("URI", wanted.san_uri, wanted.san_uri in identity.san_uris, identity.san_uris),
        )
        for what, expected, holds, found in checks:
            if expected is None or holds:
                continue
            raise SignatureRejectedError(
                f"the signer's certificate has another {what}",
                code=Code.IDENTITY_MISMATCH,
                where=where,
                expected=repr(expected),
                found=", ".join(repr(name) for name in found[:8]) or "none",
            )


def _load_chain(bundle: Bundle) -> list[x509.Certificate]:
    """Decode the certificates of *bundle*."""
    if not isinstance(bundle.material, CertificateMaterial):
        raise bundle.other_method(SigningMethod.CERTIFICATE)
    return [
        load_certificate(
            der, where=f"{bundle.where}: certificate {number}", error=SignatureRejectedError
        )
        for number, der in enumerate(bundle.material.certificates, start=1)
    ]


def _parse_subject(text: str | None) -> x509.Name | None:
    """Parse the expected subject, so that spacing and escapes do not matter."""
    if text is None:
        return None
    try:
        return x509.Name.from_rfc4514_string(text)
    except (ValueError, TypeError) as error:
        raise UsageError(
            "the expected subject is not usable",
            code=Code.IDENTITY_REQUIRED,
            expected="an RFC 4514 string such as 'CN=release,O=Example'",
            found=repr(text),
        ) from error


def _identity(
    leaf: x509.Certificate, *, root: x509.Certificate, expected: bool
) -> CertificateIdentity:
    """Describe the certificate whose path was verified."""
    names = find_extension(leaf.extensions, x509.SubjectAlternativeName)
    uris: list[str] = []
    emails: list[str] = []
    hosts: list[str] = []
    if names is not None:
        uris = names.get_values_for_type(x509.UniformResourceIdentifier)
        emails = names.get_values_for_type(x509.RFC822Name)
        hosts = names.get_values_for_type(x509.DNSName)
    return CertificateIdentity(
        subject=leaf.subject.rfc4514_string(),
        issuer=leaf.issuer.rfc4514_string(),
        san_uris=tuple(uris),
        san_emails=tuple(emails),
        san_dns=tuple(hosts),
        fingerprint=_fingerprint(leaf),
        root_fingerprint=_fingerprint(root),
        not_before=leaf.not_valid_before_utc,
        not_after=leaf.not_valid_after_utc,
        expected=expected,
        key_fingerprint=_key_fingerprint(leaf),
    )


def _key_fingerprint(certificate: x509.Certificate) -> str:
    key = certificate.public_key()
    der = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return hashlib.sha256(der).hexdigest()


def _fingerprint(certificate: x509.Certificate) -> str:
    return hashlib.sha256(certificate.public_bytes(Encoding.DER)).hexdigest()
