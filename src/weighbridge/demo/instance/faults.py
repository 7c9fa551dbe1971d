"""How the test instance can misbehave, so that what verifiers refuse can be produced."""

from datetime import timedelta
from enum import StrEnum

from weighbridge.core.values import frozen


class SctFault(StrEnum):
    """What is wrong with the certificate log's timestamp in a certificate."""

    MISSING = "missing"
    TWICE = "twice"
    OTHER_KEY = "other-key"
    OTHER_CERTIFICATE = "other-certificate"


class CertificateFault(StrEnum):
    """What is wrong with a certificate."""

    OTHER_AUTHORITY = "other-authority"
    NOT_FOR_CODE = "not-for-code"
    NOT_FOR_SIGNATURES = "not-for-signatures"
    NO_IDENTITY = "no-identity"
    NO_ISSUER = "no-issuer"
    TWO_IDENTITIES = "two-identities"
    TWO_ISSUERS = "two-issuers"


class LogFault(StrEnum):
    """What is wrong with a log entry."""

    OTHER_KEY = "other-key"
    OTHER_CHECKPOINT = "other-checkpoint"
    OTHER_PROMISE = "other-promise"
    NO_CHECKPOINT = "no-checkpoint"
    NO_PROOF = "no-proof"
    BROKEN_PROOF = "broken-proof"
    WRONG_INDEX = "wrong-index"
    NOT_LOGGED = "not-logged"


class StampFault(StrEnum):
    """What is wrong with a timestamp."""

    OTHER_AUTHORITY = "other-authority"
    OTHER_MESSAGE = "other-message"
    OTHER_NONCE = "other-nonce"
    NOT_FOR_STAMPS = "not-for-stamps"
    REFUSED = "refused"


_NO_SHIFT = timedelta()


@frozen
class Faults:
    """
    How the instance departs from what it should do; by default not at all.

    Attributes:
        sct: What is wrong with the timestamp of the certificate log.
        certificate: What is wrong with the certificate beside it.
        certificate_shift: How far the certificate authority's clock is ahead.
        log: What is wrong with the log entry.
        log_shift: How far the log's clock is ahead, where it says the time at all (version 1).
        stamp: What is wrong with the RFC 3161 timestamp.
        stamp_shift: How far the timestamp authority's clock is ahead.
    """

    sct: SctFault | None = None
    certificate: CertificateFault | None = None
    certificate_shift: timedelta = _NO_SHIFT
    log: LogFault | None = None
    log_shift: timedelta = _NO_SHIFT
    stamp: StampFault | None = None
    stamp_shift: timedelta = _NO_SHIFT


class Conduct:
    """What the services of one instance look at before they answer; changes while they run."""

    def __init__(self, faults: Faults | None = None) -> None:
        self.faults = faults or Faults()
