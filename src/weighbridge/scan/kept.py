"""
Results of slow examinations, kept for the next run of the same rules over the same bytes.

Nobody gets this without asking for it, and it must not weaken anything (ADR 0014):

- A result is tied to the digest of the very bytes that were examined: these are read into
  memory, hashed there, and examined there. A file that changes meanwhile keeps no result.
- The rules' version is a digest over the program itself, so that no result outlives a change.
- Each entry is authenticated with a key of this user that does not lie in the cache.
- What is not authentic, not private, incomplete or too large is as if it were not there.
"""

import hashlib
import hmac
import json
import logging
import os
import secrets
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Final

import weighbridge
from weighbridge.core.artifact import FileFormat
from weighbridge.core.codes import Code
from weighbridge.core.content import BytesSource
from weighbridge.core.digest import Digest
from weighbridge.core.errors import WeighbridgeError
from weighbridge.core.evidence import Finding, Gap
from weighbridge.core.limits.remembering import (
    MAX_CACHE_BYTES,
    MAX_CACHE_ENTRY_BYTES,
    MAX_CACHED_FILE_BYTES,
    MIN_CACHED_SECONDS,
)
from weighbridge.sandbox.interface import Confinement
from weighbridge.scan.interface import Clock, Examiner, Subject, confinement_of
from weighbridge.scan.worker.wire import decode_report, encode_report
from weighbridge.sources.private import (
    READ,
    NotPrivateError,
    check_private,
    make_private,
    read_or_make_key,
    user_directory,
    write_new,
)

CACHE_VARIABLE: Final = "WEIGHBRIDGE_CACHE"
"""Environment variable that names the directory of kept results."""

_log: Final = logging.getLogger(__name__)

_MAC_BYTES: Final = 32
_PURPOSE: Final = b"weighbridge kept result 1\0"
_PARTS: Final = ("core", "formats", "inventory", "sandbox", "scan")


def default_cache() -> Path:
    """Return the directory of kept results that is meant when nobody names one."""
    named = os.environ.get(CACHE_VARIABLE)
    return (
        Path(named)
        if named
        else user_directory("XDG_CACHE_HOME", ".cache") / "weighbridge" / "results"
    )


def default_key() -> Path:
    """Return where the key lies: with the state, not with the cache that it protects."""
    return user_directory("XDG_STATE_HOME", ".local/state") / "weighbridge" / "results.key"


@cache
def rules_version() -> str:
    """Return a digest over everything that a result depends on besides the file."""
    root = Path(weighbridge.__file__).parent
    digest = hashlib.sha256(repr((sys.implementation.name, sys.version_info)).encode())
    for part in _PARTS:
        for file in sorted((root / part).rglob("*")):
            if file.is_file() and "__pycache__" not in file.parts:
                name = file.relative_to(root).as_posix()
                content = hashlib.sha256(file.read_bytes()).hexdigest()
                digest.update(json.dumps([name, content]).encode())
    return digest.hexdigest()


class KeptResults:
    """
    A directory of results.

    Args:
        root: Where; by default `default_cache()`.
        key: The key's file; by default `default_key()`. Made when it is first needed.
    """

    def __init__(self, root: Path | None = None, *, key: Path | None = None) -> None:
        self._root = (root or default_cache()).absolute()
        self._key_file = (key or default_key()).absolute()
        self._secret: bytes | None = None
        self._usable = True

    def find(self, key: str, subject: Subject) -> tuple[Finding | Gap, ...] | None:
        """Return what is kept under *key* for *subject*, if it is there and authentic."""
        try:
            data = self._read(key)
            if data is None:
                return None
            mac, payload = data[:_MAC_BYTES], data[_MAC_BYTES:]
            if not hmac.compare_digest(mac, self._mac(key, payload)):
                self._refuse(key, "it is not authentic")
                return None
            found = decode_report(payload, subject)
        except (OSError, NotPrivateError) as error:
            self._give_up(error)
            return None
        except WeighbridgeError as error:
            self._refuse(key, error.message)
            return None
        return found if not any(isinstance(item, Gap) for item in found) else None

    def keep(self, key: str, findings: tuple[Finding, ...], *, members: int = 0) -> None:
        """
        Keep *findings* under *key*, or do not; what is there already is replaced.

        Args:
            key: The name of the result.
            findings: What there is to say of the file.
            members: How many of its members were examined.
        """
        payload = encode_report(findings, members=members)
        if len(payload) + _MAC_BYTES > MAX_CACHE_ENTRY_BYTES or not self._usable:
            return
        try:
            make_private(self._root)
            self._make_room(len(payload) + _MAC_BYTES)
            temporary = self._root / f".new-{secrets.token_hex(8)}"
            try:
                write_new(temporary, self._mac(key, payload) + payload)
                temporary.replace(self._root / key)
            finally:
                temporary.unlink(missing_ok=True)
        except (OSError, NotPrivateError) as error:
            self._give_up(error)

    def _read(self, key: str) -> bytes | None:
        """Return the entry's bytes; None when there is no such entry."""
        if not self._usable or not self._root.exists():
            return None
        check_private(self._root)
        try:
            descriptor = os.open(self._root / key, READ)
        except FileNotFoundError:
            return None
        with os.fdopen(descriptor, "rb") as file:
            data = file.read(MAX_CACHE_ENTRY_BYTES + 1)
        return data if len(data) <= MAX_CACHE_ENTRY_BYTES else b""

    def _mac(self, key: str, payload: bytes) -> bytes:
        if self._secret is None:
            self._secret = read_or_make_key(self._key_file)
        return hmac.digest(self._secret, _PURPOSE + key.encode() + b"\0" + payload, "sha256")

    def _refuse(self, key: str, why: str) -> None:
        _log.warning("a kept scan result is not used and was removed: %s (%s)", why, key)
        with suppress(OSError):
            (self._root / key).unlink(missing_ok=True)

    def _give_up(self, error: Exception) -> None:
        """Use no results any more in this run, and say why."""
        self._usable = False
        _log.warning("no scan results are kept or used: %s", error)

    def _make_room(self, size: int) -> None:
        """Remove the oldest entries until *size* bytes more are within the bound."""
        entries = []
        for entry in os.scandir(self._root):
            with suppress(FileNotFoundError):
                status = entry.stat(follow_symlinks=False)
                entries.append((status.st_mtime_ns, status.st_size, entry.path))
        total = sum(length for _, length, _ in entries)
        for _, length, path in sorted(entries):
            if total + size <= MAX_CACHE_BYTES:
                return
            Path(path).unlink(missing_ok=True)
            total -= length


class KeepingExaminer:
    """
    An examiner that looks for a kept result first, and keeps what took long.

    Args:
        inner: Examines what has no result.
        results: The results.
        digests: SHA-256 of each file by path; a file without one is always examined.
        clock: Seconds, never going back.
    """

    def __init__(
        self,
        inner: Examiner,
        results: KeptResults,
        *,
        digests: Mapping[str, Digest | None],
        clock: Clock,
    ) -> None:
        self._inner = inner
        self._results = results
        self._digests = digests
        self._clock = clock
        self._around: tuple[Mapping[str, int], Mapping[str, FileFormat], str] | None = None

    def __call__(self, subject: Subject, /) -> tuple[Finding | Gap, ...]:
        """Return the findings and gaps of *subject*."""
        digest = self._digests.get(subject.path)
        if digest is None or not 0 < subject.source.size <= MAX_CACHED_FILE_BYTES:
            return self._inner(subject)
        key = self._key(subject, digest)
        kept = self._results.find(key, subject)
        if kept is not None:
            return kept
        data = subject.source.read_at(0, subject.source.size)
        if hashlib.sha256(data).digest() != digest.value:
            reason = "its bytes are not those that were hashed"
            return (subject.gap(reason, code=Code.FILE_CHANGED),)
        begun = self._clock()
        found = self._inner(replace(subject, source=BytesSource(data)))
        findings = tuple(item for item in found if isinstance(item, Finding))
        if len(findings) == len(found) and self._clock() - begun >= MIN_CACHED_SECONDS:
            self._results.keep(key, findings, members=subject.budget.examined)
        return found

    @property
    def confinement(self) -> Confinement | None:
        """What the processes are kept to that examine what has no result."""
        return confinement_of(self._inner)

    def _key(self, subject: Subject, digest: Digest) -> str:
        """Return the name of the result: a digest over all that it depends on."""
        parts = [
            rules_version(),
            digest.hex,
            subject.source.size,
            subject.path,
            subject.name,
            subject.format,
            subject.suffix_format,
            self._neighbours(subject),
        ]
        return hashlib.sha256(json.dumps(parts).encode()).hexdigest()

    def _neighbours(self, subject: Subject) -> str:
        """Return a digest over the files of the artifact, by name, size and format."""
        sizes, formats = subject.sizes, subject.formats
        known = self._around
        if known is None or known[0] is not sizes or known[1] is not formats:
            listed = json.dumps(
                [
                    sorted(sizes.items()),
                    sorted(formats.items()),
                    sorted(subject.siblings),
                ]
            )
            known = (sizes, formats, hashlib.sha256(listed.encode()).hexdigest())
            self._around = known
        return known[2]
