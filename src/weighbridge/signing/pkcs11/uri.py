"""
URIs of keys in tokens: `pkcs11:token=release;object=signer;type=private`.

Source: RFC 7512. What it leaves open is decided for the strict side: an attribute that is not
known is an error, since a key that is found without looking at it may be another one.
"""

import re
from pathlib import Path
from typing import Final
from urllib.parse import unquote_to_bytes

from weighbridge.core.codes import Code
from weighbridge.core.errors import UsageError
from weighbridge.core.limits.signing import MAX_TOKEN_URI_CHARS
from weighbridge.core.values import frozen

_SCHEME: Final = "pkcs11:"
_TOKEN: Final = ("token", "manufacturer", "serial", "model")
_OBJECT: Final = ("object", "id", "type")
_SLOT: Final = ("slot-id",)
_QUERY: Final = ("pin-source", "module-name", "module-path")
_VALUE: Final = re.compile(r"(?:[A-Za-z0-9._~:\[\]@!$'()*+,=&/|-]|%[0-9A-Fa-f]{2})*", re.ASCII)
_MODULE_NAME: Final = re.compile(r"[A-Za-z0-9._+-]{1,100}", re.ASCII)
_TYPES: Final = frozenset({"private"})


@frozen
class TokenUri:
    """
    Which key, in which token, behind which library.

    Attributes:
        token: Label, manufacturer, serial number and model of the token; each as given or None.
        manufacturer: See `token`.
        serial: See `token`.
        model: See `token`.
        slot: Number of the slot.
        label: Label of the key (`object`).
        identifier: Its CKA_ID (`id`).
        pin_source: A file that holds the PIN.
        module_name: Name of the library, without directory, prefix and suffix.
        module_path: Path of the library.
    """

    token: str | None = None
    manufacturer: str | None = None
    serial: str | None = None
    model: str | None = None
    slot: int | None = None
    label: str | None = None
    identifier: bytes | None = None
    pin_source: Path | None = None
    module_name: str | None = None
    module_path: Path | None = None


def parse_token_uri(text: str, /) -> TokenUri:
    """
    Return what the URI *text* names.

    A PIN in the URI is refused: arguments of a command can be seen by every user of a machine,
    and end up in logs.

    Raises:
        UsageError: It is not such a URI, names no key, or has a PIN in it.
    """
    if not text.startswith(_SCHEME) or len(text) > MAX_TOKEN_URI_CHARS:
        raise _wrong("this is no PKCS#11 URI", expected="pkcs11:token=...;object=...")
    path, _, query = text.removeprefix(_SCHEME).partition("?")
    found = _attributes(path, ";", allowed=(*_TOKEN, *_OBJECT, *_SLOT))
    asked = _attributes(query, "&", allowed=_QUERY)
    if not found.keys() & {"object", "id"}:
        raise _wrong("the URI names no key", expected="object=LABEL or id=%01")
    if "type" in found and _text(found, "type") not in _TYPES:
        raise _wrong("the URI names no private key", expected="type=private")
    return TokenUri(
        token=_text(found, "token"),
        manufacturer=_text(found, "manufacturer"),
        serial=_text(found, "serial"),
        model=_text(found, "model"),
        slot=_number(found, "slot-id"),
        label=_text(found, "object"),
        identifier=found.get("id"),
        pin_source=_file(asked, "pin-source"),
        module_name=_module_name(asked),
        module_path=_file(asked, "module-path"),
    )


def _attributes(part: str, separator: str, *, allowed: tuple[str, ...]) -> dict[str, bytes]:
    """Return the attributes of one part of a URI, each at most once."""
    values: dict[str, bytes] = {}
    for piece in part.split(separator) if part else ():
        name, equals, value = piece.partition("=")
        if name == "pin-value":
            raise _wrong(
                "a PIN does not belong into a URI, where others can see it",
                hint="Use pin-source=FILE, --pin-file, $WEIGHBRIDGE_PIN, or wait to be asked",
            )
        if name not in allowed:
            raise _wrong(f"the URI has an unknown attribute {name[:40]!r}", ", ".join(allowed))
        if not equals or not _VALUE.fullmatch(value) or separator in value:
            raise _wrong(f"the attribute {name} is malformed", "percent-encoded text")
        if name in values:
            raise _wrong(f"the attribute {name} occurs twice", "every attribute once")
        values[name] = unquote_to_bytes(value)
    return values


def _text(values: dict[str, bytes], name: str) -> str | None:
    data = values.get(name)
    if data is None:
        return None
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise _wrong(f"the attribute {name} is malformed", "UTF-8") from error
    if not text or not text.isprintable():
        raise _wrong(f"the attribute {name} is malformed", "printable text")
    return text


def _number(values: dict[str, bytes], name: str) -> int | None:
    text = _text(values, name)
    if text is None:
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= 20):  # noqa: PLR2004  64 bits
        raise _wrong(f"the attribute {name} is malformed", "a decimal number")
    return int(text)


def _file(values: dict[str, bytes], name: str) -> Path | None:
    """Return an absolute path; a command (`|...`), which RFC 7512 allows as well, is refused."""
    text = _text(values, name)
    if text is None:
        return None
    path = Path(text.removeprefix("file://").removeprefix("file:"))
    if not path.is_absolute():
        raise _wrong(f"the attribute {name} is malformed", "an absolute path", found=text[:80])
    return path


def _module_name(values: dict[str, bytes]) -> str | None:
    text = _text(values, "module-name")
    if text is not None and (not _MODULE_NAME.fullmatch(text) or text.startswith(".")):
        raise _wrong("the attribute module-name is malformed", "a name such as softhsm2")
    return text


def _wrong(
    message: str,
    expected: str | None = None,
    *,
    found: str | None = None,
    hint: str | None = None,
) -> UsageError:
    return UsageError(
        message,
        code=Code.TOKEN_URI,
        where="--pkcs11-uri",
        expected=expected,
        found=found,
        hint=hint,
    )
