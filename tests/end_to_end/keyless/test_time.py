"""Keyless signatures: when they were made, and by whose clock."""

from dataclasses import replace
from datetime import timedelta

import pytest

from support.keyless import Case
from weighbridge.core.codes import Code
from weighbridge.demo.instance.careless import Parts, stamp
from weighbridge.demo.instance.faults import Faults, StampFault
from weighbridge.demo.instance.loopback import loopback_sigstore

LONG = timedelta(minutes=11)


@pytest.mark.parametrize("shift", [LONG, timedelta(minutes=-1)])
def test_a_timestamp_outside_the_certificate_is_refused(case: Case, shift: timedelta) -> None:
    """A timestamp from before the certificate was valid, or from after, is refused."""
    case.sign(faults=Faults(stamp_shift=shift))
    case.refused(Code.CERTIFICATE_EXPIRED, Code.TIMESTAMP_REQUIRED)


@pytest.mark.parametrize("shift", [LONG, timedelta(minutes=-1)])
def test_a_logged_time_outside_the_certificate_is_refused(case: Case, shift: timedelta) -> None:
    """In version 1 the log's time, too, has to be one at which the certificate was valid."""
    earlier = timedelta(minutes=-30)  # so that no time is in the future, which is refused as that
    case.sign(version=1, faults=Faults(certificate_shift=earlier, log_shift=earlier + shift))
    case.refused(Code.CERTIFICATE_EXPIRED)


def test_no_time_at_all_is_refused(case: Case) -> None:
    """Without a timestamp, and without a time of the log, nobody knows when it was signed."""
    case.sign(stamps=0)
    case.refused(Code.TIMESTAMP_REQUIRED)


def test_both_clocks_are_accepted(case: Case) -> None:
    """A timestamp beside the time of the log does no harm when both are right."""
    case.sign(version=1, stamps=1)
    case.accepted()


def test_one_wrong_clock_of_two_is_refused(case: Case) -> None:
    """A good time of the log does not make up for a timestamp outside the certificate."""
    case.sign(version=1, stamps=1, faults=Faults(stamp_shift=LONG))
    case.refused(Code.CERTIFICATE_EXPIRED, Code.TIMESTAMP_REQUIRED)


def test_a_timestamp_of_another_authority_is_refused(case: Case) -> None:
    """An authority of the same name with another key is not the trusted one."""
    case.sign(faults=Faults(stamp=StampFault.OTHER_AUTHORITY))
    case.refused(Code.TIMESTAMP_REQUIRED)


def test_an_authority_that_is_not_in_the_root_is_refused(case: Case) -> None:
    """A root that names no timestamp authority, or another one, believes no timestamp."""
    case.sign()
    without = case.instance.write_trust("no-tsa.json", replace(case.instance.keys, tsas=()))
    case.refused(Code.TIMESTAMP_REQUIRED, trust=without)
    with loopback_sigstore() as other:
        keys = replace(case.instance.keys, tsas=other.keys.tsas)
        trust = case.instance.write_trust("other-tsa.json", keys)
        case.refused(Code.TIMESTAMP_REQUIRED, trust=trust)


def test_a_certificate_for_something_else_stamps_nothing(case: Case) -> None:
    """A timestamp by a certificate of the authority that is not for timestamps is refused."""
    case.sign(faults=Faults(stamp=StampFault.NOT_FOR_STAMPS))
    case.refused(Code.TIMESTAMP_REQUIRED)


def test_a_timestamp_over_something_else_is_refused(case: Case) -> None:
    """A timestamp that is over other bytes says nothing of this signature."""
    case.sign(faults=Faults(stamp=StampFault.OTHER_MESSAGE))
    case.refused(Code.TIMESTAMP_REQUIRED)


def test_the_timestamp_of_another_signature_is_refused(case: Case) -> None:
    """A timestamp that another signature got is not this one's."""

    def alter(parts: Parts) -> Parts:
        return replace(parts, stamps=case.parts(parts.payload).stamps)

    case.sign(alter=alter)
    case.refused(Code.TIMESTAMP_REQUIRED)


def test_a_timestamp_over_the_statement_is_refused(case: Case) -> None:
    """A timestamp says when something was signed only if it is over the signature."""

    def alter(parts: Parts) -> Parts:
        return replace(parts, stamps=(stamp(case.instance, parts.payload),))

    case.sign(alter=alter)
    case.refused(Code.TIMESTAMP_REQUIRED)


def test_the_same_timestamp_twice_is_refused(case: Case) -> None:
    """Two copies of a timestamp are not two timestamps."""
    case.sign(alter=lambda parts: replace(parts, stamps=parts.stamps * 2))
    case.refused(Code.TIMESTAMP_REQUIRED, Code.SIGNATURE_MALFORMED)


def test_two_timestamps_are_accepted(case: Case) -> None:
    """Two timestamps that differ are both verified."""
    case.sign(stamps=2)
    case.accepted()


def test_a_bad_timestamp_beside_a_good_one_is_refused(case: Case) -> None:
    """A timestamp that does not hold is refused, whatever stands beside it."""

    def alter(parts: Parts) -> Parts:
        return replace(parts, stamps=(*parts.stamps, stamp(case.instance, b"another")))

    case.sign(alter=alter)
    case.refused(Code.TIMESTAMP_REQUIRED)


@pytest.mark.parametrize("rubbish", [b"rubbish", b"\x30\x00", b"\x30\x03\x02\x01\x00"])
def test_what_is_no_timestamp_is_refused(case: Case, rubbish: bytes) -> None:
    """Other bytes in the place of a timestamp are refused."""
    case.sign(alter=lambda parts: replace(parts, stamps=(rubbish,)))
    case.refused(Code.TIMESTAMP_REQUIRED, Code.SIGNATURE_MALFORMED)


def test_bytes_behind_a_timestamp_are_refused(case: Case) -> None:
    """A timestamp with something behind it is not the one that was signed."""
    case.sign(alter=lambda parts: replace(parts, stamps=(parts.stamps[0] + b"\x00",)))
    case.refused(Code.TIMESTAMP_REQUIRED, Code.SIGNATURE_MALFORMED)


def test_a_refusal_of_the_authority_is_no_timestamp(case: Case) -> None:
    """The authority's answer that it does not stamp this is refused."""
    case.sign(faults=Faults(stamp=StampFault.REFUSED))
    case.refused(Code.TIMESTAMP_REQUIRED, Code.SIGNATURE_MALFORMED)


def test_a_timestamp_from_the_future_is_refused(case: Case) -> None:
    """Nothing was signed later than now, whatever certificate and timestamp agree on."""
    ahead = timedelta(hours=2)
    case.sign(faults=Faults(certificate_shift=ahead, stamp_shift=ahead))
    case.refused(Code.TIMESTAMP_REQUIRED, Code.CERTIFICATE_EXPIRED)


def test_a_signature_outlives_its_certificate(case: Case) -> None:
    """A certificate that has expired since does not matter: the timestamp tells when it signed."""
    earlier = timedelta(minutes=-30)
    case.sign(faults=Faults(certificate_shift=earlier, stamp_shift=earlier))
    case.accepted()
