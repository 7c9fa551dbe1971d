"""
Talking to the services that a keyless signature needs, within bounds.

The clients are the `sigstore` package's. They wait for ever and read answers of any length, so
their sessions get an adapter that does neither.
"""

import ipaddress
import time
from collections.abc import Callable
from typing import Final, TypeVar
from urllib.parse import urlsplit

from requests import PreparedRequest, RequestException, Response, Session
from requests.adapters import HTTPAdapter
from sigstore._internal.fulcio import ExpiredCertificate
from sigstore._internal.fulcio.client import FulcioClientError
from sigstore._internal.rekor import RekorClientError
from sigstore.errors import Error as SigstoreError
from sigstore.models import ClientTrustConfig
from sigstore.oidc import ExpiredIdentity
from sigstore.sign import SigningContext

from weighbridge.core.codes import Code
from weighbridge.core.errors import KeyRejectedError, OperationError
from weighbridge.core.limits.signing import MAX_SERVICE_ANSWER_BYTES, MAX_SERVICE_SECONDS
from weighbridge.signing.certificate_file import FOREIGN_ERRORS

ANSWER_ERRORS: Final = (
    *FOREIGN_ERRORS,
    RequestException,
    KeyError,
    AttributeError,
    IndexError,
    OverflowError,
    RecursionError,
)
"""What the clients raise about answers that nobody expects: of another shape, or nested deeply."""

_FOREIGN: Final = (
    *ANSWER_ERRORS,
    SigstoreError,
    ExpiredCertificate,
    ExpiredIdentity,
    FulcioClientError,
    RekorClientError,
)
_BLOCK_BYTES: Final = 64 * 1024

T = TypeVar("T")


class BoundedAdapter(HTTPAdapter):
    """
    Gives up on a service that is too slow, or whose answer is too long, or that is elsewhere.

    What is sent may be a token: it goes to no address that nobody has looked at.
    """

    def send(
        self,
        request: PreparedRequest,
        stream: bool = False,  # noqa: FBT001, FBT002  the overridden method's
        timeout: object = None,
        verify: bool | str = True,  # noqa: FBT001, FBT002
        cert: str | tuple[str, str] | None = None,
        proxies: dict[str, str] | None = None,
    ) -> Response:
        """Send *request* and read the whole answer."""
        del stream, timeout
        deadline = time.monotonic() + MAX_SERVICE_SECONDS
        response = super().send(
            request,
            stream=True,
            timeout=MAX_SERVICE_SECONDS,
            verify=verify,
            cert=cert,
            proxies=proxies,
        )
        body = bytearray()
        for block in response.iter_content(_BLOCK_BYTES):
            body += block
            if len(body) > MAX_SERVICE_ANSWER_BYTES or time.monotonic() > deadline:
                response.close()
                raise RequestException(
                    f"more than {MAX_SERVICE_ANSWER_BYTES} bytes or {MAX_SERVICE_SECONDS} seconds"
                )
        if response.is_redirect:
            place = response.headers["location"][:200]
            raise RequestException(f"redirections are not followed: to {place!a}")
        response._content = bytes(body)  # noqa: SLF001  what `content` returns once it was read
        return response


def signing_context(config: ClientTrustConfig, /) -> SigningContext:
    """
    Return the clients of the instance that *config* describes; nothing is sent yet.

    Raises:
        KeyRejectedError: The configuration names no usable services, or one to which a token
            would go in the clear.
    """
    try:
        services = config.signing_config
        authority = services.get_fulcio()
        logs = services.get_tlogs()
        stamping = services.get_tsas()
    except (SigstoreError, ValueError) as error:
        raise KeyRejectedError(
            "the instance has no service to sign with",
            code=Code.TRUSTED_ROOT,
            expected="a certificate authority and a log that are in use now",
            found=str(error)[:200],
        ) from error
    require_confidential(authority.url, what="certificate authority")
    bound(authority.session)
    bound(logs[0]._session)  # type: ignore[attr-defined]  # noqa: SLF001  no other way to it
    for client in stamping:
        bound(client._session)  # noqa: SLF001
    return SigningContext(
        fulcio=authority,
        rekor=logs[0],
        trusted_root=config.trusted_root,
        tsa_clients=stamping,
    )


def provider_of(config: ClientTrustConfig, /) -> str | None:
    """Return the identity provider where people sign in, if the instance has one."""
    try:
        return config.signing_config.get_oidc_url()
    except (SigstoreError, ValueError):
        return None


def require_confidential(url: str, /, *, what: str) -> None:
    """
    Refuse to send secrets to *url* in the clear.

    Raises:
        KeyRejectedError: It is neither `https` nor this machine, or has characters that are in
            no address and could be anything on a terminal.
    """
    if not (url.isascii() and url.isprintable()) or " " in url:
        raise KeyRejectedError(
            f"the address of the {what} has characters that no address has",
            code=Code.TRUSTED_ROOT,
            expected="printable ASCII without spaces",
            found=ascii(url[:200]),
        )
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
    except ValueError:
        parts, host = urlsplit(""), ""
    if parts.scheme == "https" and host:
        return
    if parts.scheme == "http" and _is_here(host):
        return
    raise KeyRejectedError(
        f"a token would go to the {what} in the clear",
        code=Code.TRUSTED_ROOT,
        expected="an https address",
        found=repr(url[:200]),
    )


def from_services(call: Callable[[], T], /) -> T:
    """
    Return what *call* does with the services.

    Raises:
        OperationError: One of them refused, or could not be reached.
    """
    try:
        return call()
    except _FOREIGN as error:
        causes = [str(e) for e in (error, error.__cause__) if e is not None and str(e)]
        found = ": ".join(text.splitlines()[0][:200] for text in causes) or type(error).__name__
        who = next((name for kind, name in _NAMES if isinstance(error, kind)), "a service")
        raise OperationError(
            f"{who} did not do its part", code=Code.SERVICE_FAILED, found=found
        ) from error


_NAMES: Final = (
    (FulcioClientError, "the certificate authority"),
    (RekorClientError, "the transparency log"),
)


def bound(session: Session, /) -> None:
    """Have *session* give up as `BoundedAdapter` does."""
    adapter = BoundedAdapter()
    session.mount("https://", adapter)
    session.mount("http://", adapter)


def _is_here(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
