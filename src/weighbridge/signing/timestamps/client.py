"""
Asking a timestamp authority: one request over HTTP, and what its answer has to be.

The authority learns a digest of the signature and nothing of the model. Its answer is signed, so
the way to it need not be trusted: `http` is as good as `https` for everything but privacy.

Source: RFC 3161, sections 2.4 and 3.4.
"""

import time
import urllib.error
import urllib.request
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from http.client import HTTPException, HTTPResponse
from typing import Final
from urllib.parse import urlsplit

from rfc3161_client import TimestampRequestBuilder
from rfc3161_client.base import HashAlgorithm

from weighbridge.core.codes import Code
from weighbridge.core.errors import OperationError, UsageError
from weighbridge.core.limits.signing import (
    MAX_CLOCK_SKEW_SECONDS,
    MAX_TIMESTAMP_BYTES,
    MAX_TIMESTAMP_SECONDS,
    MAX_TIMESTAMP_URL_CHARS,
    MAX_TIMESTAMPS,
)
from weighbridge.core.limits.units import KIB
from weighbridge.signing.timestamps.form import normal_form
from weighbridge.signing.timestamps.token import (
    UntrustedTimestampError,
    read_status,
    read_timestamp,
    verify_timestamp,
)
from weighbridge.signing.timestamps.trust import TimestampTrust

_OPTION: Final = "--timestamp-url"
_QUERY: Final = "application/timestamp-query"
_REPLY: Final = "application/timestamp-reply"
_SCHEMES: Final = ("http", "https")
_BLOCK_BYTES: Final = 4 * KIB
_STATUSES: Final = {
    1: "granted with modifications",
    2: "rejected",
    3: "put off",
    4: "granted, with the authority's revocation imminent",
    5: "refused: the authority was revoked",
}
"""RFC 3161 2.4.2."""


def check_urls(urls: Sequence[str], /) -> tuple[str, ...]:
    """
    Return *urls* if each can be asked, and there are neither none nor too many of them.

    Raises:
        UsageError: One is none that can be asked, or is there twice.
    """
    checked = tuple(check_url(url) for url in urls)
    if len(set(checked)) != len(checked) or not 0 < len(checked) <= MAX_TIMESTAMPS:
        raise UsageError(
            "the timestamp authorities cannot be meant",
            where=_OPTION,
            expected=f"1 to {MAX_TIMESTAMPS} different addresses",
            found=", ".join(checked[:8]) or "none",
        )
    return checked


def check_url(url: str, /) -> str:
    """
    Return *url* if a timestamp authority can be asked there.

    Raises:
        UsageError: Not an http or https address, or one with a password in it.
    """
    try:
        parts = urlsplit(url)
        usable = bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable, parts = False, urlsplit("")
    if (
        not usable
        or parts.scheme not in _SCHEMES
        or parts.fragment
        or len(url) > MAX_TIMESTAMP_URL_CHARS
        or not (url.isascii() and url.isprintable() and " " not in url)
    ):
        raise UsageError(
            "this is no address of a timestamp authority",
            where=_OPTION,
            expected="http://HOST/PATH or https://HOST/PATH",
            found=repr(url[:120]),
        )
    if parts.username is not None or parts.password is not None:
        raise UsageError(
            "a password does not belong into an address, where others can see it",
            where=_OPTION,
            hint="Use an authority that asks for none, or a proxy that adds it",
        )
    return url


def request_timestamp(
    url: str,
    signature: bytes,
    /,
    *,
    trust: TimestampTrust | None = None,
    clock: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> bytes:
    """
    Return a timestamp over *signature* from the authority at *url*.

    The answer has to be one to this very request (by its nonce and its imprint) and of a time
    that agrees with *clock*; with *trust* it is verified as a verifier does. What an authority
    says beside its timestamp is left out.

    Raises:
        UsageError: *url* is none that can be asked.
        OperationError: The authority cannot be reached, refuses, is too slow, or answers
            something else than a timestamp that a verifier could accept.
    """
    check_url(url)
    query = (
        TimestampRequestBuilder()
        .hash_algorithm(HashAlgorithm.SHA256)
        .data(signature)
        .nonce(nonce=True)
        .cert_request(cert_request=True)
        .build()
    )
    answer = _post(url, query.as_bytes())
    try:
        return _read_answer(
            answer, signature=signature, nonce=query.nonce, trust=trust, now=clock()
        )
    except UntrustedTimestampError as error:
        raise _failed(
            "the timestamp authority's answer is of no use",
            url,
            expected="a timestamp over the new signature",
            found=_words(answer) or str(error),
        ) from error


def _read_answer(
    answer: bytes,
    *,
    signature: bytes,
    nonce: int | None,
    trust: TimestampTrust | None,
    now: datetime,
) -> bytes:
    """Return the timestamp in *answer*, with nothing beside it."""
    token = normal_form(answer)
    decoded = read_timestamp(token, signature=signature)
    moment = decoded.tst_info.gen_time
    if decoded.tst_info.nonce != nonce:
        raise UntrustedTimestampError("it answers another request: the nonce differs")
    if abs(moment - now) > timedelta(seconds=MAX_CLOCK_SKEW_SECONDS):
        raise UntrustedTimestampError(
            f"its time is {moment:%Y-%m-%d %H:%M:%S} and this machine's "
            f"{now.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC: one of the clocks is wrong"
        )
    if trust is not None:
        verify_timestamp(token, signature=signature, trust=trust.store, at=now)
    return token


def _post(url: str, query: bytes) -> bytes:
    """Return the answer of the authority at *url*, whole."""
    # Without a handler for redirections: an address that nobody gave is asked nothing. Nor are
    # there handlers for files and other schemes.
    opener = urllib.request.OpenerDirector()
    for handler in (
        urllib.request.ProxyHandler(),
        urllib.request.HTTPHandler(),
        urllib.request.HTTPSHandler(),
        urllib.request.HTTPDefaultErrorHandler(),
        urllib.request.HTTPErrorProcessor(),
    ):
        opener.add_handler(handler)
    request = urllib.request.Request(  # noqa: S310  `check_url` allows http and https only
        url,
        data=query,
        headers={"Content-Type": _QUERY, "Accept": _REPLY, "User-Agent": "weighbridge"},
    )
    deadline = time.monotonic() + MAX_TIMESTAMP_SECONDS
    try:
        with opener.open(request, timeout=MAX_TIMESTAMP_SECONDS) as response:
            kind = response.headers.get_content_type()
            answer = _read_within(response, url, deadline=deadline)
    except urllib.error.HTTPError as error:
        with error:
            raise _refused(url, error) from error
    except (OSError, HTTPException, ValueError) as error:
        reason = getattr(error, "reason", error)
        raise _failed(
            "the timestamp authority cannot be asked", url, found=str(reason)[:200] or "no answer"
        ) from error
    if kind != _REPLY:
        raise _failed(
            "this is no timestamp authority",
            url,
            expected=f"an answer of type {_REPLY}",
            found=kind,
        )
    return answer


def _read_within(response: HTTPResponse, url: str, *, deadline: float) -> bytes:
    """Return the whole answer, if it has an end before the bounds of size and time."""
    answer = bytearray()
    while len(answer) <= MAX_TIMESTAMP_BYTES and time.monotonic() < deadline:
        block = response.read1(_BLOCK_BYTES)
        if not block:
            return bytes(answer)
        answer += block
    raise _failed(
        "the timestamp authority's answer has no end",
        url,
        expected=f"{MAX_TIMESTAMP_BYTES} bytes and {MAX_TIMESTAMP_SECONDS} seconds at most",
        found=f"{len(answer)} bytes so far",
    )


def _refused(url: str, error: urllib.error.HTTPError) -> OperationError:
    place = error.headers.get("Location")
    if place is not None and 300 <= error.code < 400:  # noqa: PLR2004  HTTP's own numbers
        return _failed(
            "the timestamp authority is elsewhere",
            url,
            found=f"HTTP {error.code} to {place[:200]}",
            hint="Redirections are not followed: give the address itself",
        )
    return _failed("the timestamp authority refused", url, found=f"HTTP {error.code}")


def _words(answer: bytes) -> str | None:
    """Return what the authority said in place of a timestamp; None where it gave one."""
    status, words = read_status(answer)
    if not status:
        return None
    meaning = _STATUSES.get(status, f"status {status}")
    return f"{meaning}{': ' + words[:200] if words else ''}"


def _failed(
    message: str,
    url: str,
    *,
    expected: str | None = None,
    found: str | None = None,
    hint: str | None = "Nothing was written; try again, or name another authority",
) -> OperationError:
    return OperationError(
        message,
        code=Code.TIMESTAMP_FAILED,
        where=url,
        expected=expected,
        found=found,
        hint=hint,
    )
