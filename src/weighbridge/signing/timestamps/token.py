"""
Verifying one timestamp: who made it, over what, and when.

In this order:

1. it is of bounded size and of the one form that `form` reads, granted, and says what it says in
   one spelling;
2. its imprint is a SHA-2 digest, and it is the digest of the signature at hand;
3. its signer's certificate is at hand, is for time stamping alone, critically so, and is no
   authority;
4. that certificate leads to one of the caller's roots, all of them valid at the time that the
   timestamp states; nothing else is among its certificates;
5. the authority's key signed it (`rfc3161-client`);
6. the stated time is exact enough, and not in the future of the caller's clock.

Source: RFC 3161, sections 2.3 and 2.4.2; RFC 5652.

Only this module and `client` import `rfc3161-client`; both are imported where a timestamp is.
"""

import hashlib
from collections.abc import Callable
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Final, TypeVar

from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID
from rfc3161_client import (
    TimeStampResponse,
    VerificationError,
    VerifierBuilder,
    decode_timestamp_response,
)

from weighbridge.core.errors import SignatureRejectedError
from weighbridge.core.identity import Clock, SigningTime
from weighbridge.core.limits.signing import (
    MAX_CERTIFICATES,
    MAX_CLOCK_SKEW_SECONDS,
    MAX_TIMESTAMP_BYTES,
    MAX_TIMESTAMP_INACCURACY_SECONDS,
)
from weighbridge.signing.certificate_file import (
    FOREIGN_ERRORS,
    described,
    find_extension,
    load_certificate,
)
from weighbridge.signing.certificate_path import TrustStore, find_path
from weighbridge.signing.timestamps.form import form_problem

_DIGESTS: Final = MappingProxyType(
    {
        "2.16.840.1.101.3.4.2.1": hashlib.sha256,
        "2.16.840.1.101.3.4.2.2": hashlib.sha384,
        "2.16.840.1.101.3.4.2.3": hashlib.sha512,
    }
)
_FOREIGN: Final = (*FOREIGN_ERRORS, VerificationError, OverflowError, LookupError)
"""What the library raises about hostile timestamps: a LookupError of names of unknown kinds."""

_WHERE: Final = "timestamp"

T = TypeVar("T")


class UntrustedTimestampError(Exception):
    """A timestamp that counts for nothing, and why; never leaves `signing.timestamps`."""


def verify_timestamp(
    response: bytes, /, *, signature: bytes, trust: TrustStore, at: datetime
) -> SigningTime:
    """
    Return when *signature* existed, by an authority under *trust*.

    Args:
        response: DER of a TimeStampResp; untrusted.
        signature: The bytes that the timestamp must be over: those of the DSSE signature.
        trust: Roots of timestamp authorities that the caller trusts.
        at: The caller's clock.

    Raises:
        UntrustedTimestampError: One of the steps at the top of this module fails.
    """
    decoded = read_timestamp(response, signature=signature)  # 1, 2
    certificates = _certificates(decoded)
    leaf = _signer(decoded, [*certificates, *trust.helpers])  # 3
    _check_authority(leaf)
    moment = decoded.tst_info.gen_time
    others = [certificate for certificate in certificates if certificate != leaf]
    try:  # 4
        find_path(
            [leaf, *others],
            trust,
            at=moment,
            where=_WHERE,
            purpose=ExtendedKeyUsageOID.TIME_STAMPING,
        )
    except SignatureRejectedError as error:
        raise _untrusted(f"{error.message}: {error.found}") from error
    _check_signature(decoded, leaf, trust, embedded=bool(certificates))  # 5
    _check_time(decoded, at=at)  # 6
    return SigningTime(at=moment, clock=Clock.TIMESTAMP_AUTHORITY, authority=described(leaf))


def read_timestamp(response: bytes, /, *, signature: bytes) -> TimeStampResponse:
    """
    Return the timestamp over *signature* that *response* holds; who made it is not looked at.

    Raises:
        UntrustedTimestampError: The response is malformed, or about something else.
    """
    if len(response) > MAX_TIMESTAMP_BYTES:
        raise _untrusted(f"{len(response)} bytes, more than {MAX_TIMESTAMP_BYTES}")
    problem = form_problem(response)
    if problem is not None:
        raise _untrusted(problem)
    decoded = _foreign(lambda: decode_timestamp_response(response))
    if _foreign(decoded.as_bytes) != response:
        raise _untrusted("not in its canonical encoding")
    imprint = _foreign(lambda: decoded.tst_info.message_imprint)
    digest = _DIGESTS.get(imprint.hash_algorithm.dotted_string)
    if digest is None:
        raise _untrusted("over a digest weaker than SHA-256, or an unknown one")
    if digest(signature).digest() != imprint.message:
        raise _untrusted("it is over another signature")
    return decoded


def read_status(response: bytes, /) -> tuple[int | None, str]:
    """Return the status of a response, None where it has none, and what it says in words."""
    try:
        decoded = _foreign(lambda: decode_timestamp_response(response))
        return decoded.status, "; ".join(_foreign(lambda: decoded.status_string))
    except UntrustedTimestampError:
        return None, ""


def _certificates(decoded: TimeStampResponse) -> list[x509.Certificate]:
    """Return the certificates in the timestamp, in an order of no meaning."""
    found = sorted(_foreign(lambda: decoded.signed_data.certificates))
    if len(found) > MAX_CERTIFICATES:
        raise _untrusted(f"{len(found)} certificates, more than {MAX_CERTIFICATES}")
    try:
        return [load_certificate(der, where=_WHERE, error=SignatureRejectedError) for der in found]
    except SignatureRejectedError as error:
        raise _untrusted(f"{error.message}: {error.found}") from error


def _signer(decoded: TimeStampResponse, candidates: list[x509.Certificate]) -> x509.Certificate:
    """Return the certificate that the timestamp names as its signer's."""
    infos = list(_foreign(lambda: decoded.signed_data.signer_infos))
    for info in infos:
        named = (_foreign(lambda: info.issuer), _foreign(lambda: info.serial_number))  # noqa: B023  called at once
        for candidate in candidates:
            if (candidate.issuer, candidate.serial_number) == named:
                return candidate
    raise _untrusted("its signer's certificate is neither in it nor among the trusted ones")


def _check_authority(leaf: x509.Certificate) -> None:
    """Refuse a signer whose certificate is not for time stamping alone (RFC 3161 2.3)."""
    constraints = find_extension(leaf.extensions, x509.BasicConstraints)
    usage = find_extension(leaf.extensions, x509.KeyUsage)
    purposes = find_extension(leaf.extensions, x509.ExtendedKeyUsage)
    if constraints is not None and constraints.ca:
        raise _untrusted(f"{described(leaf)} is an authority that issues certificates")
    if usage is not None and (
        usage.key_cert_sign
        or usage.crl_sign
        or not (usage.digital_signature or usage.content_commitment)
    ):
        raise _untrusted(f"{described(leaf)} has a key usage that is not for signatures")
    critical = {type(extension.value) for extension in leaf.extensions if extension.critical}
    alone = purposes is not None and list(purposes) == [ExtendedKeyUsageOID.TIME_STAMPING]
    if not alone or x509.ExtendedKeyUsage not in critical:
        raise _untrusted(
            f"{described(leaf)} is not for time stamping alone, stated as critical (RFC 3161 2.3)"
        )


def _check_signature(
    decoded: TimeStampResponse, leaf: x509.Certificate, trust: TrustStore, *, embedded: bool
) -> None:
    """Have the library verify the signature of *leaf*'s key, and the path once more."""
    # Where the timestamp carries no certificate, the signer's is one of the caller's file.
    known = None if embedded else leaf
    verifier = VerifierBuilder(
        roots=list(trust.roots), intermediates=list(trust.helpers), tsa_certificate=known
    ).build()
    message = decoded.tst_info.message_imprint.message
    if not _foreign(lambda: verifier.verify(decoded, message)):
        raise _untrusted("its signature does not hold")


def _check_time(decoded: TimeStampResponse, *, at: datetime) -> None:
    moment = decoded.tst_info.gen_time
    # Optional (RFC 3161 2.4.2), which the library's types do not say.
    seconds = getattr(decoded.tst_info.accuracy, "seconds", None) or 0
    if seconds > MAX_TIMESTAMP_INACCURACY_SECONDS:
        raise _untrusted(f"its clock is exact to {seconds} seconds only")
    if moment > at + timedelta(seconds=MAX_CLOCK_SKEW_SECONDS):
        raise _untrusted(f"its time {moment:%Y-%m-%d %H:%M:%S} UTC is in the future")


def _foreign(read: Callable[[], T]) -> T:
    """Return what the library reads; whatever it raises makes a timestamp untrusted."""
    try:
        return read()
    except _FOREIGN as error:
        text = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise _untrusted(text[:200]) from error


def _untrusted(problem: str) -> UntrustedTimestampError:
    return UntrustedTimestampError(problem)
