"""
What a check found out by reading the files, kept for the next check of the same, untouched files.

Only for rules that say `stamps = "trust"` (ADR 0030). Kept are digests, formats and what the scan
said: what it takes bytes to know. Signatures, their times, the policy and the verdict are worked
out anew each time. An entry is used only if all of this holds:

1. It is this user's, private, and authentic (HMAC-SHA-256 with a key that does not lie beside it).
2. It was made by these very program files, for this policy, rule, reference and kind of digests.
3. Exactly the files are there that were there, each with the same device, inode, size and times,
   and the same inode generation and fs-verity digest where the file system has them. A file that
   has an fs-verity digest is known by that and its size alone: it cannot have been written to.
4. All of them lie on local file systems that set the change time at every change.

What is not so is as if it were not there: the files are read. Loads never use an entry.
"""

import hashlib
import hmac
import json
import logging
import os
import secrets
import sys
import time
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any, Final, TypeAlias

import weighbridge
from weighbridge.core.artifact import (
    ArtifactKind,
    EntryRole,
    FileEntry,
    FileFormat,
    FileStamp,
    Inventory,
)
from weighbridge.core.digest import DigestPart, FileDigest, HashLayout
from weighbridge.core.evidence import Clean, Confidence, Finding, Gap, Severity, Stage
from weighbridge.core.limits.remembering import (
    MAX_CHECK_ENTRY_BYTES,
    MAX_REMEMBERED_CHECKS,
    MIN_STAMP_AGE_NS,
)
from weighbridge.core.values import frozen
from weighbridge.inventory.files import location, open_descriptor
from weighbridge.inventory.standing import Standing, lasting_devices, standing_of
from weighbridge.inventory.walk import Found, SymlinkRule, stamp_of, walk
from weighbridge.scan.report import ScanReport
from weighbridge.sources.interface import LocalHandle
from weighbridge.sources.private import (
    READ,
    NotPrivateError,
    check_private,
    make_private,
    read_or_make_key,
    user_directory,
    write_new,
)

_log: Final = logging.getLogger(__name__)

_MAC_BYTES: Final = 32
_PURPOSE: Final = b"weighbridge remembered check 1\0"
_SIZE: Final = 2
"""Where the size is in a stamp."""
_State: TypeAlias = dict[str, tuple[Found, Standing]]


def default_place() -> Path:
    """Return the directory of the entries, in the user's cache."""
    return user_directory("XDG_CACHE_HOME", ".cache") / "weighbridge" / "checks"


def default_key() -> Path:
    """Return where the key lies: with the state, not with the entries that it protects."""
    return user_directory("XDG_STATE_HOME", ".local/state") / "weighbridge" / "checks.key"


@frozen
class Question:
    """
    What a check is about; entries for another question are not found.

    Attributes:
        handle: The artifact.
        policy: Digest of the policy's bytes, in hexadecimal.
        rule: Which of its rules decides.
        layouts: How files are digested.
        symlinks: What a symbolic link to a file means.
        signatures: Paths of files that were parsed as signatures.
    """

    handle: LocalHandle
    policy: str
    rule: int
    layouts: tuple[HashLayout, ...]
    symlinks: SymlinkRule
    signatures: frozenset[str]

    @property
    def key(self) -> str:
        """A digest over all of it, and over the program."""
        parts = [
            _program(),
            self.policy,
            self.rule,
            os.path.realpath(self.handle.root),
            self.handle.name,
            str(self.handle.kind),
            [[str(each.algorithm), each.shard_size] for each in self.layouts],
            str(self.symlinks),
            sorted(self.signatures),
        ]
        return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


@frozen(kw_only=False)
class Attempt:
    """The state of the files before they are read, for `RememberedChecks.keep`."""

    state: _State


class RememberedChecks:
    """
    The entries of one user.

    Args:
        root: Where; by default `default_place()`.
        key: The key's file; by default `default_key()`. Made when it is first needed.
    """

    def __init__(self, root: Path | None = None, *, key: Path | None = None) -> None:
        self._root = (root or default_place()).absolute()
        self._key_file = (key or default_key()).absolute()

    def find(self, question: Question) -> ScanReport | None:
        """Return what is kept for *question*, if the files are untouched since."""
        try:
            payload = self._read(question.key)
            if payload is None:
                return None
            state = _state(question)
            if state is None:
                return None
            return _decode(json.loads(payload), question, state)
        except (OSError, NotPrivateError) as error:
            _log.warning("what is remembered of a check is not used: %s", error)
            return None

    def prepare(self, question: Question) -> Attempt | None:
        """
        Return the state of the files before they are read; None where nothing can be kept.

        What other programs wrote through shared memory mappings is written back first, so that
        every later write of that kind sets the change time.
        """
        begun = time.time_ns()
        try:
            state = _state(question, write_back=True)
        except OSError:
            return None
        if state is None or any(
            standing.verity is None
            and max(found.stamp.ctime_ns, found.stamp.mtime_ns) > begun - MIN_STAMP_AGE_NS
            for found, standing in state.values()
        ):
            return None
        return Attempt(state)

    def keep(self, question: Question, report: ScanReport, attempt: Attempt) -> None:
        """
        Keep *report* for *question*, or do not.

        Kept is what is complete: an inventory and a scan without gaps, of exactly the files that
        *attempt* saw.
        """
        inventory = report.inventory
        read = {entry.path: (entry.stamp, entry.through_symlink) for entry in inventory.entries}
        seen = {path: (f.stamp, f.through_symlink) for path, (f, _) in attempt.state.items()}
        complete = not inventory.gaps and not any(isinstance(e, Gap) for e in report.evidence)
        if not complete or read != seen or report.consulted:
            return
        payload = json.dumps(_encode(report, attempt.state), separators=(",", ":")).encode("ascii")
        if len(payload) > MAX_CHECK_ENTRY_BYTES:
            return
        try:
            make_private(self._root)
            temporary = self._root / f".new-{secrets.token_hex(8)}"
            try:
                write_new(temporary, self._mac(question.key, payload) + payload)
                temporary.replace(self._root / question.key)
            finally:
                temporary.unlink(missing_ok=True)
            self._forget()
        except (OSError, NotPrivateError) as error:
            _log.warning("nothing is remembered of a check: %s", error)

    def _read(self, key: str) -> bytes | None:
        if not os.path.lexists(self._root):
            return None
        check_private(self._root)
        try:
            descriptor = os.open(self._root / key, READ)
        except FileNotFoundError:
            return None
        with os.fdopen(descriptor, "rb") as file:
            data = file.read(_MAC_BYTES + MAX_CHECK_ENTRY_BYTES + 1)
        mac, payload = data[:_MAC_BYTES], data[_MAC_BYTES:]
        if hmac.compare_digest(mac, self._mac(key, payload)):
            return payload
        _log.warning("what is remembered of a check is not authentic and was removed: %s", key)
        (self._root / key).unlink(missing_ok=True)
        return None

    def _mac(self, key: str, payload: bytes) -> bytes:
        secret = read_or_make_key(self._key_file)
        return hmac.digest(secret, _PURPOSE + key.encode() + b"\0" + payload, "sha256")

    def _forget(self) -> None:
        """Remove the oldest entries beyond the bound."""
        entries = []
        for entry in os.scandir(self._root):
            with suppress(FileNotFoundError):
                entries.append((entry.stat(follow_symlinks=False).st_mtime_ns, entry.path))
        for _, path in sorted(entries, reverse=True)[MAX_REMEMBERED_CHECKS:]:
            Path(path).unlink(missing_ok=True)


def _state(question: Question, *, write_back: bool = False) -> _State | None:
    """Return every file as it is now, or None where that says too little."""
    root = os.fspath(question.handle.root)
    listed = walk(question.handle, symlinks=question.symlinks)
    devices = lasting_devices()
    if listed.gaps or listed.empty_directories or not devices:
        return None
    state: _State = {}
    for found in listed.files:
        if found.stamp.device not in devices:
            return None
        descriptor = open_descriptor(
            location(root, found.path), through_symlink=found.through_symlink
        )
        try:
            if write_back:
                os.fsync(descriptor)
            state[found.path] = (found, standing_of(descriptor))
            if stamp_of(os.fstat(descriptor)) != found.stamp:
                return None
        finally:
            os.close(descriptor)
    return state


@cache
def _program() -> str:
    """Return a digest over the state of every file of the program, and of the interpreter."""
    root = Path(weighbridge.__file__).parent
    parts: list[object] = [sys.version, sys.executable]
    for folder, _, names in sorted(os.walk(root)):
        for name in sorted(names):
            if not name.endswith(".pyc"):
                status = Path(folder, name).stat()
                parts.append([folder, name, status.st_size, status.st_mtime_ns, status.st_ctime_ns])
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


# -- entries as JSON; nobody but this program could have written one that authenticates ----------


def _encode(report: ScanReport, state: _State) -> list[Any]:
    entries = [
        [
            entry.path,
            str(entry.role),
            None if entry.format is None else str(entry.format),
            None if entry.suffix_format is None else str(entry.suffix_format),
            entry.through_symlink,
            _stamp(entry.stamp),
            [state[entry.path][1].generation, state[entry.path][1].verity],
            [[[part.start, part.end, part.value.hex()] for part in d.parts] for d in entry.digests],
        ]
        for entry in report.inventory.entries
    ]
    findings: list[list[Any]] = [
        [
            *(f.rule, str(f.severity), str(f.confidence), f.path, f.member, f.offset, f.line),
            *(f.message, list(f.evidence)),
        ]
        for f in report.findings
    ]
    clean = [item.path for item in report.evidence if isinstance(item, Clean)]
    return [entries, findings, clean]


def _decode(document: list[Any], question: Question, state: _State) -> ScanReport | None:
    kept, findings, clean = document
    now = {
        path: (
            found.through_symlink,
            _identity(_stamp(found.stamp), standing.generation, standing.verity),
        )
        for path, (found, standing) in state.items()
    }
    if {path: (link, _identity(stamp, *was)) for path, *_, link, stamp, was, _ in kept} != now:
        return None
    entries = tuple(
        FileEntry(
            path=path,
            size=state[path][0].stamp.size,
            role=EntryRole(role),
            format=None if told is None else FileFormat(told),
            suffix_format=None if suffix is None else FileFormat(suffix),
            through_symlink=link,
            stamp=state[path][0].stamp,
            digests=tuple(
                FileDigest(layout, tuple(DigestPart(s, e, bytes.fromhex(v)) for s, e, v in parts))
                for layout, parts in zip(question.layouts, digests, strict=True)
            ),
        )
        for path, role, told, suffix, link, _, _, digests in kept
    )
    evidence: list[Finding | Clean] = [Clean(stage=Stage.SCAN, path=path) for path in clean]
    for rule, severity, confidence, path, member, offset, line, message, lines in findings:
        evidence.append(
            Finding(
                rule=rule,
                severity=Severity(severity),
                confidence=Confidence(confidence),
                path=path,
                member=member,
                offset=offset,
                line=line,
                message=message,
                evidence=tuple(lines),
            )
        )
    inventory = Inventory(
        name=question.handle.name,
        kind=ArtifactKind(question.handle.kind),
        entries=entries,
        empty_directories=(),
        layouts=question.layouts,
        gaps=(),
    )
    return ScanReport(inventory=inventory, evidence=tuple(evidence))


def _identity(stamp: list[int], generation: int | None, verity: str | None) -> tuple[object, ...]:
    """Return what has to be the same of a file: its stamp, or what is stronger."""
    if verity is not None:
        return (verity, stamp[_SIZE])
    return (*stamp, generation)


def _stamp(stamp: FileStamp) -> list[int]:
    return [stamp.device, stamp.inode, stamp.size, stamp.mtime_ns, stamp.ctime_ns]
