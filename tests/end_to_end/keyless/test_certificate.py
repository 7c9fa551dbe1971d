"""Keyless signatures: the certificate, its authority, and the log that lists it."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding

from support.keyless import Case
from weighbridge.core.codes import Code
from weighbridge.demo.instance.authority import new_key
from weighbridge.demo.instance.careless import Parts
from weighbridge.demo.instance.faults import CertificateFault, Faults, SctFault
from weighbridge.demo.instance.loopback import loopback_sigstore


def test_a_certificate_of_another_authority_is_refused(case: Case) -> None:
    """An authority of the same name with another key is not the trusted one."""
    case.sign(faults=Faults(certificate=CertificateFault.OTHER_AUTHORITY))
    case.refused(Code.CERTIFICATE_UNTRUSTED)


def test_a_signature_of_another_instance_is_refused(case: Case) -> None:
    """What verifies under the root of one instance does not under that of another."""
    case.sign()
    with loopback_sigstore() as other:
        case.refused(Code.LOG_ENTRY, Code.TIMESTAMP_REQUIRED, trust=other.trust_config)
        case.accepted()


def test_an_authority_that_is_not_in_the_root_is_refused(case: Case) -> None:
    """A root that names another authority for certificates, and all else, trusts nobody here."""
    case.sign()
    with loopback_sigstore() as other:
        keys = replace(case.instance.keys, fulcio=other.keys.fulcio)
        trust = case.instance.write_trust("other-fulcio.json", keys)
        case.refused(Code.CERTIFICATE_UNTRUSTED, trust=trust)


def test_a_self_signed_certificate_is_refused(case: Case) -> None:
    """A certificate that its holder made looks like the real one and is none."""

    def alter(parts: Parts) -> Parts:
        genuine = x509.load_der_x509_certificate(parts.certificate)
        key = new_key()
        builder = (
            x509.CertificateBuilder()
            .subject_name(genuine.subject)
            .issuer_name(genuine.issuer)
            .public_key(genuine.public_key())
            .serial_number(genuine.serial_number)
            .not_valid_before(genuine.not_valid_before_utc)
            .not_valid_after(genuine.not_valid_after_utc)
        )
        for extension in genuine.extensions:
            builder = builder.add_extension(extension.value, critical=extension.critical)
        forged = builder.sign(key, SHA256())
        return replace(parts, certificate=forged.public_bytes(Encoding.DER))

    case.sign(alter=alter)
    case.refused(Code.CERTIFICATE_UNTRUSTED)


def test_a_certificate_for_something_else_is_refused(case: Case) -> None:
    """A certificate for servers signs no models."""
    case.sign(faults=Faults(certificate=CertificateFault.NOT_FOR_CODE))
    case.refused(Code.CERTIFICATE_USAGE, Code.SIGNATURE_INVALID)


def test_a_certificate_that_may_not_sign_is_refused(case: Case) -> None:
    """A certificate whose key may not be used for signatures has made none."""
    case.sign(faults=Faults(certificate=CertificateFault.NOT_FOR_SIGNATURES))
    case.refused(Code.CERTIFICATE_USAGE, Code.SIGNATURE_INVALID)


def test_an_authority_as_the_signer_is_refused(case: Case) -> None:
    """The certificate of the authority itself signs no models."""
    der = case.instance.fulcio.authority.intermediate.der
    case.sign(alter=lambda parts: replace(parts, certificate=der))
    case.refused(Code.CERTIFICATE_USAGE, Code.CERTIFICATE_UNTRUSTED, Code.CERTIFICATE_MALFORMED)


def test_a_swapped_certificate_is_refused(case: Case) -> None:
    """Another certificate of the same signer does not go with this signature."""

    def alter(parts: Parts) -> Parts:
        return replace(parts, certificate=case.parts(parts.payload).certificate)

    case.sign(alter=alter)
    case.refused(Code.SIGNATURE_INVALID, Code.LOG_ENTRY)


def test_a_damaged_certificate_is_refused(case: Case) -> None:
    """A certificate with one other bit is refused."""

    def alter(parts: Parts) -> Parts:
        middle = len(parts.certificate) // 2
        flipped = bytes([parts.certificate[middle] ^ 1])
        damaged = parts.certificate[:middle] + flipped + parts.certificate[middle + 1 :]
        return replace(parts, certificate=damaged)

    case.sign(alter=alter)
    case.refused(Code.CERTIFICATE_MALFORMED, Code.CERTIFICATE_UNTRUSTED)


def test_bytes_behind_the_certificate_are_refused(case: Case) -> None:
    """A certificate with something behind it is not the one that was signed."""
    case.sign(alter=lambda parts: replace(parts, certificate=parts.certificate + b"\x00"))
    case.refused(Code.CERTIFICATE_MALFORMED)


@pytest.mark.parametrize("fault", [SctFault.MISSING, SctFault.TWICE])
def test_another_number_of_listings_than_one_is_refused(case: Case, fault: SctFault) -> None:
    """A certificate that no log promises to list, or that says so twice, is refused."""
    case.sign(faults=Faults(sct=fault))
    case.refused(Code.CERTIFICATE_UNTRUSTED)


def test_a_listing_by_another_key_is_refused(case: Case) -> None:
    """A promise to list the certificate by a log that nobody trusts is worth nothing."""
    case.sign(faults=Faults(sct=SctFault.OTHER_KEY))
    case.refused(Code.CERTIFICATE_UNTRUSTED)


def test_a_listing_of_another_certificate_is_refused(case: Case) -> None:
    """A promise to list another certificate says nothing of this one."""
    case.sign(faults=Faults(sct=SctFault.OTHER_CERTIFICATE))
    case.refused(Code.CERTIFICATE_UNTRUSTED)


def test_a_log_of_certificates_that_is_not_in_the_root_is_refused(case: Case) -> None:
    """A root that names another log of certificates, and all else, trusts nobody here."""
    case.sign()
    keys = replace(case.instance.keys, ctlogs=(new_key(),))
    trust = case.instance.write_trust("other-ctlog.json", keys)
    case.refused(Code.CERTIFICATE_UNTRUSTED, trust=trust)


@pytest.mark.parametrize("version", [1, 2])
@pytest.mark.parametrize("shift", [timedelta(minutes=-11), timedelta(minutes=5)])
def test_a_certificate_that_was_not_valid_then_is_refused(
    case: Case, version: int, shift: timedelta
) -> None:
    """A certificate that had expired when it was used, or was not yet valid, is refused."""
    case.sign(faults=Faults(certificate_shift=shift), version=version)
    case.refused(Code.CERTIFICATE_EXPIRED)


def test_a_retired_authority_is_refused(case: Case) -> None:
    """An authority that was no longer in use when it issued the certificate is not believed."""
    case.sign()
    keys = case.instance.keys
    before = replace(keys, until=case.instance.started - timedelta(minutes=30))
    trust = case.instance.write_trust("retired.json", before)
    case.refused(Code.CERTIFICATE_UNTRUSTED, Code.LOG_ENTRY, Code.TIMESTAMP_REQUIRED, trust=trust)
    still = replace(keys, until=datetime.now(UTC) + timedelta(hours=1))
    case.accepted(trust=case.instance.write_trust("in-use.json", still))


def test_an_authority_that_was_not_yet_in_use_is_refused(case: Case) -> None:
    """An authority is not believed about the time before it was in use."""
    earlier = timedelta(minutes=-30)
    case.sign(faults=Faults(certificate_shift=earlier, stamp_shift=earlier))
    case.accepted()
    # Not by when the instance was started, which serves many tests for as long as they take.
    later = replace(case.instance.keys, since=datetime.now(UTC) - timedelta(minutes=10))
    trust = case.instance.write_trust("later.json", later)
    case.refused(Code.CERTIFICATE_UNTRUSTED, Code.LOG_ENTRY, Code.TIMESTAMP_REQUIRED, trust=trust)
