"""Parts of a timestamp that nobody signs are as the specifications say, or absent."""

from collections.abc import Callable, Iterable
from pathlib import Path

import pytest
from cryptography.hazmat import asn1

from weighbridge.signing.timestamps import form
from weighbridge.signing.timestamps.form import form_problem, normal_form

VECTORS = Path(__file__).parents[3] / "vectors" / "timestamps"
RESPONSE = (VECTORS / "ecdsa.tsr").read_bytes()

Parts = dict[str, list[bytes]]


def taken_apart() -> Parts:
    """Return the parts of the signed data, each as its elements."""
    data = asn1.decode_der(form._LooseResponse, RESPONSE).token.content
    assert data.certificates is not None
    return {
        "version": [form._bytes(data.version)],
        "digests": [form._bytes(data.digest_algorithms)],
        "content": [form._bytes(data.content)],
        "certificates": [form._bytes(each) for each in data.certificates],
        "signers": [bytes(data.signers.data)],
    }


def put_together(parts: Parts, more: Iterable[bytes] = ()) -> bytes:
    """Return a response of the parts, with *more* after its certificates."""
    content = b"".join(
        (
            *parts["version"],
            *parts["digests"],
            *parts["content"],
            form._encode(b"\xa0", b"".join(parts["certificates"])),
            *more,
            form._encode(b"\x31", b"".join(parts["signers"])),
        )
    )
    kind = bytes.fromhex("06092a864886f70d010702")
    token = kind + form._encode(b"\xa0", form._encode(b"\x30", content))
    status = form._encode(b"\x30", b"\x02\x01\x00")
    return form._encode(b"\x30", status + form._encode(b"\x30", token))


def test_the_parts_make_the_whole() -> None:
    """What is taken apart and put together again is the timestamp, which has no problem."""
    assert put_together(taken_apart()) == RESPONSE
    assert form_problem(RESPONSE) is None
    assert normal_form(RESPONSE) == RESPONSE


CHANGES: dict[str, tuple[Callable[[Parts], object], str]] = {
    "two signers": (lambda p: p["signers"].append(p["signers"][0]), "2 signers"),
    "no signer": (lambda p: p["signers"].clear(), "0 signers"),
    "a certificate twice": (
        lambda p: p.update(certificates=sorted([*p["certificates"], p["certificates"][0]])),
        "a certificate twice",
    ),
    "another version": (lambda p: p.update(version=[b"\x02\x01\x01"]), "a version"),
    "two digests": (
        lambda p: p.update(digests=[two_digests()]),
        "another list of digests",
    ),
    "no digest": (lambda p: p.update(digests=[b"\x31\x00"]), "another list of digests"),
}


def two_digests() -> bytes:
    """Return the list of SHA-256 and SHA-384."""
    sha = ("300d0609608648016503040201" + "0500", "300d0609608648016503040202" + "0500")
    return form._encode(b"\x31", b"".join(bytes.fromhex(each) for each in sha))


@pytest.mark.parametrize("name", CHANGES)
def test_what_nobody_signs_cannot_be_otherwise(name: str) -> None:
    """Each part that no signature is over has one form."""
    change, problem = CHANGES[name]
    parts = taken_apart()
    change(parts)
    found = form_problem(put_together(parts))
    assert found is not None
    assert problem in found


def test_lists_of_revoked_certificates_are_refused() -> None:
    """Nobody signs what stands after the certificates, and nobody needs it."""
    found = form_problem(put_together(taken_apart(), more=[b"\xa1\x00"]))
    assert found is not None
    assert found.startswith("not a timestamp that was granted, in DER")


def test_certificates_get_der_s_order() -> None:
    """Another order is none of DER; what is kept has the one order, and nothing else changes."""
    parts = taken_apart()
    parts["certificates"].reverse()
    disordered = put_together(parts)
    assert form_problem(disordered) is not None
    assert normal_form(disordered) == RESPONSE


def test_a_refusal_stays_what_it_is() -> None:
    """A response that grants nothing keeps the authority's words."""
    refusal = RESPONSE.replace(b"\x30\x03\x02\x01\x00", b"\x30\x03\x02\x01\x02", 1)
    assert normal_form(refusal) == refusal
    assert form_problem(refusal) == "not a timestamp that was granted"
