"""A model hub on the loopback interface that tells the truth, or lies in a chosen way."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote, urlsplit

COMMIT = "0123456789abcdef0123456789abcdef01234567"


@dataclass(kw_only=True)
class Lies:
    """
    How the hub departs from the truth.

    Attributes:
        sizes: Sizes that it lists instead of the real ones.
        listing: What it answers instead of a list of files.
        commit: The commit that it names.
        ignores_ranges: It always sends whole files.
        status: What it answers for files.
        shift: It sends the bytes this far behind the ones that were asked for.
        total: What it says that every file's size is, in the answer for a range.
        extra: Bytes that it sends beyond those asked for.
        missing: Bytes that it announces and does not send.
        tags: It gives every answer a tag of its own.
    """

    sizes: dict[str, int] = field(default_factory=dict)
    listing: bytes | None = None
    commit: str = COMMIT
    ignores_ranges: bool = False
    status: int = 206
    shift: int = 0
    total: int | None = None
    extra: int = 0
    missing: int = 0
    tags: bool = False


@dataclass(kw_only=True)
class Hub:
    """
    What the hub has, and what it was asked for.

    Attributes:
        files: Content by path.
        lies: How it departs from that.
        sent: Bytes of files that it sent, all in all.
        requests: The paths that were asked for, with the range.
        redirects: Whether files lie elsewhere, as large ones do.
        storage: The address of another server that has them; empty for this one.
        tokens: The authorizations that came with the requests.
    """

    files: dict[str, bytes]
    lies: Lies = field(default_factory=Lies)
    sent: int = 0
    requests: list[str] = field(default_factory=list)
    redirects: bool = True
    storage: str = ""
    tokens: list[str] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)


@contextmanager
def served(hub: Hub) -> Iterator[str]:
    """Serve *hub* while the context lasts; gives its address."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002  the base class' name
            del format, args

        def do_GET(self) -> None:
            _answer(self, hub)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _answer(handler: BaseHTTPRequestHandler, hub: Hub) -> None:
    path = urlsplit(handler.path).path
    asked = handler.headers.get("Range", "")
    with hub.lock:
        hub.requests.append(f"{path} {asked}".strip())
        hub.tokens.append(handler.headers.get("Authorization", ""))
    prefix = f"/acme/tiny/resolve/{COMMIT}/"
    if path.startswith("/api/models/acme/tiny/revision/"):
        _send(handler, 200, _listing(hub), {"Content-Type": "application/json"})
    elif path.startswith(prefix) and hub.redirects:
        # As a hub does for large files: they lie elsewhere.
        _send(
            handler, 302, b"", {"Location": hub.storage + "/storage/" + path.removeprefix(prefix)}
        )
    elif path.startswith((prefix, "/storage/")):
        name = unquote(path.removeprefix(prefix).removeprefix("/storage/"))
        _send_file(handler, hub, name, asked)
    else:
        _send(handler, 404, b"{}", {})


def _listing(hub: Hub) -> bytes:
    if hub.lies.listing is not None:
        return hub.lies.listing
    siblings = [
        {"rfilename": path, "size": hub.lies.sizes.get(path, len(data)), "blobId": "0" * 40}
        for path, data in hub.files.items()
    ]
    return json.dumps({"id": "acme/tiny", "sha": hub.lies.commit, "siblings": siblings}).encode()


def _send_file(handler: BaseHTTPRequestHandler, hub: Hub, name: str, asked: str) -> None:
    data = hub.files.get(name)
    if data is None or hub.lies.status >= 400:
        _send(handler, hub.lies.status if data is not None else 404, b"", {})
        return
    start, _, end = asked.removeprefix("bytes=").partition("-")
    if hub.lies.ignores_ranges or not end:
        _send(handler, 200, data, {})
        return
    first, last = int(start), min(int(end), len(data) - 1)
    body = data[first + hub.lies.shift : last + 1 + hub.lies.shift] + bytes(hub.lies.extra)
    total = len(data) if hub.lies.total is None else hub.lies.total
    tag = f'"{len(hub.requests)}"' if hub.lies.tags else f'"{name}"'
    with hub.lock:
        hub.sent += len(body)
    said = first + hub.lies.shift
    headers = {"Content-Range": f"bytes {said}-{last + hub.lies.shift}/{total}", "ETag": tag}
    _send(handler, hub.lies.status, body, headers, missing=hub.lies.missing)


def _send(
    handler: BaseHTTPRequestHandler,
    status: int,
    body: bytes,
    headers: dict[str, str],
    *,
    missing: int = 0,
) -> None:
    handler.send_response(status)
    for name, value in headers.items():
        handler.send_header(name, value)
    handler.send_header("Content-Length", str(len(body)))
    handler.end_headers()
    handler.wfile.write(body[: len(body) - missing])
    handler.wfile.flush()
    if missing:
        handler.close_connection = True
