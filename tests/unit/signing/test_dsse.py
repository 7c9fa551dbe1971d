"""The bytes that a signature is over."""

from weighbridge.signing.dsse import encode, encode_legacy


def test_the_encoding_is_the_one_of_the_dsse_protocol() -> None:
    """Type and payload are preceded by their lengths in bytes, as DSSE 1.0 says."""
    assert encode("{é}".encode()) == b"DSSEv1 28 application/vnd.in-toto+json 4 {\xc3\xa9}"


def test_payloads_that_read_the_same_with_the_length_differ() -> None:
    """Moving a byte between length and payload changes the encoding."""
    assert encode(b"1 a") != encode(b" a")


def test_the_legacy_encoding_is_the_one_of_releases_before_1_0() -> None:
    """The encoding before 1.0 has a capital version and the payload as Python shows bytes."""
    expected = b"DSSEV1 28 application/vnd.in-toto+json 3 b'\\n\\xc3a'"
    assert encode_legacy(b"\n\xc3a") == expected


def test_the_two_encodings_never_coincide() -> None:
    """A signature over one encoding is none over the other."""
    assert encode(b"x") != encode_legacy(b"x")
