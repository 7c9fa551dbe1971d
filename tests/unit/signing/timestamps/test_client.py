"""Asking a timestamp authority, and what its answer has to be."""

import socket
import threading
from datetime import timedelta
from pathlib import Path

import pytest

from support.pki import Plan, bundle_pem, curve_key, root
from support.timestamps import (
    REPLY,
    Answer,
    Clock,
    clock_root,
    make_clock,
    now,
    reply,
    serve_clock,
)
from weighbridge.core.codes import Code
from weighbridge.core.errors import OperationError, UsageError
from weighbridge.core.limits.signing import (
    MAX_TIMESTAMP_BYTES,
    MAX_TIMESTAMP_URL_CHARS,
    MAX_TIMESTAMPS,
)
from weighbridge.signing.timestamps import client
from weighbridge.signing.timestamps.client import check_url, check_urls, request_timestamp
from weighbridge.signing.timestamps.form import form_problem, normal_form
from weighbridge.signing.timestamps.trust import TimestampTrust

SIGNATURE = b"the bytes of a signature"


@pytest.fixture(scope="module")
def clock(tmp_path_factory: pytest.TempPathFactory) -> Clock:
    """An ordinary authority."""
    return make_clock(tmp_path_factory.mktemp("clock") / "tsa")


def trust(clock: Clock) -> TimestampTrust:
    """Return the trust in *clock*."""
    return TimestampTrust.from_pem(bundle_pem([clock.root]))


def fails(answer: Answer | Clock, *, text: str, trusted: TimestampTrust | None = None) -> None:
    """Expect that no timestamp comes of *answer*, for a reason that has *text*."""
    with serve_clock(answer) as server, pytest.raises(OperationError, match=text) as raised:
        request_timestamp(server.url, SIGNATURE, trust=trusted)
    assert raised.value.code is Code.TIMESTAMP_FAILED
    assert raised.value.exit_code == 1
    assert raised.value.where == server.url


@pytest.mark.parametrize("trusted", [True, False])
def test_a_timestamp_is_asked_for_and_verified(clock: Clock, trusted: bool) -> None:
    """The authority is sent a query with a nonce, and its answer is verified where it can be."""
    believed = trust(clock) if trusted else None
    with serve_clock(clock) as server:
        token = request_timestamp(server.url, SIGNATURE, trust=believed)
    ((headers, query),) = server.asked
    assert headers["Content-Type"] == "application/timestamp-query"
    assert headers["Accept"] == REPLY
    assert SIGNATURE not in query
    assert form_problem(token) is None
    assert normal_form(token) == token


def test_every_query_has_a_nonce_of_its_own(clock: Clock) -> None:
    """Two queries over the same signature differ: no old answer can be given again."""
    with serve_clock(clock) as server:
        request_timestamp(server.url, SIGNATURE)
        request_timestamp(server.url, SIGNATURE)
    assert len({query for _, query in server.asked}) == 2


def test_an_answer_to_another_query_is_refused(clock: Clock) -> None:
    """A timestamp over the very signature is refused if it answers another query."""
    fails(reply(clock.over(SIGNATURE)), text="the nonce differs")


def test_an_answer_over_something_else_is_refused(clock: Clock) -> None:
    """A timestamp over another signature is of no use."""
    fails(reply(clock.over(b"something else")), text="over another signature")


def test_a_stranger_is_refused_where_trust_is_given(clock: Clock) -> None:
    """With trusted roots the authority has to lead to one of them, before anything is written."""
    plan = Plan(
        subject="CN=other root",
        is_ca=True,
        usage=("key_cert_sign",),
        extended=None,
        not_before=now() - timedelta(days=1),
        not_after=now() + timedelta(days=1),
    )
    other = TimestampTrust.from_pem(bundle_pem([root(plan, key=curve_key(number=33))]))
    fails(clock, text="does not lead to a trusted root", trusted=other)


def test_a_clock_that_disagrees_is_refused(clock: Clock) -> None:
    """An authority whose time is far from this machine's is of no use to anybody."""
    with (
        serve_clock(clock) as server,
        pytest.raises(OperationError, match="one of the clocks is wrong"),
    ):
        request_timestamp(server.url, SIGNATURE, clock=lambda: now() - timedelta(minutes=6))


def test_a_refusal_is_reported_in_the_authoritys_words(clock: Clock) -> None:
    """Why the authority gave no timestamp is said."""
    fails(reply(clock.stamp(b"nonsense")), text="rejected: Bad request format")


def test_a_refusal_without_words_is_reported(clock: Clock) -> None:
    """A status alone is put in words; an unknown one is given as it is."""
    fails(reply(bytes.fromhex("30053003020103")), text="put off")
    fails(reply(bytes.fromhex("30053003020109")), text="status 9")


def test_nonsense_is_reported(clock: Clock) -> None:
    """An answer that is no timestamp at all is described."""
    fails(reply(b"nonsense"), text="not a timestamp that was granted, in DER")


def test_words_and_order_are_left_out_of_what_is_kept(tmp_path: Path) -> None:
    """A granting authority's words are not signed, so they are not kept; nor is an odd order."""
    clock = make_clock(tmp_path / "tsa", authority=clock_root(), above=(clock_root(),))

    def chatty(query: bytes) -> tuple[int, dict[str, str], bytes]:
        token = normal_form(clock.stamp(query))[9:]
        content = bytes.fromhex("30090201003004") + b"\x0c\x02ok" + token
        return 200, {"Content-Type": REPLY}, b"\x30\x82" + len(content).to_bytes(2, "big") + content

    with serve_clock(chatty) as server:
        kept = request_timestamp(server.url, SIGNATURE, trust=trust(clock))
    assert b"\x0c\x02ok" not in kept
    assert normal_form(kept) == kept


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_redirections_are_not_followed(clock: Clock, status: int) -> None:
    """An address that nobody gave is not asked, whatever kind of redirection names it."""
    with serve_clock(clock) as elsewhere:
        fails(
            lambda _: (status, {"Location": elsewhere.url}, b""),
            text=f"HTTP {status} to {elsewhere.url}.*Redirections are not followed",
        )
    assert elsewhere.asked == []


def test_a_redirection_to_a_file_is_not_followed() -> None:
    """Nor is a file of this machine read."""
    fails(lambda _: (302, {"Location": "file:///etc/passwd"}, b""), text="elsewhere")


def test_an_error_of_the_server_is_reported() -> None:
    """A status of HTTP that is no success is named."""
    fails(lambda _: (503, {}, b"busy"), text="refused: found HTTP 503")


def test_another_type_of_answer_is_refused() -> None:
    """A login page is no timestamp."""
    fails(
        reply(b"<html>", kind="text/html; charset=utf-8"), text="no timestamp authority.*text/html"
    )


def test_an_answer_that_is_too_long_is_refused() -> None:
    """No more is read than a timestamp can be long."""
    fails(reply(bytes(MAX_TIMESTAMP_BYTES + 1)), text="no end")


def test_an_answer_that_is_too_slow_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """The whole answer has to be there in time, not only each part of it."""
    monkeypatch.setattr(client, "MAX_TIMESTAMP_SECONDS", 0.001)
    release = threading.Event()

    def slow(_: bytes) -> tuple[int, dict[str, str], bytes]:
        release.wait()
        return 200, {"Content-Type": REPLY}, b""

    with serve_clock(slow) as server:
        try:
            with pytest.raises(OperationError, match=r"cannot be asked.*timed out|no end"):
                request_timestamp(server.url, SIGNATURE)
        finally:
            release.set()


def test_an_authority_that_is_not_there_is_reported() -> None:
    """Nobody at the address is a failure of the operation, with the reason."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}/"
        with pytest.raises(OperationError, match=r"cannot be asked.*refused") as raised:
            request_timestamp(url, SIGNATURE)
    assert raised.value.code is Code.TIMESTAMP_FAILED


def test_an_answer_that_is_no_http_is_reported() -> None:
    """Something else than HTTP at the address is a failure of the operation."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def talk() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.recv(65536)
                connection.sendall(b"220 mail ready\r\n\r\n")

        thread = threading.Thread(target=talk)
        thread.start()
        with pytest.raises(OperationError, match="cannot be asked"):
            request_timestamp(f"http://127.0.0.1:{listener.getsockname()[1]}/", SIGNATURE)
        thread.join()


@pytest.mark.parametrize(
    "url",
    [
        "http://tsa.example",
        "https://tsa.example/path?policy=1",
        "http://[::1]:3161/",
        "http://tsa.example:8080/tsr",
    ],
)
def test_addresses_on_http_and_https_are_taken(url: str) -> None:
    """An ordinary address is returned as it is."""
    assert check_url(url) == url


@pytest.mark.parametrize(
    "url",
    [
        "",
        "tsa.example",
        "file:///etc/passwd",
        "ftp://tsa.example/",
        "http:///path",
        "http://tsa.example:0/",
        "http://tsa.example:99999/",
        "http://[::1/",
        "http://tsa.example/#part",
        "http://tsa.example/a b",
        "http://tsa.example/\r\nHost: other",
        "http://tsä.example/",
        "http://tsa.example/" + "a" * MAX_TIMESTAMP_URL_CHARS,
    ],
)
def test_other_addresses_are_wrong_usage(url: str) -> None:
    """Other schemes, and what is no address, are refused before anybody is asked."""
    with pytest.raises(UsageError, match="no address of a timestamp authority"):
        request_timestamp(url, SIGNATURE)


@pytest.mark.parametrize("url", ["http://user@tsa.example/", "http://user:word@tsa.example/"])
def test_a_password_in_an_address_is_wrong_usage(url: str) -> None:
    """An address is visible to every user of the machine; a password in it is not repeated."""
    with pytest.raises(UsageError, match="password does not belong") as raised:
        check_url(url)
    assert "word@" not in str(raised.value)


@pytest.mark.parametrize("urls", [(), ("http://a", "http://a"), ("http://a",) * 40])
def test_authorities_are_different_and_not_too_many(urls: tuple[str, ...]) -> None:
    """No authority is asked twice for the same signature."""
    with pytest.raises(UsageError, match=f"1 to {MAX_TIMESTAMPS} different"):
        check_urls(urls)
    assert check_urls(("http://a", "http://b")) == ("http://a", "http://b")
