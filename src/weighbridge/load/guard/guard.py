"""
The guard of a process: asks the gate, serves what it admits, refuses the rest, and tells.

Every method that says so raises `GuardDeniedError`, which frameworks see as a `PermissionError`.
With *audit* nothing is refused and nothing is exchanged: what would have been is recorded.
"""

import errno
import os
import re
import stat
import sys
import threading
from types import FrameType
from typing import IO, Any, Final

from weighbridge.core.errors import (
    GuardDeniedError,
    IndeterminateError,
    PolicyDeniedError,
    PolicyIndeterminateError,
    WeighbridgeError,
    one_line,
)
from weighbridge.core.verdict import Verdict
from weighbridge.load.guard import children, net, watch
from weighbridge.load.guard.interface import Admission, Event, Gate, Recorder
from weighbridge.load.guard.names import CODE_SUFFIXES, UNSURE_SUFFIXES
from weighbridge.load.guard.scopes import current, in_verified, working
from weighbridge.load.guard.serving import Descriptors, call_it

_DESCRIPTOR: Final = re.compile(r"/proc/self/fd/([0-9]{1,9})")
_OF_NO_ARTIFACT: Final = (
    "It belongs to no file that a rule could be about; docs/guard.md tells what honest programs "
    "are denied, and what to do instead"
)


class Guard:
    """
    Stands between the loaders of this process and the files.

    Args:
        gate: Decides.
        recorder: Is told everything that was decided.
        audit: Whether to record only.
        children: How children of this process are guarded; None where they are not.
    """

    def __init__(
        self,
        gate: Gate,
        *,
        recorder: Recorder,
        audit: bool = False,
        heritage: children.Heritage | None = None,
    ) -> None:
        self._gate = gate
        self._record = recorder
        self._heritage = heritage
        self.audit: Final = audit
        self._lock = threading.RLock()
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=self._after_fork)
        self._descriptors = Descriptors()
        named = watch.installed_directories()
        self._installed = (*named, *(os.path.realpath(each) + "/" for each in named))

    def admit(self, path: str, *, entry: str) -> Admission | None:
        """
        Return the verified bytes of the file at *path*; None where nothing is to be exchanged.

        Nothing is exchanged for files of installed packages, which are trusted, for what was
        verified before, and with *audit*.

        Raises:
            GuardDeniedError: The policy does not allow them.
            FileNotFoundError: There is no such file.
        """
        admission = self._admit(path, entry=entry)
        return None if self.audit else admission

    def _admit(self, path: str, *, entry: str) -> Admission | None:
        """Do what `admit` does, and return the bytes though they be not exchanged."""
        if self._is_verified_path(path):
            return None
        shown = sys.modules.get("weighbridge.load.shown")
        if shown is not None and shown.is_shown(path):
            # A verified load of this process shows it to the library that opens it now.
            return None
        if not os.path.lexists(path):
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), path)
        if self._is_installed(path):
            return None
        try:
            with working(), self._lock:
                admission = self._gate.admit(path)
                _remember(admission)
        except (WeighbridgeError, OSError) as error:
            self.refuse(entry, error, path=path)
            return None
        self._record(
            Event(
                entry=entry,
                decision="allow",
                path=path,
                artifact=admission.root,
                rule=admission.rule,
                enforced=not self.audit,
            )
        )
        return admission

    def refuse(
        self, entry: str, error: WeighbridgeError | OSError | str, *, path: str | None = None
    ) -> None:
        """
        Record that *entry* is denied because of *error*, and raise unless this is an audit.

        Raises:
            GuardDeniedError: Always, but with *audit*.
        """
        verdict = _verdict_of(error)
        denied = _denial(entry, error, path=path, verdict=verdict)
        undecided = isinstance(error, IndeterminateError)
        self._record(
            Event(
                entry=entry,
                decision="indeterminate" if undecided else "deny",
                path=path,
                artifact=None
                if verdict is None or verdict.artifact is None
                else verdict.artifact.name,
                rule=None if verdict is None else verdict.policy.rule,
                code=str(error.code if isinstance(error, WeighbridgeError) else denied.code),
                reason=one_line(
                    error.message if isinstance(error, WeighbridgeError) else str(error)
                ),
                enforced=not self.audit,
            )
        )
        if not self.audit:
            raise denied from (error if isinstance(error, Exception) else None)

    def path(self, path: str, *, entry: str) -> str:
        """Return what a native reader is to open instead of *path*: the sealed bytes."""
        admission = self.admit(path, entry=entry)
        return path if admission is None else self.sealed_path(admission)

    def sealed_path(self, admission: Admission) -> str:
        """Return a path of the admitted bytes that holds in this process and its forks."""
        with working():
            return self._descriptors.path(admission.held)

    def open(
        self,
        path: str,
        mode: str,
        buffering: int = -1,
        encoding: str | None = None,
        errors: str | None = None,
        newline: str | None = None,
        *,
        entry: str = "open",
    ) -> IO[Any] | None:
        """
        Return a file on the verified bytes of *path*; None for Python's own `open` to be used.

        A file that is opened for writing as well is checked and opened by its name.

        Raises:
            GuardDeniedError: The policy does not allow the file.
            OSError: As Python's own raises it.
        """
        if not os.path.isfile(path):
            with working():
                other: IO[Any] = watch.state.open(path, mode, buffering, encoding, errors, newline)
            if not stat.S_ISREG(os.fstat(other.fileno()).st_mode):
                return other
            other.close()  # it was put there meanwhile, and is looked at like any other
        if not self._is_guarded(path):
            return None
        admission = self.admit(path, entry=entry)
        if admission is None or "+" in mode:
            return None
        with working():
            file: IO[Any] = watch.state.open(
                self._descriptors.path(admission.held), mode, buffering, encoding, errors, newline
            )
            call_it(file, path)
        return file

    def opened(self, path: str, caller: FrameType) -> None:
        """Look at the opening of *path* in *caller*, by a reader that gets no verified bytes."""
        if net.is_own_code(caller):
            return
        if path.endswith(CODE_SUFFIXES):
            self.code(path)
        elif os.path.isfile(path) and self._is_guarded(path):
            self.admit(path, entry="open")

    def code(self, path: str, *, entry: str = "import") -> bytes | None:
        """
        Return the verified bytes of the code at *path*; None where it belongs to no model.

        Raises:
            GuardDeniedError: It belongs to one that may not be loaded, or brings no code along.
        """
        path = os.path.abspath(path)
        with working():
            if not watch.is_of_verified(path) and not self._gate.is_of_model(path):
                return None
        admission = self.admit_code(path, entry=entry)
        return None if admission is None else admission.held.read()

    def admit_code(self, path: str, *, entry: str) -> Admission | None:
        """Return the verified bytes of code of a model, as `admit`, if the rule admits its code."""
        admission = self._admit(path, entry=entry)
        if admission is None:
            return None
        if not admission.code_allowed:
            self.refuse(entry, f"code of the model, which {admission.rule} denies", path=path)
        return None if self.audit else admission

    def found_class(self, module: object, name: object) -> None:
        """Look at a name that an unpickler asks for, and refuse what nobody answers for."""
        objection = net.objection_to_name(module, name, current(), sys._getframe(3))
        if objection is not None:
            self.refuse("pickle.find_class", objection)

    def unmarshalled(self, caller: str) -> None:
        """Look at code that *caller* reads as marshalled."""
        if not net.may_unmarshal(caller):
            self.refuse("marshal.loads", f"code as data, read by {caller}")

    def executed(self, args: tuple[Any, ...], *, folder: str) -> None:
        """Look at a program that is about to be started in *folder*."""
        if self._heritage is not None:
            objection = children.objection_to(args, self._heritage, folder=folder)
            if objection is not None:
                self.refuse("subprocess", objection)

    def is_verified(self, file: object) -> bool:
        """Tell whether the open *file* reads verified bytes in the end."""
        number = net.descriptor_of(file)
        return number is not None and self._descriptors.owns(number)

    def is_nested(self) -> bool:
        """Tell whether this thread is loading verified bytes, of which others are a part."""
        return in_verified()

    def allow(self, entry: str, reason: str) -> None:
        """Record that bytes in memory were judged and found harmless."""
        self._record(Event(entry=entry, decision="allow", reason=reason, enforced=not self.audit))

    def _after_fork(self) -> None:
        """Let a child decide, though a thread of its parent was about to when it was forked."""
        self._lock = threading.RLock()
        self._gate.after_fork()

    def _is_guarded(self, path: str) -> bool:
        """Tell whether the file *path*, which is interesting, is to be admitted."""
        with working():
            if self._gate.is_metadata(path):
                return False
            suffix = path.rpartition(".")[2].lower()
            if suffix not in UNSURE_SUFFIXES:
                return True
            return net.looks_like_model(path) or watch.is_of_verified(path)

    def _is_verified_path(self, path: str) -> bool:
        found = _DESCRIPTOR.fullmatch(path)
        try:
            return found is not None and self._descriptors.owns(int(found[1]))
        except (OSError, OverflowError):
            return False

    def _is_installed(self, path: str) -> bool:
        """
        Tell whether *path* is a file of a package, and is called so.

        A link from elsewhere to one would be followed again by who opens it, and could have been
        changed by then.
        """
        return _is_below(path, self._installed) and _is_below(
            os.path.realpath(path), self._installed
        )


def _remember(admission: Admission) -> None:
    """
    Have every opening of the artifact looked at from now on, by its name and by the program's.

    A loader that is given a name with a link in it opens the other files by that name too.
    """
    named = os.path.abspath(admission.path)
    if admission.relative == ".":
        watch.state.files |= {admission.root, named}
        return
    roots = {os.path.join(admission.root, "")}
    if named.endswith(f"/{admission.relative}"):
        roots.add(named.removesuffix(admission.relative))
    watch.state.roots = (*watch.state.roots, *sorted(roots.difference(watch.state.roots)))


def _is_below(path: str, directories: tuple[str, ...]) -> bool:
    return os.path.abspath(path).startswith(directories)


def _verdict_of(error: object) -> Verdict | None:
    if isinstance(error, PolicyDeniedError | PolicyIndeterminateError):
        return error.verdict
    return None


def _denial(
    entry: str,
    error: WeighbridgeError | OSError | str,
    *,
    path: str | None,
    verdict: Verdict | None,
) -> GuardDeniedError:
    told = error.message if isinstance(error, WeighbridgeError) else str(error)
    if isinstance(error, WeighbridgeError) and error.found and verdict is None:
        told += f": found {one_line(error.found)}"
    if isinstance(error, WeighbridgeError) and error.where not in {None, path} and verdict is None:
        told = f"{one_line(str(error.where))}: {told}"
    rule = verdict.policy.rule if verdict is not None else None
    by = f" by {rule}" if rule else ""
    hint = error.hint if isinstance(error, WeighbridgeError) else None
    if path is None:
        hint = _OF_NO_ARTIFACT  # what the scanner advises is about files of somebody else
    return GuardDeniedError(
        f"the guard denies {entry}{by}: {told}",
        where=path,
        hint=hint or "`weighbridge check` gives every reason for a file",
    )
