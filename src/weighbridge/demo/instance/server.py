"""A small HTTP server on the loopback interface, for the services of the test instance."""

import contextlib
import json
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final, TypeAlias
from urllib.parse import parse_qsl, urlsplit

from weighbridge.core.errors import LimitExceededError, MalformedContentError
from weighbridge.core.limits.demo import MAX_INSTANCE_IDLE_SECONDS, MAX_INSTANCE_REQUEST_BYTES
from weighbridge.core.values import frozen
from weighbridge.formats.json import JsonValue, parse_json

_JSON: Final = "application/json"


class RequestRefusedError(Exception):
    """
    A service does not do what it was asked.

    Args:
        message: Why; goes to the client.
        status: The HTTP status.
    """

    def __init__(self, message: str, *, status: int = 400) -> None:
        super().__init__(message)
        self.message: Final = message
        self.status: Final = status


@frozen
class Request:
    """
    What a client asks.

    Attributes:
        query: The members of the query string, the last of each name.
        authorization: The header of that name, or nothing.
        body: What was sent along.
    """

    query: Mapping[str, str] = field(default_factory=dict)
    authorization: str = ""
    body: bytes = b""

    def bearer(self) -> str:
        """
        Return the bearer token.

        Raises:
            RequestRefusedError: There is none.
        """
        scheme, _, token = self.authorization.partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise RequestRefusedError("there is no bearer token", status=401)
        return token

    def form(self) -> dict[str, str]:
        """Return the members of a form that was sent."""
        return dict(parse_qsl(self.body.decode("utf-8", "replace")))

    def document(self) -> "Document":
        """
        Return the JSON object that was sent.

        Raises:
            RequestRefusedError: It is something else.
            MalformedContentError, LimitExceededError: It is no JSON.
        """
        return Document(parse_json(self.body, what="request"))


class Document:
    """A JSON object of a request, read member by member."""

    def __init__(self, value: JsonValue) -> None:
        if not isinstance(value, dict):
            raise RequestRefusedError("expected a JSON object")
        self._members = value

    def __contains__(self, name: str) -> bool:
        return name in self._members

    def text(self, name: str) -> str:
        """
        Return the string *name*.

        Raises:
            RequestRefusedError: There is none.
        """
        value = self._members.get(name)
        if not isinstance(value, str):
            raise RequestRefusedError(f"expected a string as {name}")
        return value

    def only(self, name: str) -> str:
        """
        Return the one string in the array *name*.

        Raises:
            RequestRefusedError: There is another number of them, or something else.
        """
        value = self._only(name)
        if not isinstance(value, str):
            raise RequestRefusedError(f"expected a string in {name}")
        return value

    def only_object(self, name: str) -> "Document":
        """
        Return the one object in the array *name*.

        Raises:
            RequestRefusedError: There is another number of them, or something else.
        """
        return Document(self._only(name))

    def _only(self, name: str) -> JsonValue:
        value = self._members.get(name)
        if not isinstance(value, list) or len(value) != 1:
            raise RequestRefusedError(f"expected an array of one as {name}")
        return value[0]

    def object(self, name: str) -> "Document":
        """
        Return the object *name*.

        Raises:
            RequestRefusedError: There is none.
        """
        return Document(self._members.get(name))


@frozen
class Response:
    """What a service answers."""

    body: bytes = b""
    status: int = 200
    content_type: str = _JSON
    location: str = ""


_Connection: TypeAlias = socket.socket | tuple[bytes, socket.socket]
_Address: TypeAlias = Any
"""As in `socketserver`, which handles other kinds of sockets, too."""

Route: TypeAlias = Callable[[Request], Response]
Routes: TypeAlias = Mapping[tuple[str, str], Route]
"""What answers which method and path."""


def json_response(value: JsonValue, *, status: int = 200) -> Response:
    """Return *value* as an answer."""
    return Response(body=json.dumps(value).encode(), status=status)


@contextmanager
def listening() -> Iterator["Service"]:
    """
    Give a service that has an address already, and answers once it has routes.

    It listens on 127.0.0.1 only, on a port that the system chooses. When the context ends, the
    port is closed and the threads have ended.
    """
    service = Service()
    thread = threading.Thread(target=service.server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield service
    finally:
        service.server.shutdown()
        service.server.server_close()
        thread.join()


class _Server(ThreadingHTTPServer):
    """Ends when it is told to, whatever its clients do."""

    daemon_threads = False

    def __init__(self, handler: type[BaseHTTPRequestHandler]) -> None:
        self._open: set[socket.socket] = set()
        super().__init__(("127.0.0.1", 0), handler)

    def process_request(self, request: _Connection, client_address: _Address) -> None:
        """Remember the connection, which a thread of its own handles."""
        if isinstance(request, socket.socket):
            self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: _Connection) -> None:
        """Forget the connection, which has been handled."""
        if isinstance(request, socket.socket):
            self._open.discard(request)
        super().shutdown_request(request)

    def server_close(self) -> None:
        """End the connections that are open, so that nobody waits for their clients."""
        for connection in tuple(self._open):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        super().server_close()


class Service:
    """
    One HTTP server.

    Attributes:
        routes: What it answers; nothing at first.
        server: The server, bound and not yet serving.
        requests: How many requests it got.
    """

    def __init__(self) -> None:
        self.routes: Routes = {}
        self.requests = 0
        self.server = _Server(self._handler())

    @property
    def url(self) -> str:
        """Its address, without a slash at the end."""
        return f"http://127.0.0.1:{self.server.server_address[1]}"

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        service = self

        class Handler(BaseHTTPRequestHandler):
            timeout = MAX_INSTANCE_IDLE_SECONDS

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002  the base class' name
                del format, args

            def do_GET(self) -> None:
                service.requests += 1
                _answer(self, service.routes)

            def do_POST(self) -> None:
                service.requests += 1
                _answer(self, service.routes)

        return Handler


def _answer(handler: BaseHTTPRequestHandler, routes: Routes) -> None:
    try:
        response = _respond(handler, routes)
    except RequestRefusedError as error:
        response = json_response({"code": 3, "message": error.message}, status=error.status)
    except (MalformedContentError, LimitExceededError) as error:
        response = json_response({"code": 3, "message": str(error)}, status=400)
    handler.send_response(response.status)
    handler.send_header("Content-Type", response.content_type)
    handler.send_header("Content-Length", str(len(response.body)))
    if response.location:
        handler.send_header("Location", response.location)
    handler.end_headers()
    handler.wfile.write(response.body)


def _respond(handler: BaseHTTPRequestHandler, routes: Routes) -> Response:
    parts = urlsplit(handler.path)
    route = routes.get((handler.command, parts.path))
    if route is None:
        raise RequestRefusedError("there is nothing here", status=404)
    length = handler.headers.get("Content-Length", "0")
    if not length.isdecimal() or int(length) > MAX_INSTANCE_REQUEST_BYTES:
        raise RequestRefusedError("the request is too large", status=413)
    return route(
        Request(
            query=dict(parse_qsl(parts.query)),
            authorization=handler.headers.get("Authorization", ""),
            body=handler.rfile.read(int(length)),
        )
    )
