"""What the timestamps of a signature amount to; no cryptography is imported here."""

from datetime import datetime
from typing import TYPE_CHECKING

from weighbridge.core.identity import SigningTime
from weighbridge.core.values import frozen
from weighbridge.signing.bundle import Bundle

if TYPE_CHECKING:
    from weighbridge.signing.timestamps.trust import TimestampTrust


@frozen
class TimestampReading:
    """
    When a signature is known to have existed.

    Attributes:
        times: By clocks that the caller trusts, the earliest first.
        unused: Timestamps that count for nothing, each with the reason.
    """

    times: tuple[SigningTime, ...]
    unused: tuple[str, ...]

    def moments(self, at: datetime, /) -> tuple[datetime, ...]:
        """Return the times at which a validity is judged: the trusted ones, else *at*."""
        return tuple(time.at for time in self.times) or (at,)


def read_timestamps(
    bundle: Bundle, trust: "TimestampTrust | None", /, *, at: datetime
) -> TimestampReading:
    """
    Return what the timestamps of *bundle* amount to under *trust*.

    Raises:
        SignatureRejectedError: *trust* requires a timestamp, and none can be trusted.
    """
    if trust is not None:
        return trust.read(bundle, at=at)
    return TimestampReading(
        times=(),
        unused=tuple(
            f"timestamp {number}: no timestamp authority is trusted"
            for number in range(1, len(bundle.timestamps) + 1)
        ),
    )
