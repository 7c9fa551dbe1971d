"""Which timestamp authorities the caller trusts, and what their timestamps amount to."""

from collections.abc import Sequence
from datetime import datetime

from cryptography import x509

from weighbridge.core.codes import Code
from weighbridge.core.errors import SignatureRejectedError
from weighbridge.core.identity import SigningTime
from weighbridge.core.values import frozen
from weighbridge.signing.bundle import Bundle
from weighbridge.signing.certificate_file import load_certificates
from weighbridge.signing.certificate_path import TrustStore
from weighbridge.signing.timestamps.reading import TimestampReading


@frozen(kw_only=False)
class TimestampTrust:
    """
    Roots of timestamp authorities, and whether a signature has to have a timestamp.

    Attributes:
        store: The roots, and certificates that help to reach them.
        required: Refuse signatures without a timestamp that can be trusted.
    """

    store: TrustStore
    required: bool = False

    @classmethod
    def from_certificates(
        cls, certificates: Sequence[x509.Certificate], *, where: str, required: bool = False
    ) -> "TimestampTrust":
        """
        Sort the certificates of a trust file.

        Raises:
            KeyRejectedError: There is no root among them, or one that none of them signed.
        """
        return cls(TrustStore.from_certificates(certificates, where=where), required)

    @classmethod
    def from_pem(
        cls, data: bytes, *, where: str = "the timestamp certificates", required: bool = False
    ) -> "TimestampTrust":
        """
        Read the roots from a PEM file.

        The certificate of an authority itself and intermediates may be in it; none of them is
        trusted by itself.

        Raises:
            KeyRejectedError: As `from_certificates`; or the file is not one of certificates.
        """
        certificates = load_certificates(data, where=where)
        return cls.from_certificates(certificates, where=where, required=required)

    def read(self, bundle: Bundle, /, *, at: datetime) -> TimestampReading:
        """
        Return the trusted times of *bundle*'s signature, the earliest first, and what was no use.

        A timestamp that is malformed, over something else or by somebody else is named and
        counts for nothing.

        Args:
            bundle: As parsed from the signature file.
            at: The caller's clock.

        Raises:
            SignatureRejectedError: A trusted timestamp is required, and there is none.
        """
        times: list[SigningTime] = []
        unused: list[str] = []
        if bundle.timestamps:
            # Imported here: few signatures have a timestamp.
            from weighbridge.signing.timestamps.token import (  # noqa: PLC0415  see above
                UntrustedTimestampError,
                verify_timestamp,
            )

            for number, token in enumerate(bundle.timestamps, start=1):
                try:
                    times.append(
                        verify_timestamp(token, signature=bundle.signature, trust=self.store, at=at)
                    )
                except UntrustedTimestampError as error:
                    unused.append(f"timestamp {number}: {error}")
        if self.required and not times:
            raise SignatureRejectedError(
                "the signature has no timestamp that can be trusted",
                code=Code.TIMESTAMP_REQUIRED,
                where=bundle.where,
                expected="a timestamp by one of the trusted authorities",
                found="; ".join(unused)[:400] or "none",
                hint="Sign with --timestamp-url, or give that authority's root certificate",
            )
        return TimestampReading(
            times=tuple(sorted(times, key=lambda time: time.at)), unused=tuple(unused)
        )
