"""A TUF repository on the loopback interface that publishes a trusted root."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TypeVar

from securesystemslib.signer._crypto_signer import CryptoSigner
from tuf.api._payload import MetaFile, Root, Snapshot, TargetFile, Targets, Timestamp
from tuf.api.metadata import Metadata

Signed = TypeVar("Signed", Root, Targets, Snapshot, Timestamp)


class Repository:
    """
    A repository whose owner can publish, go back, lose keys, and let metadata expire.

    Attributes:
        url: Where it is.
        files: What it serves, by path; tests exchange what they like.
        requests: The paths that were asked for.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self.files: dict[str, bytes] = {}
        self.requests: list[str] = []
        self._signer = CryptoSigner.generate_ecdsa()
        self._version = 0
        self._root = Root(expires=datetime.now(UTC) + timedelta(days=30))
        for role in ("root", "timestamp", "snapshot", "targets"):
            self._root.add_key(self._signer.public_key, role)
        self._serve("1.root.json", Metadata(self._root))

    @property
    def keys(self) -> bytes:
        """The root of keys that the repository's owner gives to clients."""
        return self.files["/1.root.json"]

    def publish(self, files: dict[str, bytes], *, lifetime: timedelta = timedelta(days=1)) -> None:
        """Publish *files*, and nothing that was published before."""
        self._version += 1
        number, expires = self._version, datetime.now(UTC).replace(microsecond=0) + lifetime
        targets = Targets(version=number, expires=expires)
        for name, data in files.items():
            target = TargetFile.from_data(name, data)
            targets.targets[name] = target
            self.files[f"/targets/{target.hashes['sha256']}.{name}"] = data
        snapshot = Snapshot(version=number, expires=expires)
        snapshot.meta["targets.json"] = MetaFile(version=number)
        timestamp = Timestamp(version=number, expires=expires)
        timestamp.snapshot_meta = MetaFile(version=number)
        self._serve(f"{number}.targets.json", Metadata(targets))
        self._serve(f"{number}.snapshot.json", Metadata(snapshot))
        self._serve("timestamp.json", Metadata(timestamp))

    def _serve(self, name: str, metadata: Metadata[Signed]) -> None:
        metadata.sign(self._signer)
        self.files[f"/{name}"] = json.dumps(metadata.to_dict()).encode()


@contextmanager
def tuf_repository() -> Iterator[Repository]:
    """Run an empty repository while the context lasts."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            repository.requests.append(self.path)
            data = repository.files.get(self.path)
            self.send_response(404 if data is None else 200)
            self.send_header("Content-Length", str(len(data or b"")))
            self.end_headers()
            self.wfile.write(data or b"")

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            repository = Repository(f"http://127.0.0.1:{server.server_port}")
            yield repository
        finally:
            server.shutdown()
            thread.join()
