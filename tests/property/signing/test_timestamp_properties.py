"""No changed timestamp is believed: every bit of one, and whatever else happens to it."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from support.pki import bundle_pem
from support.timestamps import make_clock, now
from weighbridge.signing.certificate_file import load_certificates
from weighbridge.signing.certificate_path import TrustStore
from weighbridge.signing.timestamps.form import form_problem, normal_form
from weighbridge.signing.timestamps.token import UntrustedTimestampError, verify_timestamp

SIGNATURE = b"the bytes of a signature"

Stamped = tuple[bytes, TrustStore]


@pytest.fixture(scope="module")
def stamped(tmp_path_factory: pytest.TempPathFactory) -> Stamped:
    """Return a timestamp with two certificates in it, and whom to trust for it."""
    clock = make_clock(tmp_path_factory.mktemp("clock") / "tsa")
    roots = load_certificates(bundle_pem([clock.root]), where="clocks.pem")
    return clock.over(SIGNATURE), TrustStore.from_certificates(roots, where="clocks.pem")


def refuse(changed: bytes, trust: TrustStore) -> None:
    """Expect a refusal, and no other outcome."""
    with pytest.raises(UntrustedTimestampError):
        verify_timestamp(changed, signature=SIGNATURE, trust=trust, at=now())


def test_each_changed_bit_of_a_timestamp_is_refused(stamped: Stamped) -> None:
    """Flipping any one bit, of the status, a certificate, a version or a name, is noticed."""
    response, trust = stamped
    assert verify_timestamp(response, signature=SIGNATURE, trust=trust, at=now()).authority
    for position in range(len(response)):
        # One bit of each byte, another one for each place; all of them over eight runs.
        flipped = response[position] ^ (1 << ((position + len(response)) % 8))
        refuse(response[:position] + bytes([flipped]) + response[position + 1 :], trust)


@settings(deadline=None)
@given(data=st.data())
def test_a_timestamp_in_pieces_is_refused(stamped: Stamped, data: st.DataObject) -> None:
    """Cutting out, repeating, replacing or adding bytes is noticed."""
    response, trust = stamped
    start = data.draw(st.integers(0, len(response)))
    end = data.draw(st.integers(start, min(len(response), start + 64)))
    piece = data.draw(st.one_of(st.binary(max_size=16), st.just(response[start:end] * 2)))
    changed = response[:start] + piece + response[end:]
    if changed != response:
        refuse(changed, trust)


@settings(deadline=None)
@given(content=st.binary(max_size=256))
def test_nonsense_is_no_timestamp(content: bytes) -> None:
    """Whatever the bytes are, the form is judged without another outcome than a reason."""
    assert form_problem(content) is not None
    assert normal_form(content) == content


@settings(deadline=None)
@given(data=st.data())
def test_a_timestamp_of_another_signature_is_refused(stamped: Stamped, data: st.DataObject) -> None:
    """A timestamp is over one string of bytes."""
    response, trust = stamped
    other = data.draw(st.binary(max_size=64))
    if other != SIGNATURE:
        with pytest.raises(UntrustedTimestampError, match="over another signature"):
            verify_timestamp(response, signature=other, trust=trust, at=now())
