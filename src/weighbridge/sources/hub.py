"""
References to model repositories on a hub: `hf://OWNER/NAME@REVISION`.

The revision is resolved to its commit once; every byte after that is asked for by the commit.
What the server says of a file (that it is there, its size) is a claim, and so are the bytes: a
server can give others to the next one who asks. Reading in ranges is for looking before a
download, and no verdict about what is loaded later can rest on it.

The library that talks to the hub is an extra, imported when the first reference is located. It
knows the hub's address (the variable HF_ENDPOINT names another), and the
user's token.
"""

import importlib
import json
import re
import threading
import time
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final
from urllib.parse import quote, urlsplit

from weighbridge.core.codes import Code
from weighbridge.core.content import ByteSource
from weighbridge.core.errors import (
    ArtifactChangedError,
    LimitExceededError,
    MissingExtraError,
    OperationError,
    UsageError,
)
from weighbridge.core.limits.inventory import MAX_FILES
from weighbridge.core.limits.sources import (
    MAX_HUB_CACHE_BYTES,
    MAX_HUB_LISTING_BYTES,
    MAX_HUB_SECONDS,
    MIN_HUB_BYTES_PER_SECOND,
)
from weighbridge.core.limits.units import KIB
from weighbridge.sources.remote import RemoteFile

SCHEME: Final = "hf://"

_NAME: Final = r"[A-Za-z0-9_][A-Za-z0-9._-]{0,95}"
_REFERENCE: Final = re.compile(
    rf"hf://(?P<repository>(?:{_NAME}/)?{_NAME})(?:@(?P<revision>[A-Za-z0-9][A-Za-z0-9._/-]{{0,254}}))?",
    re.ASCII,
)
_COMMIT: Final = re.compile(r"[0-9a-f]{40}")
_RANGE: Final = re.compile(r"bytes (\d{1,19})-(\d{1,19})/(\d{1,19})", re.ASCII)
_BLOCK: Final = 32 * KIB
_WHOLE: Final = 200
_PART: Final = 206
_ERRORS: Final = 400


class HubHandle:
    """A commit of a model repository; see `RemoteHandle`."""

    def __init__(
        self,
        hub: "_Hub",
        *,
        reference: str,
        repository: str,
        revision: str,
        files: list[RemoteFile],
    ) -> None:
        self._hub = hub
        self._repository = repository
        self.reference = reference
        self.name = repository.rpartition("/")[2]
        self.revision = revision
        self.files = tuple(files)
        self._cache = _Cache()

    def open(self, file: RemoteFile, /) -> ByteSource:
        """Return the bytes of *file*, fetched when they are read."""
        path = quote(file.path, safe="/")
        url = f"{self._hub.endpoint}/{self._repository}/resolve/{self.revision}/{path}"
        return _RemoteSource(self._hub, self._cache, file, url=url)


def locate_on_hub(reference: str, /) -> HubHandle:
    """
    Resolve *reference* to a commit and list its files.

    Raises:
        UsageError: It is not written as such a reference, or there is no such repository.
        MissingExtraError: The library is not installed.
        OperationError: The hub cannot be reached, refuses, or answers nonsense.
        LimitExceededError: The list of files is too long.
    """
    match = _REFERENCE.fullmatch(reference)
    if match is None or ".." in reference:
        raise UsageError(
            "this is no reference to a model on the hub",
            code=Code.REFERENCE_UNSUPPORTED,
            where=reference,
            expected="hf://OWNER/NAME or hf://OWNER/NAME@REVISION",
        )
    hub = _Hub()
    repository = match["repository"]
    wanted = match["revision"] or "main"
    path = f"/api/models/{repository}/revision/{quote(wanted, safe='')}?blobs=true"
    listing = hub.get(path, where=reference)
    revision, files = _read_listing(listing, where=reference)
    if _COMMIT.fullmatch(wanted) and revision != wanted:
        raise OperationError(
            "the hub answers with another commit than the one asked for",
            where=reference,
            expected=wanted,
            found=revision,
        )
    return HubHandle(
        hub, reference=reference, repository=repository, revision=revision, files=files
    )


def _read_listing(data: bytes, *, where: str) -> tuple[str, list[RemoteFile]]:
    """Return the commit and the files that the hub's answer names."""
    try:
        document: object = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise OperationError("the hub's answer is not understood", where=where) from error
    match document:
        case {"sha": str() as revision, "siblings": list() as siblings} if _COMMIT.fullmatch(
            revision
        ):
            files = [_read_file(item, where=where) for item in siblings]
        case _:
            raise _nonsense(where, "a commit and a list of files")
    if len(files) > MAX_FILES:
        raise LimitExceededError(
            "the repository has too many files",
            where=where,
            expected=f"at most {MAX_FILES}",
            found=str(len(files)),
        )
    if len({file.path for file in files}) != len(files):
        raise _nonsense(where, "every file once")
    return revision, files


def _read_file(item: object, *, where: str) -> RemoteFile:
    match item:
        case {"rfilename": str() as path, "size": int() as size} if size >= 0 and path:
            return RemoteFile(path=path, size=size)
        case _:
            raise _nonsense(where, "the name and the size of each file")


def _nonsense(where: str, expected: str) -> OperationError:
    return OperationError("the hub's answer is not understood", where=where, expected=expected)


class _Hub:
    """The library that talks to the hub, with every answer bounded and every error translated."""

    def __init__(self) -> None:
        try:
            utils = importlib.import_module("huggingface_hub.utils")
            constants = importlib.import_module("huggingface_hub.constants")
            errors = importlib.import_module("huggingface_hub.errors")
        except ImportError as error:
            raise MissingExtraError.for_extra("hub", purpose="reading from a model hub") from error
        self._utils = utils
        self.endpoint: str = constants.ENDPOINT.rstrip("/")
        # The library's own errors derive from those of the HTTP library that it uses, which has
        # another name from one release to the next.
        self._failures: tuple[type[Exception], ...] = (
            errors.HfHubHTTPError.__bases__[0],
            OSError,
        )
        if urlsplit(self.endpoint).scheme not in {"http", "https"}:
            raise UsageError(
                "the hub's address is none", expected="an http or https URL", found=self.endpoint
            )

    def get(self, path: str, *, where: str) -> bytes:
        """Return the answer for *path*, a JSON document."""
        with self._answer(self.endpoint + path, where=where, headers={}) as (status, _, chunks):
            _require_success(status, where=where)
            return _collect(chunks, limit=MAX_HUB_LISTING_BYTES, where=where)

    def get_range(self, url: str, start: int, length: int, file: RemoteFile) -> tuple[bytes, str]:
        """Return *length* bytes of *file* from *start*, and the tag that the server gave them."""
        asked = {"Range": f"bytes={start}-{start + length - 1}"}
        with self._answer(url, where=file.path, headers=asked) as (status, headers, chunks):
            _require_success(status, where=file.path)
            _require_range(status, headers, start, length, file)
            data = _collect(chunks, limit=length, where=file.path)
        if len(data) != length:
            raise _other_file(file, f"{length} bytes", f"{len(data)}")
        return data, headers.get("etag", "")

    @contextmanager
    def _answer(
        self, url: str, *, where: str, headers: dict[str, str]
    ) -> Iterator[tuple[int, Any, Iterator[bytes]]]:
        """Send a request, and give status, headers and the body in chunks."""
        # No compression: a range counts the bytes of the file, and nothing expands.
        sent = {"User-Agent": "weighbridge", "Accept-Encoding": "identity", **headers}
        token = self._utils.get_token()
        if token:
            sent["Authorization"] = f"Bearer {token}"
        try:
            # Without the library's retries, which wait for as long as the server says.
            with self._utils.get_session().stream(
                "GET", url, headers=sent, timeout=MAX_HUB_SECONDS
            ) as response:
                yield response.status_code, response.headers, response.iter_bytes()
        except self._failures as error:
            raise OperationError(
                f"the hub does not answer: {type(error).__name__}: {str(error)[:200]}",
                where=where,
                hint="Check the network and HF_ENDPOINT, or download the model and scan its path",
            ) from error


def _require_success(status: int, *, where: str) -> None:
    """Refuse an answer that is an error, in words that say what to do."""
    if status < _ERRORS:
        return
    hints = {
        401: "Log in with the hub's own command, or correct the name",
        403: "Ask for access to the repository, or log in with the hub's own command",
        404: "Correct the name or the revision",
    }
    if status in hints:
        raise UsageError(
            "the hub has no such thing, or does not show it to you",
            code=Code.REFERENCE_NOT_FOUND,
            where=where,
            found=f"status {status}",
            hint=hints[status],
        )
    raise OperationError("the hub refuses", where=where, found=f"status {status}")


def _require_range(status: int, headers: Any, start: int, length: int, file: RemoteFile) -> None:  # noqa: ANN401  the library's type changes with its release
    """Refuse an answer that is not the range that was asked for, of the file that was listed."""
    if status == _WHOLE and length == file.size:
        return
    if status != _PART:
        raise OperationError(
            "the server does not give ranges of a file",
            where=file.path,
            expected=f"status {_PART}",
            found=str(status),
            hint="Download the model and scan its path",
        )
    found = str(headers.get("content-range", ""))
    match = _RANGE.fullmatch(found)
    if match is None or tuple(map(int, match.groups())) != (start, start + length - 1, file.size):
        expected = f"bytes {start}-{start + length - 1}/{file.size}"
        raise _other_file(file, expected, found or "no range")


def _collect(chunks: Iterator[bytes], *, limit: int, where: str) -> bytes:
    data = bytearray()
    begun = time.monotonic()
    for chunk in chunks:
        data += chunk
        if time.monotonic() - begun > MAX_HUB_SECONDS + len(data) / MIN_HUB_BYTES_PER_SECOND:
            raise LimitExceededError(
                "the server is too slow",
                where=where,
                expected=f"at least {MIN_HUB_BYTES_PER_SECOND} bytes a second",
            )
        if len(data) > limit:
            raise LimitExceededError(
                "the server gives more than was asked for",
                where=where,
                expected=f"at most {limit} bytes",
            )
    return bytes(data)


def _other_file(file: RemoteFile, expected: str, found: str) -> ArtifactChangedError:
    return ArtifactChangedError(
        "the server gives another file than the one that it listed",
        where=file.path,
        expected=expected,
        found=found,
        hint="Name a commit in the reference, and run again",
    )


class _Cache:
    """The blocks that were fetched last, of all files: one examination sees every byte once."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._blocks: OrderedDict[tuple[str, int], bytes] = OrderedDict()
        self._bytes = 0

    def get(self, key: tuple[str, int]) -> bytes | None:
        with self._lock:
            block = self._blocks.get(key)
            if block is not None:
                self._blocks.move_to_end(key)
            return block

    def put(self, key: tuple[str, int], block: bytes) -> None:
        with self._lock:
            if key in self._blocks:
                return
            self._blocks[key] = block
            self._bytes += len(block)
            while self._bytes > MAX_HUB_CACHE_BYTES and len(self._blocks) > 1:
                _, dropped = self._blocks.popitem(last=False)
                self._bytes -= len(dropped)


class _RemoteSource:
    """A file on the hub; see `ByteSource`."""

    def __init__(self, hub: _Hub, cache: _Cache, file: RemoteFile, *, url: str) -> None:
        self._hub = hub
        self._cache = cache
        self._file = file
        self._url = url
        self._tag: str | None = None

    @property
    def size(self) -> int:
        """Bytes in total."""
        return self._file.size

    def read_at(self, offset: int, length: int, /) -> bytes:
        """Return the bytes from *offset*, *length* of them or as many as there are."""
        if offset < 0 or length < 0:
            raise ValueError("offset and length are not negative")
        end = min(offset + length, self._file.size)
        if offset >= end:
            return b""
        first, last = offset // _BLOCK, (end - 1) // _BLOCK
        if (last - first + 1) * _BLOCK > MAX_HUB_CACHE_BYTES // 2:
            return self._fetch(offset, end - offset)
        blocks = self._blocks(first, last)
        return b"".join(blocks)[offset - first * _BLOCK : end - first * _BLOCK]

    def _blocks(self, first: int, last: int) -> list[bytes]:
        """Return the blocks from *first* to *last*, those that are missing by one request."""
        blocks = [self._cache.get((self._file.path, number)) for number in range(first, last + 1)]
        missing = [first + index for index, block in enumerate(blocks) if block is None]
        if missing:
            start = missing[0] * _BLOCK
            end = min((missing[-1] + 1) * _BLOCK, self._file.size)
            data = self._fetch(start, end - start)
            for number in range(missing[0], missing[-1] + 1):
                block = data[number * _BLOCK - start : (number + 1) * _BLOCK - start]
                self._cache.put((self._file.path, number), block)
                if blocks[number - first] is None:
                    blocks[number - first] = block
        return [block for block in blocks if block is not None]

    def _fetch(self, start: int, length: int) -> bytes:
        data, tag = self._hub.get_range(self._url, start, length, self._file)
        if self._tag is not None and tag != self._tag:
            raise _other_file(self._file, f"the tag {self._tag[:80]}", tag[:80])
        self._tag = tag
        return data
