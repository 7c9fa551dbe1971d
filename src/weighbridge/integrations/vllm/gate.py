"""What vLLM may read: decides by the policy, and gives paths of verified bytes."""

import json
import os
import threading
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

from weighbridge.core.artifact import FileStamp
from weighbridge.core.codes import Code
from weighbridge.core.errors import (
    ArtifactRefusedError,
    IndeterminateError,
    OperationError,
    WeighbridgeError,
    one_line,
)
from weighbridge.core.values import frozen
from weighbridge.inventory.walk import SymlinkRule, walk
from weighbridge.load.artifact import VerifiedArtifact
from weighbridge.load.guard.interface import Event, Recorder
from weighbridge.load.guard.scopes import working
from weighbridge.load.guard.watch import is_active
from weighbridge.load.shown import is_shown, let_through, show_files
from weighbridge.load.store import Store
from weighbridge.pipeline.copies import (
    CheckedCopy,
    check_copy,
    choose_hold,
    is_copy,
    note_allowed,
)
from weighbridge.pipeline.guard.order import Order
from weighbridge.pipeline.guard.recording import LineRecorder, Silence
from weighbridge.pipeline.guard.servers import find_order
from weighbridge.pipeline.load import Hold, admit
from weighbridge.pipeline.policies import select_for
from weighbridge.policy.rule import RemoteCode, Rule
from weighbridge.sources.interface import LocalHandle
from weighbridge.sources.local import locate

SERVER: Final = "vllm"
_ADAPTER_CONFIG: Final = "adapter_config.json"

COPIES_VARIABLE: Final = "WEIGHBRIDGE_COPIES"
"""Tells processes that this one starts which copies it made, one a line."""


@frozen
class _Copy:
    """A copy that this process made, and what the original looked like then."""

    path: str
    stamps: tuple[tuple[str, FileStamp], ...]
    code: bool


class Gate:
    """
    Decides for one process of vLLM. Every method raises unless the policy allows what is asked.

    With an order that only records (`--audit`) nothing is refused and nothing exchanged.

    Args:
        order: What to enforce.
    """

    def __init__(self, order: Order) -> None:
        self._order: Final = order
        self._policy: Final = order.parse_policy()
        text = f"{order.path}\0{order.boundary}\0{order.policy}"
        self._mark: Final = sha256(text.encode()).hexdigest()
        self._lock = threading.RLock()
        self._copies: dict[str, _Copy] = {}
        self._record: Recorder = (
            LineRecorder(order.log, denials_only=order.audit and order.log is None)
            if order.audit or order.log
            else Silence()
        )

    def model(self, reference: str, *, code: bool) -> str:
        """
        Return the path of a verified, read-only copy of the model that *reference* names.

        Args:
            reference: As vLLM was given it; a path of a copy that this process made is one already.
            code: Whether vLLM may run code of the model.

        Raises:
            WeighbridgeError: As for `weighbridge.load`; or its code is not what the rule admits.
        """
        with self._deciding("vllm.model", reference) as outcome:
            outcome.path = self._copied(reference, code=code)
        return outcome.path

    def weights(self, path: str) -> CheckedCopy | None:
        """
        Return the copy to read weights from, whose bytes this process has hashed just now.

        Args:
            path: A copy that another process of this server made; or a reference.

        Returns:
            None where nothing is exchanged.

        Raises:
            WeighbridgeError: As for `model`; `ArtifactChangedError` where the copy is another one.
        """
        checked: CheckedCopy | None = None
        with self._deciding("vllm.weights", path) as outcome:
            place = path if is_copy(path) else self._copied(path, code=False)
            checked = self.recognise(place)
            outcome.path = place
        return None if self._order.audit else checked

    @contextmanager
    def adapter(self, path: str) -> Iterator[str]:
        """
        Show the adapter at *path*, verified by this process, as a directory of sealed memory.

        Raises:
            WeighbridgeError: As for `weighbridge.load`.
        """
        if is_shown(os.path.join(path, _ADAPTER_CONFIG)):  # noqa: PTH118  vLLM's own are strings
            yield path
            return
        with ExitStack() as stack:
            with self._deciding("vllm.adapter", path) as outcome:
                artifact = stack.enter_context(self._admit(_absolute(path)))
                files = {each: artifact.held[each] for each in artifact.files}
                shown = show_files(files, name="adapter", store=Store())
                outcome.path = os.fspath(stack.enter_context(shown))
            yield outcome.path

    def recognise(self, path: str) -> CheckedCopy:
        """
        Hash the copy at *path*, and have a guard of this process let vLLM open it.

        Raises:
            WeighbridgeError: It is none, is another one, or this policy has not allowed it.
        """
        with working():
            checked = check_copy(path, by=self._mark)
            _let_through(checked.path, [each for each in checked.stamps if each[-1:] != "/"])
        return checked

    def refuse(self, entry: str, error: WeighbridgeError, *, path: str | None = None) -> None:
        """
        Record that *entry* is denied because of *error*, and raise it unless this is an audit.

        Raises:
            WeighbridgeError: That one.
        """
        undecided = isinstance(error, IndeterminateError)
        self._record(
            Event(
                entry=entry,
                decision="indeterminate" if undecided else "deny",
                path=path,
                code=str(error.code),
                reason=one_line(error.message),
                enforced=not self._order.audit,
            )
        )
        if not self._order.audit:
            raise error

    def require_enforced(self, otherwise: str) -> None:
        """
        Hold that this is an audit.

        Raises:
            OperationError: It is not; *otherwise* says what that means.
        """
        if not self._order.audit:
            raise OperationError(otherwise, code=Code.GUARD_DENIED)

    @contextmanager
    def _deciding(self, entry: str, reference: str) -> Iterator["_Outcome"]:
        """Do what finds the path to read, and record how it ended."""
        outcome = _Outcome(reference)
        try:
            with working(), self._lock:
                yield outcome
        except WeighbridgeError as error:
            self.refuse(entry, error, path=reference)
        except OSError as error:
            failed = OperationError(f"cannot look: {error.strerror or error}", where=reference)
            self.refuse(entry, failed, path=reference)
        else:
            event = Event(
                entry=entry, decision="allow", path=reference, enforced=not self._order.audit
            )
            self._record(event)
        if self._order.audit:
            outcome.path = reference

    def _copied(self, reference: str, *, code: bool) -> str:
        given = {copy.path: copy.code for copy in self._copies.values()}
        if reference in given and (given[reference] or not code):
            return reference
        reference = _absolute(reference)
        handle = locate(reference)
        root, stamps = os.fspath(handle.root), _stamps(handle)
        known = self._copies.get(root)
        if known is None or known.stamps != stamps or (code and not known.code):
            with self._admit(reference, hold=choose_hold(handle)) as artifact:
                if code:
                    _require_code(artifact, self._rule(reference), reference)
                path = artifact.path()
                note_allowed(path, by=self._mark)
                _let_through(path, artifact.files)
            known = _Copy(path=os.fspath(path), stamps=stamps, code=code)
            self._copies[root] = known
            _tell_children(known.path)
        return known.path

    def _admit(self, reference: str, *, hold: Hold | None = None) -> VerifiedArtifact:
        """Verify *reference*: to be copied, held as said, or to be shown."""
        return admit(
            reference,
            policy=self._policy,
            boundary=self._order.boundary,
            sealed=hold is None,
            hold=hold or "memory",
        )

    def _rule(self, reference: str) -> Rule | None:
        return select_for(reference, self._policy, boundary=self._order.boundary).rule


class _Outcome:
    """What is to be read."""

    def __init__(self, path: str) -> None:
        self.path = path


_LOCK: Final = threading.Lock()
_GATES: Final[list[Gate]] = []


def gate() -> Gate:
    """
    Return the gate of this process; the policy is looked for when the first decision is due.

    Raises:
        OperationError: There is no order, or it cannot be used.
        PolicyError: Its policy is not valid.
    """
    with _LOCK:
        if not _GATES:
            with working():
                _GATES.append(Gate(find_order(SERVER, variables=os.environ)))
        return _GATES[0]


def recognise_copies() -> None:
    """
    Have the guard of this process let vLLM open the copies that its parent made.

    Only a guard needs that: it asks for a rule about each file, and no rule is about copies. Each
    copy is hashed here first. Without a guard nothing is done.

    Raises:
        WeighbridgeError: One of them is none, is another one, or is another policy's.
    """
    if is_active():
        for path in filter(None, os.environ.get(COPIES_VARIABLE, "").split("\n")):
            gate().recognise(path)


def _tell_children(path: str) -> None:
    told = os.environ.get(COPIES_VARIABLE, "").split("\n")
    os.environ[COPIES_VARIABLE] = "\n".join(dict.fromkeys([*filter(None, told), path]))


def _absolute(path: str) -> str:
    return os.path.expanduser(path) if path.startswith("~") else path  # noqa: PTH111  as vLLM


def _stamps(handle: LocalHandle) -> tuple[tuple[str, FileStamp], ...]:
    found = walk(handle, symlinks=SymlinkRule.FILES)
    return tuple((file.path, file.stamp) for file in found.files)


def _let_through(copy: Path, files: Iterable[str]) -> None:
    """Have a guard of this process let vLLM open the files of *copy*."""
    let_through(copy, (file for file in files if file != "."))
    if copy.is_file():
        let_through(copy.parent, [copy.name])


def _require_code(artifact: VerifiedArtifact, rule: Rule | None, reference: str) -> None:
    """
    Hold that the policy's rule admits code of the model, and that no other code is referred to.

    Which code of the model it admits has been decided with everything else.

    Raises:
        ArtifactRefusedError: It admits none, or the model names code of another repository.
    """
    mode = RemoteCode.DENY if rule is None else rule.remote_code
    foreign = sorted(_foreign_code(artifact))
    if mode is RemoteCode.DENY or foreign:
        raise ArtifactRefusedError(
            "the rule does not admit the code that vLLM is told to trust (trust_remote_code)",
            code=Code.LOAD_REFUSED,
            where=reference,
            expected="code of the model that the rule pins by its digests",
            found=", ".join(foreign)[:400] or f'remote-code = "{mode}"',
            hint="Read the code, and pin it in the rule: remote-code, remote-code-digests",
        )


def _foreign_code(artifact: VerifiedArtifact) -> Iterator[str]:
    """Yield what configurations say of code in other repositories (`REPOSITORY--MODULE.CLASS`)."""
    for path in artifact.files:
        if not path.endswith(".json"):
            continue
        try:
            document: Any = json.loads(artifact.read(path))
        except (ValueError, RecursionError):
            continue  # no configuration; the scan has seen it
        named = document.get("auto_map") if isinstance(document, dict) else None
        if named is not None and "--" in json.dumps(named):
            yield f"{path}: {json.dumps(named)[:200]}"
