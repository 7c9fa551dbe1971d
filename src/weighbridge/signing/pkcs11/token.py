"""
Keys that never leave their token; the token signs digests.

The extra `pkcs11` (the package `python-pkcs11`) is imported when a key is opened. A token's
library is native code that the caller names or the system provides; it runs in this process.
"""

import importlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, Final

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed, encode_dss_signature
from cryptography.hazmat.primitives.hashes import Hash
from cryptography.hazmat.primitives.serialization import load_der_public_key

from weighbridge.core.codes import Code
from weighbridge.core.errors import KeyRejectedError, MissingExtraError, OperationError
from weighbridge.signing.ecdsa import CURVES
from weighbridge.signing.pkcs11.uri import TokenUri

if TYPE_CHECKING:
    from pkcs11 import Session, Token

MODULE_DIRECTORIES: Final = (
    "/usr/lib64/pkcs11",
    "/usr/lib/pkcs11",
    "/usr/lib/x86_64-linux-gnu/pkcs11",
    "/usr/lib/aarch64-linux-gnu/pkcs11",
    "/usr/lib/softhsm",
    "/usr/lib64/softhsm",
    "/usr/lib/x86_64-linux-gnu/softhsm",
    "/usr/lib/aarch64-linux-gnu/softhsm",
    "/usr/lib64",
    "/usr/lib/x86_64-linux-gnu",
    "/usr/lib/aarch64-linux-gnu",
    "/usr/local/lib/pkcs11",
    "/usr/local/lib/softhsm",
    "/usr/local/lib",
)
"""Where the common distributions keep the libraries of tokens, the best places first."""

_PIN_ERRORS: Final = ("PinExpired", "PinIncorrect", "PinInvalid", "PinLenRange", "PinLocked")

DEFAULT_MODULE: Final = "p11-kit-proxy"
"""The library that gives all tokens which the system knows."""


class TokenKey:
    """
    A private key in a token; what `ecdsa.sign_payload` needs of a key.

    Usable as long as the context of `open_token_key` that made it.
    """

    def __init__(self, key: Any, public: EllipticCurvePublicKey, *, api: ModuleType) -> None:  # noqa: ANN401  the library's types are mixed in at run time
        self._key = key
        self._public = public
        self._api = api

    def public_key(self) -> EllipticCurvePublicKey:
        """Return the public half."""
        return self._public

    def sign(self, data: bytes, signature_algorithm: ECDSA) -> bytes:
        """
        Return the DER signature over *data*, which is hashed here.

        Raises:
            OperationError: The token does not sign.
        """
        algorithm = signature_algorithm.algorithm
        assert not isinstance(algorithm, Prehashed)
        digest = Hash(algorithm)
        digest.update(data)
        try:
            raw = self._key.sign(digest.finalize(), mechanism=self._api.Mechanism.ECDSA)
        except self._api.PKCS11Error as error:
            raise _failed("the token does not sign", error) from error
        half = (self._public.curve.key_size + 7) // 8
        if not isinstance(raw, bytes) or len(raw) != 2 * half:
            raise OperationError("the token gives no ECDSA signature", code=Code.TOKEN_FAILED)
        return encode_dss_signature(
            int.from_bytes(raw[:half], "big"), int.from_bytes(raw[half:], "big")
        )


@contextmanager
def open_token_key(
    uri: TokenUri,
    *,
    pin: bytes | None,
    module_directories: Iterable[str] = MODULE_DIRECTORIES,
) -> Iterator[TokenKey]:
    """
    Open the one private key that *uri* names, and log out at the end.

    The PIN is tried once: tokens lock themselves after a few wrong ones.

    Raises:
        MissingExtraError: The library's Python part is not installed.
        KeyRejectedError: No such token or key, more than one, another kind of key, or a wrong
            PIN.
        OperationError: The token's library is not there or fails.
    """
    api = _import()
    with _translated(api):
        library = api.lib(str(_module(uri, module_directories)))
        token = _find_token(library.get_tokens(), uri)
        session = token.open(user_pin=pin.decode("utf-8") if pin is not None else None)
    try:
        with _translated(api):
            key = _find_key(session, uri, api)
        yield key
    finally:
        # A token that was pulled out cannot be logged out of.
        with suppress(api.PKCS11Error):
            session.close()


def require_extra() -> None:
    """
    Say what to install before anybody is asked for a PIN.

    Raises:
        MissingExtraError: The library's Python part is not installed.
    """
    _import()


@contextmanager
def _translated(api: ModuleType) -> Iterator[None]:
    """Turn the library's errors into ours."""
    try:
        yield
    except tuple(getattr(api, name) for name in _PIN_ERRORS) as error:
        raise KeyRejectedError(
            "the token refuses the PIN",
            code=Code.PASSWORD,
            found=type(error).__name__,
            hint="It was tried once; tokens lock themselves after a few wrong ones",
        ) from error
    except UnicodeDecodeError as error:
        raise KeyRejectedError("the PIN is not UTF-8", code=Code.PASSWORD) from error
    except (api.PKCS11Error, RuntimeError) as error:
        raise _failed("the token does not answer", error) from error


def _import() -> ModuleType:
    try:
        return importlib.import_module("pkcs11")
    except ImportError as error:
        raise MissingExtraError.for_extra("pkcs11", purpose="signing with a token") from error


def _module(uri: TokenUri, directories: Iterable[str]) -> Path:
    """Return the path of the library that *uri* names, or of the system's own."""
    if uri.module_path is not None:
        if uri.module_path.is_file():
            return uri.module_path
        raise _no_module(str(uri.module_path))
    name = uri.module_name or DEFAULT_MODULE
    for directory in directories:
        for file in (name, f"{name}.so", f"lib{name}.so"):
            path = Path(directory, file)
            if path.is_file():
                return path
    raise _no_module(name)


def _no_module(name: str) -> OperationError:
    return OperationError(
        "the token's library is not there",
        code=Code.TOKEN_FAILED,
        found=name,
        hint="Name it in the URI: ?module-path=/path/to/library.so",
    )


def _find_token(tokens: "Iterable[Token]", uri: TokenUri) -> "Token":
    """Return the one token that *uri* describes."""
    found = [token for token in tokens if _is_token(token, uri)]
    if len(found) != 1:
        names = ", ".join(repr(token.label) for token in found[:5])
        raise KeyRejectedError(
            "no token is described by the URI" if not found else "several tokens are described",
            code=Code.TOKEN_OBJECT,
            expected="exactly one token",
            found=names or "none",
            hint="Add token=, serial= or slot-id= to the URI",
        )
    return found[0]


def _is_token(token: "Token", uri: TokenUri) -> bool:
    wanted = (
        (uri.token, token.label),
        (uri.manufacturer, _plain(token.manufacturer_id)),
        (uri.serial, _plain(token.serial)),
        (uri.model, _plain(token.model)),
        (uri.slot, token.slot.slot_id),
    )
    return all(value is None or value == is_ for value, is_ in wanted)


def _plain(value: object) -> str:
    """Return text of a fixed width without its padding, whatever the library makes of it."""
    text = value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
    return text.rstrip(" \0")


def _find_key(session: "Session", uri: TokenUri, api: ModuleType) -> TokenKey:
    """Return the one private key that *uri* names, with its public half."""
    private = _one_object(session, uri, api, kind=api.ObjectClass.PRIVATE_KEY)
    if private.key_type != api.KeyType.EC:
        raise _unsupported(str(private.key_type))
    public = _one_object(session, uri, api, kind=api.ObjectClass.PUBLIC_KEY)
    return TokenKey(private, _public_key(public), api=api)


def _one_object(session: "Session", uri: TokenUri, api: ModuleType, *, kind: Any) -> Any:  # noqa: ANN401  see TokenKey
    attributes = {api.Attribute.CLASS: kind}
    if uri.label is not None:
        attributes[api.Attribute.LABEL] = uri.label
    if uri.identifier is not None:
        attributes[api.Attribute.ID] = uri.identifier
    found = list(session.get_objects(attributes))
    name = "private key" if kind is api.ObjectClass.PRIVATE_KEY else "public key"
    if len(found) != 1:
        raise KeyRejectedError(
            f"the token has no such {name}" if not found else f"the token has several such {name}s",
            code=Code.TOKEN_OBJECT,
            expected="exactly one, and its public half beside it",
            found=str(len(found)),
            hint="Name the key by both object= and id=",
        )
    return found[0]


def _public_key(found: Any) -> EllipticCurvePublicKey:  # noqa: ANN401  see TokenKey
    """Return the public key as the token describes it."""
    encode = importlib.import_module("pkcs11.util.ec").encode_ec_public_key
    try:
        key = load_der_public_key(encode(found))
    except (ValueError, KeyError, TypeError, UnsupportedAlgorithm) as error:
        raise _unsupported("it cannot be decoded") from error
    if not isinstance(key, EllipticCurvePublicKey) or key.curve.name not in CURVES:
        raise _unsupported(type(key).__name__)
    return key


def _unsupported(found: str) -> KeyRejectedError:
    return KeyRejectedError(
        "the key in the token is of a kind that the format does not have",
        code=Code.KEY_UNSUPPORTED,
        expected=f"an elliptic-curve key on {', '.join(CURVES)}",
        found=found,
    )


def _failed(message: str, error: Exception) -> OperationError:
    return OperationError(
        message, code=Code.TOKEN_FAILED, found=f"{type(error).__name__} {error}".strip()[:200]
    )
