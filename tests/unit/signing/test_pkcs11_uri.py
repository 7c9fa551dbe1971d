"""PKCS#11 URIs are read strictly, and never hold a PIN."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from weighbridge.core.codes import Code
from weighbridge.core.errors import UsageError
from weighbridge.core.limits.signing import MAX_TOKEN_URI_CHARS
from weighbridge.signing.pkcs11.uri import TokenUri, parse_token_uri


def test_every_attribute_is_read() -> None:
    """Each attribute of RFC 7512 that we know arrives, percent encodings resolved."""
    uri = parse_token_uri(
        "pkcs11:token=My%20Token;manufacturer=m;serial=0a;model=x;slot-id=3;"
        "object=sign%C3%A9r;id=%01%ff;type=private"
        "?pin-source=file:/run/pin&module-name=softhsm2&module-path=/usr/lib/m.so"
    )
    assert uri == TokenUri(
        token="My Token",
        manufacturer="m",
        serial="0a",
        model="x",
        slot=3,
        label="signér",
        identifier=b"\x01\xff",
        pin_source=Path("/run/pin"),
        module_name="softhsm2",
        module_path=Path("/usr/lib/m.so"),
    )


def test_little_is_enough() -> None:
    """A URI needs nothing but the key's name."""
    assert parse_token_uri("pkcs11:id=%01") == TokenUri(identifier=b"\x01")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("file:/key.pem", "no PKCS#11 URI"),
        ("pkcs11:object=" + "a" * MAX_TOKEN_URI_CHARS, "no PKCS#11 URI"),
        ("pkcs11:", "names no key"),
        ("pkcs11:token=release", "names no key"),
        ("pkcs11:object=a;type=public", "names no private key"),
        ("pkcs11:object=a;object=b", "occurs twice"),
        ("pkcs11:object=a;x-vendor=b", "unknown attribute 'x-vendor'"),
        ("pkcs11:object=a?object=b", "unknown attribute 'object'"),
        ("pkcs11:object=a;", "unknown attribute ''"),
        ("pkcs11:object", "attribute object is malformed"),
        ("pkcs11:object=%4", "attribute object is malformed"),
        ("pkcs11:object=%ff", "attribute object is malformed"),
        ("pkcs11:object=", "attribute object is malformed"),
        ("pkcs11:object=a%00b", "attribute object is malformed"),
        ("pkcs11:object=a b", "attribute object is malformed"),
        ("pkcs11:object=a;slot-id=-1", "attribute slot-id is malformed"),
        ("pkcs11:object=a;slot-id=%C2%B2", "attribute slot-id is malformed"),
        ("pkcs11:object=a?module-path=relative.so", "attribute module-path is malformed"),
        ("pkcs11:object=a?pin-source=%7Ccommand", "attribute pin-source is malformed"),
        ("pkcs11:object=a?module-name=../evil", "attribute module-name is malformed"),
        ("pkcs11:object=a?module-name=..", "attribute module-name is malformed"),
    ],
)
def test_what_is_unclear_is_refused(text: str, expected: str) -> None:
    """An attribute that is unknown, twice there or malformed makes the URI an error."""
    with pytest.raises(UsageError, match=expected) as caught:
        parse_token_uri(text)
    assert caught.value.code is Code.TOKEN_URI


@pytest.mark.parametrize(
    "text", ["pkcs11:object=a?pin-value=1234", "pkcs11:object=a;pin-value=1234"]
)
def test_a_pin_in_the_uri_is_refused_and_not_repeated(text: str) -> None:
    """A PIN among the arguments is an error that says where it belongs, without the PIN."""
    with pytest.raises(UsageError, match="--pin-file") as caught:
        parse_token_uri(text)
    assert "1234" not in str(caught.value)


@given(st.text(alphabet="pkcs1:;?&=%20aobjectidn-/|\x00é", max_size=60))
def test_any_text_gives_a_key_or_an_error(text: str) -> None:
    """Whatever stands behind the scheme names a key, or is refused in our own words."""
    try:
        uri = parse_token_uri("pkcs11:" + text)
    except UsageError:
        return
    assert uri.label or uri.identifier is not None
