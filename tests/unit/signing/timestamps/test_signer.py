"""Signatures with timestamps: made, carried, and what they do for keys and certificates."""

import dataclasses
import json
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from support.pki import Issued, Plan, bundle_pem, curve_key, intermediate_plan, public_pem, root
from support.signatures import base64_of, key_signer, parse, refused, state
from support.timestamps import Clock, make_clock, now, serve_clock
from weighbridge.core.codes import Code
from weighbridge.core.errors import KeyRejectedError, OperationError, UsageError
from weighbridge.core.identity import Clock as WhoseClock
from weighbridge.core.identity import SigningMethod
from weighbridge.signing.bundle import Bundle, parse_bundle, render_bundle
from weighbridge.signing.certificate import (
    CertificateSigner,
    CertificateVerifier,
    ExpectedIdentity,
)
from weighbridge.signing.interface import Signer
from weighbridge.signing.key import KeyVerifier
from weighbridge.signing.statement import render_statement
from weighbridge.signing.timestamps.reading import read_timestamps
from weighbridge.signing.timestamps.signer import TimestampedSigner
from weighbridge.signing.timestamps.trust import TimestampTrust

PAYLOAD = render_statement(state())
ANYBODY = ExpectedIdentity(any_identity=True)
DAY = timedelta(days=1)


@pytest.fixture(scope="module")
def clock(tmp_path_factory: pytest.TempPathFactory) -> Clock:
    """An ordinary authority."""
    return make_clock(tmp_path_factory.mktemp("clock") / "tsa")


def trust(clock: Clock, *, required: bool = False) -> TimestampTrust:
    """Return the trust in *clock*."""
    return TimestampTrust.from_pem(bundle_pem([clock.root]), required=required)


def stamped(signer: Signer, clock: Clock, *, over: bytes | None = None) -> Bundle:
    """Return a signature by *signer* with a timestamp; over other bytes where some are given."""
    plain = parse_bundle(signer.sign(PAYLOAD), where="model.sig")
    data = render_bundle(
        payload=plain.payload,
        signature=plain.signature,
        material=plain.material,
        timestamps=(clock.over(plain.signature if over is None else over),),
    )
    return parse_bundle(data, where="model.sig")


def authority(*, start: datetime, end: datetime) -> Issued:
    """Return a root for signers."""
    return root(
        Plan(
            subject="CN=root,O=Example",
            is_ca=True,
            usage=("key_cert_sign",),
            extended=None,
            not_before=start,
            not_after=end,
        )
    )


def certified(
    *, start: timedelta, end: timedelta, above: timedelta = 300 * DAY
) -> tuple[CertificateSigner, Issued]:
    """Return a signer whose certificate is valid from *start* to *end* from now, and its root."""
    top = authority(start=now() - 300 * DAY, end=now() + above)
    plan = Plan(not_before=now() + start, not_after=now() + end)
    leaf = top.issue(plan)
    return (
        CertificateSigner.from_pem(leaf.key_pem, leaf.pem),
        top,
    )


def verifier(top: Issued, timestamps: TimestampTrust | None) -> CertificateVerifier:
    """Return a verifier for signers below *top*."""
    return CertificateVerifier.from_pem(top.pem, expected=ANYBODY, timestamps=timestamps)


# -- making them ---------------------------------------------------------------------------------


def test_a_signature_carries_a_timestamp_of_each_authority(tmp_path: Path, clock: Clock) -> None:
    """Every authority is asked, and the signature is otherwise the same."""
    other = make_clock(tmp_path / "other")
    with serve_clock(clock) as one, serve_clock(other) as two:
        signer = TimestampedSigner(key_signer(), urls=(one.url, two.url), trust=trust(clock))
        assert signer.method is SigningMethod.KEY
        data = signer.sign(PAYLOAD)
    bundle = parse_bundle(data, where="model.sig")
    assert len(bundle.timestamps) == 2
    document = json.loads(data)
    stamps = document["verificationMaterial"].pop("timestampVerificationData")
    assert [set(each) for each in stamps["rfc3161Timestamps"]] == [{"signedTimestamp"}] * 2
    assert set(document["verificationMaterial"]) == {"publicKey", "tlogEntries"}
    identity = KeyVerifier.from_pem(
        public_pem(curve_key()), where="key.pub", timestamps=trust(clock)
    ).verify(bundle, at=now())
    assert [time.clock for time in identity.times] == [WhoseClock.TIMESTAMP_AUTHORITY] * 2
    assert identity.unused_timestamps == ()


def test_one_authority_that_fails_fails_the_signing(clock: Clock) -> None:
    """A signature without the timestamp that was asked for is not made."""
    with (
        serve_clock(clock) as one,
        serve_clock(lambda _: (500, {}, b"")) as two,
        pytest.raises(OperationError, match="HTTP 500") as raised,
    ):
        TimestampedSigner(key_signer(), urls=(one.url, two.url)).sign(PAYLOAD)
    assert raised.value.code is Code.TIMESTAMP_FAILED


def test_addresses_are_checked_before_anybody_is_asked() -> None:
    """A wrong address is wrong usage when the signer is made, not when everything is hashed."""
    with pytest.raises(UsageError, match="no address"):
        TimestampedSigner(key_signer(), urls=("tsa.example",))


def test_a_timestamp_twice_is_malformed(clock: Clock) -> None:
    """One timestamp may not be there twice, to look like two."""
    bundle = stamped(key_signer(), clock)
    document = json.loads(
        render_bundle(
            payload=bundle.payload,
            signature=bundle.signature,
            material=bundle.material,
            timestamps=bundle.timestamps,
        )
    )
    stamps = document["verificationMaterial"]["timestampVerificationData"]["rfc3161Timestamps"]
    parse(document)
    stamps.append(stamps[0])
    with refused(Code.SIGNATURE_MALFORMED, text="twice"):
        parse(document)


# -- certificates --------------------------------------------------------------------------------


def test_an_expired_certificate_is_accepted_with_a_trusted_timestamp(clock: Clock) -> None:
    """A signature made while the certificate was valid outlives it, and says when that was."""
    signer, top = certified(start=-DAY, end=DAY)
    bundle = stamped(signer, clock)
    later = now() + 100 * DAY
    identity = verifier(top, trust(clock)).verify(bundle, at=later)
    (time,) = identity.times
    assert time.authority == "CN=clock,O=Example"
    assert abs(time.at - now()) < timedelta(minutes=5)
    with refused(Code.CERTIFICATE_EXPIRED, text="no timestamp authority is trusted"):
        verifier(top, None).verify(bundle, at=later)


def test_without_a_timestamp_the_clock_is_the_callers(clock: Clock) -> None:
    """The same signature without the timestamp is refused once the certificate has expired."""
    signer, top = certified(start=-DAY, end=DAY)
    bundle = dataclasses.replace(stamped(signer, clock), timestamps=())
    assert verifier(top, trust(clock)).verify(bundle, at=now()).times == ()
    with refused(Code.CERTIFICATE_EXPIRED, text="has expired"):
        verifier(top, trust(clock)).verify(bundle, at=now() + 2 * DAY)


@pytest.mark.parametrize("token", [b"", b"nonsense", b"\x30\x00", bytes.fromhex("30053003020102")])
def test_a_malformed_timestamp_never_helps(clock: Clock, token: bytes) -> None:
    """Nonsense in place of a timestamp is reported, and the certificate is judged without it."""
    signer, top = certified(start=-DAY, end=DAY)
    bundle = dataclasses.replace(stamped(signer, clock), timestamps=(token,))
    identity = verifier(top, trust(clock)).verify(bundle, at=now())
    assert identity.times == ()
    assert len(identity.unused_timestamps) == 1
    assert identity.unused_timestamps[0].startswith("timestamp 1: not a timestamp")
    with refused(Code.CERTIFICATE_EXPIRED, text="timestamp 1: not a timestamp"):
        verifier(top, trust(clock)).verify(bundle, at=now() + 2 * DAY)


def test_an_untrusted_timestamp_never_helps(clock: Clock) -> None:
    """A timestamp by an authority that nobody trusts proves nothing."""
    signer, top = certified(start=-DAY, end=DAY)
    bundle = stamped(signer, clock)
    plan = dataclasses.replace(CLOCK_ROOT, subject="CN=another clock")
    stranger = TimestampTrust.from_pem(root(plan, key=curve_key(number=41)).pem)
    later = now() + 2 * DAY
    assert verifier(top, trust(clock)).verify(bundle, at=later).times
    with refused(Code.CERTIFICATE_EXPIRED, text="does not lead to a trusted root"):
        verifier(top, stranger).verify(bundle, at=later)


def test_a_timestamp_of_another_signature_never_helps(clock: Clock) -> None:
    """A timestamp of another model's signature cannot be put into this one's."""
    signer, top = certified(start=-DAY, end=DAY)
    bundle = stamped(signer, clock, over=b"another signature")
    with refused(Code.CERTIFICATE_EXPIRED, text="over another signature"):
        verifier(top, trust(clock)).verify(bundle, at=now() + 2 * DAY)


def test_one_good_timestamp_is_enough(clock: Clock) -> None:
    """A bad timestamp beside a good one is reported and does no harm."""
    signer, top = certified(start=-DAY, end=DAY)
    bundle = stamped(signer, clock)
    mixed = dataclasses.replace(bundle, timestamps=(b"nonsense", *bundle.timestamps))
    identity = verifier(top, trust(clock)).verify(mixed, at=now() + 2 * DAY)
    assert len(identity.times) == len(identity.unused_timestamps) == 1


@pytest.mark.parametrize(
    ("start", "end", "accepted"),
    [
        (-DAY, DAY, True),
        (-2 * DAY, -DAY, False),
        (timedelta(hours=1), 2 * DAY, False),
    ],
)
def test_a_trusted_timestamp_outside_the_certificate_is_refused(
    clock: Clock, start: timedelta, end: timedelta, accepted: bool
) -> None:
    """Signed after the end, or before the beginning: refused, even where it is valid by now."""
    signer, top = certified(start=start, end=end)
    bundle = stamped(signer, clock)
    at = now() + DAY - timedelta(minutes=5)
    if accepted:
        assert verifier(top, trust(clock)).verify(bundle, at=at).times
    else:
        with refused(Code.CERTIFICATE_EXPIRED):
            verifier(top, trust(clock)).verify(bundle, at=at)


def test_a_certificate_that_is_not_yet_valid_is_refused(clock: Clock) -> None:
    """No timestamp makes a certificate valid whose validity has not begun."""
    signer, top = certified(start=-DAY, end=DAY)
    bundle = stamped(signer, clock)
    assert verifier(top, None).verify(bundle, at=now()).times == ()
    with refused(Code.CERTIFICATE_EXPIRED, text="not yet valid"):
        verifier(top, trust(clock)).verify(bundle, at=now() - 2 * DAY)


def test_the_issuers_are_judged_at_the_same_time(clock: Clock) -> None:
    """A root that has expired since is accepted; one that had before is not."""
    signer, top = certified(start=-DAY, end=DAY, above=DAY)
    bundle = stamped(signer, clock)
    assert verifier(top, trust(clock)).verify(bundle, at=now() + 2 * DAY).times
    signer, expired = certified(start=-DAY, end=DAY, above=-timedelta(hours=1))
    bundle = stamped(signer, clock)
    with refused(Code.CERTIFICATE_EXPIRED, text="CN=root"):
        verifier(expired, trust(clock)).verify(bundle, at=now() + 2 * DAY)


def test_an_intermediate_that_expired_before_is_refused(clock: Clock) -> None:
    """Every certificate of the path has to be valid at the time of the timestamp."""
    top = authority(start=now() - 300 * DAY, end=now() + 300 * DAY)
    for end, accepted in ((DAY, True), (-timedelta(hours=1), False)):
        plan = dataclasses.replace(
            intermediate_plan(), not_before=now() - DAY, not_after=now() + end
        )
        middle = top.issue(plan, key=curve_key(number=42))
        leaf = middle.issue(Plan(not_before=now() - DAY, not_after=now() + DAY))
        signer = CertificateSigner.from_pem(leaf.key_pem, leaf.pem, [middle.pem])
        bundle = stamped(signer, clock)
        if accepted:
            assert verifier(top, trust(clock)).verify(bundle, at=now() + 2 * DAY).times
        else:
            with refused(Code.CERTIFICATE_EXPIRED, text="CN=intermediate"):
                verifier(top, trust(clock)).verify(bundle, at=now() + 2 * DAY)


# -- keys ----------------------------------------------------------------------------------------


def key_verifier(
    timestamps: TimestampTrust | None = None, *, valid_until: datetime | None = None
) -> KeyVerifier:
    """Return the verifier for the signer of these tests."""
    return KeyVerifier.from_pem(
        public_pem(curve_key()), where="key.pub", timestamps=timestamps, valid_until=valid_until
    )


def test_a_key_taken_out_of_use_verifies_what_it_signed_before(clock: Clock) -> None:
    """A trusted timestamp shows that the signature is older than the key's end."""
    bundle = stamped(key_signer(), clock)
    end = now() + DAY
    assert key_verifier(trust(clock), valid_until=end).verify(bundle, at=now() + 2 * DAY).times
    assert key_verifier(valid_until=end).verify(bundle, at=now()).times == ()
    with refused(Code.KEY_EXPIRED, text="no timestamp authority is trusted"):
        key_verifier(valid_until=end).verify(bundle, at=now() + 2 * DAY)


def test_a_key_taken_out_of_use_signs_nothing_more(clock: Clock) -> None:
    """A trusted timestamp after the key's end is refused, whatever the caller's clock says."""
    bundle = stamped(key_signer(), clock)
    with refused(Code.KEY_EXPIRED, text="taken out of use"):
        key_verifier(trust(clock), valid_until=now() - timedelta(minutes=2)).verify(
            bundle, at=now() - timedelta(minutes=4)
        )


def test_timestamps_nobody_asked_about_are_reported(clock: Clock) -> None:
    """Without trust in an authority its timestamp is named and not believed."""
    identity = key_verifier().verify(stamped(key_signer(), clock), at=now())
    assert identity.times == ()
    assert identity.unused_timestamps == ("timestamp 1: no timestamp authority is trusted",)


# -- requiring them ------------------------------------------------------------------------------


def test_a_timestamp_may_be_required(clock: Clock) -> None:
    """Where a timestamp is required, a signature without a trusted one is refused."""
    bundle = stamped(key_signer(), clock)
    assert key_verifier(trust(clock, required=True)).verify(bundle, at=now()).times
    with refused(Code.TIMESTAMP_REQUIRED, text="found none"):
        key_verifier(trust(clock, required=True)).verify(
            dataclasses.replace(bundle, timestamps=()), at=now()
        )
    with refused(Code.TIMESTAMP_REQUIRED, text="timestamp 1: not a timestamp"):
        key_verifier(trust(clock, required=True)).verify(
            dataclasses.replace(bundle, timestamps=(b"nonsense",)), at=now()
        )


def test_a_trust_file_without_a_root_is_refused(clock: Clock) -> None:
    """The authority's own certificate is no root: trust needs one."""
    leaf = (clock.directory / "signer.pem").read_bytes()
    assert len(TimestampTrust.from_pem(leaf + clock.root.pem).store.helpers) == 1
    with pytest.raises(KeyRejectedError, match="no root certificate"):
        TimestampTrust.from_pem(leaf)


def test_the_earliest_time_comes_first(tmp_path: Path, clock: Clock) -> None:
    """Times are in order, whatever the order of the timestamps in the file."""
    bundle = stamped(key_signer(), clock)
    second = make_clock(tmp_path / "tsa", accuracy=2).over(bundle.signature)
    for tokens in ((*bundle.timestamps, second), (second, *bundle.timestamps)):
        reading = read_timestamps(
            dataclasses.replace(bundle, timestamps=tokens), trust(clock), at=now()
        )
        moments = [time.at for time in reading.times]
        assert moments == sorted(moments)
        assert reading.moments(now()) == tuple(moments)


def test_a_bundle_with_timestamps_is_as_wide_as_the_format(clock: Clock) -> None:
    """Other members beside the timestamps are refused."""
    bundle = stamped(key_signer(), clock)
    document = json.loads(
        render_bundle(
            payload=bundle.payload,
            signature=bundle.signature,
            material=bundle.material,
            timestamps=bundle.timestamps,
        )
    )
    data = document["verificationMaterial"]["timestampVerificationData"]
    assert data["rfc3161Timestamps"][0]["signedTimestamp"] == base64_of(bundle.timestamps[0])
    data["other"] = []
    with refused(Code.SIGNATURE_MALFORMED):
        parse(document)


CLOCK_ROOT = Plan(
    subject="CN=clock root,O=Example",
    is_ca=True,
    usage=("key_cert_sign",),
    extended=None,
    not_before=now() - 30 * DAY,
    not_after=now() + 30 * DAY,
)
