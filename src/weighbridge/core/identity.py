"""
Identities: what an artifact says of itself, and what cryptography established.

The two are different types with no conversion between them, so that a claim can never be
passed where a verified identity is asked for.
"""

from dataclasses import field
from datetime import datetime
from enum import StrEnum

from weighbridge.core.values import frozen


class SigningMethod(StrEnum):
    """How a signature is made and verified; the value is the name on the command line."""

    KEY = "key"
    CERTIFICATE = "certificate"
    SIGSTORE = "sigstore"
    PKCS11_KEY = "pkcs11-key"
    PKCS11_CERTIFICATE = "pkcs11-certificate"


@frozen(kw_only=False)
class ClaimedIdentity:
    """What an artifact or a signer says, unverified: for display only."""

    text: str


class Clock(StrEnum):
    """Whose clock says when a signature was made; the signer's own is never believed."""

    TIMESTAMP_AUTHORITY = "timestamp-authority"
    """A token after RFC 3161, by an authority that the verifier trusts."""

    TRANSPARENCY_LOG = "transparency-log"
    """The entry of a log that the verifier trusts."""


@frozen
class SigningTime:
    """
    A time at which a signature is known to have existed.

    Attributes:
        at: The time, with a time zone.
        clock: Whose clock it is.
        authority: Which one, as it was verified: the subject of the authority's certificate, or
            the log's name or id.
    """

    at: datetime
    clock: Clock
    authority: str


@frozen
class KeyIdentity:
    """
    The holder of a private key.

    Attributes:
        fingerprint: Lower-case hex SHA-256 of the DER SubjectPublicKeyInfo.
        curve: Name of the curve, such as `secp256r1`; of the algorithm where that is all there
            is: `ed25519`, `ml-dsa-65`.
        times: When it signed, by clocks that the verifier trusts; no part of who it is.
        unused_timestamps: Timestamps that count for nothing, each with the reason.
    """

    fingerprint: str
    curve: str
    times: tuple[SigningTime, ...] = field(default=(), compare=False)
    unused_timestamps: tuple[str, ...] = field(default=(), compare=False)

    @property
    def label(self) -> str:
        """One line for people."""
        return f"key sha256:{self.fingerprint}"

    @property
    def trusted_root(self) -> str:
        """What the trust rests on, as a digest: the key that the verifier was given."""
        return f"sha256:{self.fingerprint}"


@frozen
class CertificateIdentity:
    """
    The subject of a certificate whose chain reaches a trusted root.

    Attributes:
        subject: RFC 4514 string of the subject.
        issuer: RFC 4514 string of the issuer.
        san_uris: URIs of the subject alternative name.
        san_emails: E-mail addresses of the subject alternative name.
        san_dns: DNS names of the subject alternative name.
        fingerprint: Lower-case hex SHA-256 of the DER certificate.
        root_fingerprint: The same of the trusted root that the path ends in.
        not_before: Start of validity, UTC.
        not_after: End of validity, UTC.
        expected: Whether the caller expected this very identity; False where every subject of
            the roots was accepted, which whoever shows the identity has to say.
        times: When it signed, by clocks that the verifier trusts; no part of who it is.
        unused_timestamps: Timestamps that count for nothing, each with the reason.
        key_fingerprint: Lower-case hex SHA-256 of the DER SubjectPublicKeyInfo: the same as of a
            `KeyIdentity` with that key. None where nobody asked.
    """

    subject: str
    issuer: str
    san_uris: tuple[str, ...]
    san_emails: tuple[str, ...]
    san_dns: tuple[str, ...]
    fingerprint: str
    root_fingerprint: str
    not_before: datetime
    not_after: datetime
    expected: bool
    times: tuple[SigningTime, ...] = field(default=(), compare=False)
    unused_timestamps: tuple[str, ...] = field(default=(), compare=False)
    key_fingerprint: str | None = None

    @property
    def label(self) -> str:
        """One line for people: a URI or e-mail where there is one, else the subject."""
        names = self.san_uris or self.san_emails or self.san_dns
        return f"certificate {names[0] if names else self.subject}"

    @property
    def trusted_root(self) -> str:
        """What the trust rests on, as a digest: the root that the path ends in."""
        return f"sha256:{self.root_fingerprint}"


@frozen
class SigstoreIdentity:
    """
    Somebody for whom an identity provider vouched when a short-lived certificate was issued.

    Every value is of the certificate that was verified.

    Attributes:
        name: The one name in the certificate: a URI, an e-mail address or a user name.
        issuer: URL of the identity provider.
        claims: What the provider said besides, sorted: pairs of Fulcio's name for it, such as
            `source-repository-ref`, and its value.
        fingerprint: Lower-case hex SHA-256 of the DER certificate.
        not_before: Start of the certificate's validity, UTC.
        not_after: End of it, UTC.
        root_sha256: Lower-case hex SHA-256 of the file with the trusted root.
        log_id: Lower-case hex id of the transparency log that has the signature.
        log_index: Where in the log.
        times: When it signed, by clocks that the verifier trusts; no part of who it is.
    """

    name: str
    issuer: str
    claims: tuple[tuple[str, str], ...]
    fingerprint: str
    not_before: datetime
    not_after: datetime
    root_sha256: str
    log_id: str
    log_index: int
    times: tuple[SigningTime, ...] = field(default=(), compare=False)

    @property
    def label(self) -> str:
        """One line for people: a name means nothing without who vouched for it."""
        return f"sigstore {self.name} by {self.issuer}"

    @property
    def trusted_root(self) -> str:
        """What the trust rests on, as a digest: the file with the trusted root."""
        return f"sha256:{self.root_sha256}"


VerifiedIdentity = KeyIdentity | CertificateIdentity | SigstoreIdentity
"""
Established by cryptography against trust that the caller gave.

Each has a `label`, a `trusted_root` (the digest of what the trust rests on) and `times`.
"""
