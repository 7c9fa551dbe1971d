"""Token URIs as the reference reads them, made into what ours reads."""

import re
from collections.abc import Sequence
from dataclasses import field
from pathlib import Path
from typing import Final
from urllib.parse import quote, unquote

from weighbridge.core.codes import Code
from weighbridge.core.errors import OperationError
from weighbridge.core.values import frozen

_PIN: Final = re.compile(r"(?:(?<=[?&;:])|^)pin-value=([^;&?]*)")
_PUBLIC: Final = re.compile(r"(?:(?<=[:;])|^)type=public(?=[;?]|$)")
_MODULE_NAME: Final = re.compile(r"[?&]module-name=([^&]*)")
_MODULE_PATH: Final = re.compile(r"[?&]module-path=([^&]*)")


@frozen
class TokenAccess:
    """
    A key in a token.

    Attributes:
        uri: Without a PIN.
        pin: What the URI had as `pin-value`; None where it had none.
    """

    uri: str
    pin: str | None = field(repr=False)


def read_token_uri(uri: str, *, module_paths: Sequence[Path] = ()) -> TokenAccess:
    """
    Take the PIN out of *uri*, and find the library that it names among *module_paths*.

    The reference does not look at the kind of the object, and lists of a token that nobody logged
    into have public keys only: a public key stands for its private half.

    Raises:
        OperationError: The URI names a library, and it is in none of the given directories nor
            one of the given files.
    """
    found = _PIN.search(uri)
    rest = uri if found is None else _without(uri, found)
    public = _PUBLIC.search(rest)
    rest = rest if public is None else _without(rest, public)
    if module_paths:
        rest = _with_module(rest, module_paths)
    return TokenAccess(uri=rest, pin=None if found is None else unquote(found[1]))


def _without(uri: str, found: re.Match[str]) -> str:
    """Return *uri* without the attribute *found* and the separator that joined it."""
    before, after = uri[: found.start()], uri[found.end() :]
    if after[:1] in {"&", ";"}:
        return before + after[1:]
    return before.removesuffix("&").removesuffix(";").removesuffix("?") + after


def _with_module(uri: str, module_paths: Sequence[Path]) -> str:
    """Return *uri* with the path of its library, which must be one that is allowed."""
    if (path := _MODULE_PATH.search(uri)) is not None:
        place = Path(unquote(path[1]))
        if any(place == allowed or allowed in place.parents for allowed in module_paths):
            return uri
        raise _missing(place.name, module_paths)
    name = _MODULE_NAME.search(uri)
    if name is None:
        return uri
    wanted = unquote(name[1])
    for allowed in module_paths:
        for place in (allowed, allowed / f"lib{wanted}.so", allowed / f"{wanted}.so"):
            if place.is_file() and wanted in place.name:
                library = quote(str(place.absolute()), safe="/")
                return uri.replace(name[0], f"{name[0][0]}module-path={library}")
    raise _missing(wanted, module_paths)


def _missing(name: str, module_paths: Sequence[Path]) -> OperationError:
    return OperationError(
        "the library of the token is not where it may be",
        code=Code.TOKEN_FAILED,
        where="--module-paths",
        expected=", ".join(map(str, module_paths)),
        found=name,
    )
