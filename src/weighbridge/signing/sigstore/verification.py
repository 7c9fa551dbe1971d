"""
Verifying keyless signatures, with no network.

A verification, in this order:

1. the signature is a keyless one, and its certificate is strict DER and for signing code;
2. every time stamp in it holds, by an authority of the trusted root; with the log's promise,
   where there is one, at least one clock says when it was signed, and none of them in the future;
3. the certificate was valid at each of those times;
4. of the trusted root, only what was in use at those times is believed, and only the log that
   the entry names;
5. the `sigstore` package verifies, against that: the certificate's path at each time, that a log
   of certificates lists it, the inclusion proof and the checkpoint, the promise, the signature,
   and that the entry is about this very signature;
6. the certificate names the expected signer, under the expected identity provider.

Everything that is read about the signer is of the certificate, and everything that is returned
was verified. This module makes no connection: nothing that it calls needs one.
"""

import hashlib
from datetime import UTC, datetime, timedelta
from typing import Final

from cryptography import x509
from rfc3161_client import VerificationError as TimestampError
from rfc3161_client import VerifierBuilder, decode_timestamp_response
from sigstore.errors import CertValidationError
from sigstore.errors import Error as SigstoreError
from sigstore.models import Bundle as SigstoreBundle
from sigstore.verify import Verifier

from weighbridge.core.codes import Code
from weighbridge.core.errors import SignatureRejectedError
from weighbridge.core.identity import Clock, SigningMethod, SigningTime, SigstoreIdentity
from weighbridge.core.limits.signing import MAX_CLOCK_SKEW_SECONDS
from weighbridge.signing.bundle import Bundle, render_bundle
from weighbridge.signing.certificate_file import FOREIGN_ERRORS, is_valid_at
from weighbridge.signing.certificate_path import expired
from weighbridge.signing.dsse import PAYLOAD_TYPE
from weighbridge.signing.sigstore.certificate import load_signing_certificate, read_signer
from weighbridge.signing.sigstore.expected import ExpectedSigner
from weighbridge.signing.sigstore.material import LogEntry, SigstoreMaterial
from weighbridge.signing.sigstore.trust import StampingAuthority, Trust, is_within
from weighbridge.signing.timestamps.token import UntrustedTimestampError, verify_timestamp

_FOREIGN: Final = (
    SigstoreError,
    *FOREIGN_ERRORS,
    LookupError,
    AttributeError,
    OverflowError,
    RecursionError,
)
"""Whatever the dependency raises about a signature; none of it leaves this module."""

_KINDS: Final = (
    ("failed to verify SCT", Code.CERTIFICATE_UNTRUSTED),
    ("CTFE keys not found", Code.CERTIFICATE_UNTRUSTED),
    ("invalid log entry", Code.LOG_ENTRY),
    ("log entry", Code.LOG_ENTRY),
    ("transparency log entry", Code.LOG_ENTRY),
    ("SET:", Code.LOG_ENTRY),
    ("invalid signing cert", Code.CERTIFICATE_EXPIRED),
    ("not enough sources of verified time", Code.TIMESTAMP_REQUIRED),
)
"""How messages of the dependency begin, and what they are about; the refusal needs none of it."""


class SigstoreVerifier:
    """Accepts keyless signatures of an expected signer, under a trusted root."""

    method: Final = SigningMethod.SIGSTORE

    def __init__(self, *, trust: Trust, expected: ExpectedSigner) -> None:
        self._trust = trust
        self._expected = expected

    def glance(self, bundle: Bundle, /) -> None:
        """
        Refuse a bundle whose certificate, unverified, is of another signer than the expected one.

        Raises:
            SignatureRejectedError: It is, or it cannot be read.
        """
        material = bundle.material
        if not isinstance(material, SigstoreMaterial):
            raise bundle.other_method(self.method)
        leaf = load_signing_certificate(material.certificate, where=bundle.where)
        self._expected.require(read_signer(leaf, where=bundle.where), where=bundle.where)

    def verify(self, bundle: Bundle, /, *, at: datetime) -> SigstoreIdentity:
        """
        Return the signer of the bundle's payload.

        Args:
            bundle: As parsed from the signature file.
            at: The caller's clock, with a time zone; no time stamp and no promise may be later.
                The signature is judged by the times that are bound to it.

        Raises:
            SignatureRejectedError: One of the steps at the top of this module fails.
        """
        material = bundle.material
        if not isinstance(material, SigstoreMaterial):
            raise bundle.other_method(self.method)
        where, entry = bundle.where, material.entry
        leaf = load_signing_certificate(material.certificate, where=where)  # 1
        times = self._times(bundle, entry, at=at)  # 2
        moments = [time.at for time in times]
        for moment in moments:  # 3
            if not is_valid_at(leaf, moment):
                raise expired(leaf, at=moment, where=where)
        log = self._trust.log_named(entry.log_id, at=moments, where=where)  # 4
        self._verify(bundle, leaf, log_id=entry.log_id, moments=moments)  # 5
        signer = read_signer(leaf, where=where)  # 6
        self._expected.require(signer, where=where)
        return SigstoreIdentity(
            name=signer.name,
            issuer=signer.issuer,
            claims=tuple(signer.claims.items()),
            fingerprint=hashlib.sha256(material.certificate).hexdigest(),
            not_before=leaf.not_valid_before_utc,
            not_after=leaf.not_valid_after_utc,
            root_sha256=self._trust.sha256,
            log_id=entry.log_id.hex(),
            log_index=entry.index,
            times=tuple(
                SigningTime(at=t.at, clock=t.clock, authority=t.authority or log) for t in times
            ),
        )

    def _times(self, bundle: Bundle, entry: LogEntry, *, at: datetime) -> list[SigningTime]:
        """Return every time that is bound to the signature, the earliest first; at least one."""
        times = [self._stamped(bundle, number, at=at) for number in range(len(bundle.timestamps))]
        if entry.time is not None:
            # The promise is over this time, and is verified with the rest of the entry.
            moment = datetime.fromtimestamp(entry.time, tz=UTC)
            if moment > at + timedelta(seconds=MAX_CLOCK_SKEW_SECONDS):
                raise _no_time(
                    bundle, found=f"a promise of {moment:%Y-%m-%d %H:%M:%S} UTC, in the future"
                )
            times.append(SigningTime(at=moment, clock=Clock.TRANSPARENCY_LOG, authority=""))
        if not times:
            raise _no_time(bundle, found="neither a time stamp nor a log's promise")
        return sorted(times, key=lambda time: time.at)

    def _stamped(self, bundle: Bundle, number: int, *, at: datetime) -> SigningTime:
        """Return the time of one time stamp, by an authority that was in use then."""
        stamp = bundle.timestamps[number]
        problems: list[str] = []
        for authority in self._trust.stamping:
            try:
                time = verify_timestamp(
                    stamp, signature=bundle.signature, trust=authority.store, at=at
                )
                _require_signer(stamp, authority, signature=bundle.signature)
            except (UntrustedTimestampError, TimestampError, *_FOREIGN) as error:
                problems.append(str(error)[:160])
                continue
            if is_within(time.at, authority.period):
                return time
            problems.append(f"{time.authority} was not in use at {time.at:%Y-%m-%d %H:%M:%S} UTC")
        reasons = "; ".join(dict.fromkeys(problems))
        found = reasons or "the trusted root has no authority for time stamps"
        raise _no_time(bundle, found=f"time stamp {number + 1}: {found}")

    def _verify(
        self, bundle: Bundle, leaf: x509.Certificate, *, log_id: bytes, moments: list[datetime]
    ) -> None:
        """Have the `sigstore` package verify what was parsed, and not what was in the file."""
        data = render_bundle(
            payload=bundle.payload,
            signature=bundle.signature,
            material=bundle.material,
            timestamps=bundle.timestamps,
        )
        try:
            root = self._trust.in_use(log_id=log_id, at=moments, certificate=leaf)
            kind, payload = Verifier(trusted_root=root).verify_dsse(
                SigstoreBundle.from_json(data), _TheVeryCertificate(leaf)
            )
        except _FOREIGN as error:
            raise _refused(error, where=bundle.where) from error
        if (kind, payload) != (PAYLOAD_TYPE, bundle.payload):
            raise SignatureRejectedError(
                "another statement was verified than the one that was read", where=bundle.where
            )


class _TheVeryCertificate:
    """
    Implements the `sigstore` package's policies: the certificate is the one that was read.

    Who signed is judged here and not by the package's policies: those accept a certificate with
    several names if one of them is the expected one, and compare one of two places in which an
    identity provider is stated.
    """

    def __init__(self, leaf: x509.Certificate) -> None:
        self._leaf = leaf

    def verify(self, cert: x509.Certificate) -> None:
        """Raise ValueError for another certificate."""
        if cert != self._leaf:
            raise ValueError("another certificate was verified than the one that was read")


def _require_signer(stamp: bytes, authority: StampingAuthority, *, signature: bytes) -> None:
    """Refuse a time stamp of another key below the same root than the authority's own."""
    chain = authority.chain
    VerifierBuilder(
        tsa_certificate=chain[0], intermediates=list(chain[1:-1]), roots=[chain[-1]]
    ).build().verify_message(decode_timestamp_response(stamp), signature)


def _refused(error: Exception, *, where: str) -> SignatureRejectedError:
    """Say what the dependency found wrong."""
    found = ": ".join(str(error).splitlines()[:2])[:300] or type(error).__name__
    if isinstance(error, CertValidationError):
        return SignatureRejectedError(
            "the signer's certificate does not lead to an authority that was trusted then",
            code=Code.CERTIFICATE_UNTRUSTED,
            where=where,
            expected="a certificate of an authority that the trusted root names",
            found=found,
            hint="Give the signer's instance with --trust-config",
        )
    code = next((code for text, code in _KINDS if found.startswith(text)), Code.SIGNATURE_INVALID)
    messages = {
        Code.LOG_ENTRY: "the log entry does not hold",
        Code.CERTIFICATE_UNTRUSTED: "no trusted log lists the signer's certificate",
    }
    return SignatureRejectedError(
        messages.get(code, "the signature does not hold"), code=code, where=where, found=found
    )


def _no_time(bundle: Bundle, *, found: str) -> SignatureRejectedError:
    return SignatureRejectedError(
        "nothing that can be trusted says when it was signed",
        code=Code.TIMESTAMP_REQUIRED,
        where=bundle.where,
        expected="time stamps of the trusted root's authorities, or a log's promise",
        found=found,
    )
