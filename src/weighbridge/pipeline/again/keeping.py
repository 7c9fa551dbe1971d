"""
Note a run that was decided by reading everything, so that it can be repeated.

Only what depends on nothing but what `facts` sees: signatures by keys, no dates, no claims, no
other scanners; a program that is limited by nothing that has to be made anew each time.
"""

import logging
import os
import secrets
import sys
import time
from contextlib import suppress
from dataclasses import fields
from pathlib import Path
from typing import Any, Final

from weighbridge.core.artifact import ArtifactKind
from weighbridge.core.limits.remembering import MAX_REMEMBERED_CHECKS, MIN_STAMP_AGE_NS
from weighbridge.core.values import frozen
from weighbridge.load.store import default_root
from weighbridge.pipeline.again import notes
from weighbridge.pipeline.again.facts import content, facts, newest
from weighbridge.pipeline.origins import may_remember
from weighbridge.policy.controls.provenance import asks_for_claims
from weighbridge.policy.rule import Rule
from weighbridge.policy.schema import Policy
from weighbridge.policy.trust import KeyTrust
from weighbridge.sandbox.walls.bubblewrap import KERNEL, Bubblewrap
from weighbridge.sandbox.walls.interface import Engine, Walls
from weighbridge.sandbox.walls.lookups import leads_through
from weighbridge.sources.interface import LocalHandle
from weighbridge.sources.private import (
    NotPrivateError,
    make_private,
    own_directories,
    read_or_make_key,
    write_new,
)

_log: Final = logging.getLogger(__name__)


@frozen
class Beginning:
    """
    The state of things before everything is read.

    Attributes:
        name: What the note will be called.
        begun_ns: When that was.
        read: Files whose bytes count.
        variables: Names of variables that the program is given.
        named: Paths that the caller and the rule name, of which counts where they lead.
        root: The model.
        state: Of all of these, and of this program.
    """

    name: str
    begun_ns: int
    read: tuple[str, ...]
    variables: tuple[str, ...]
    named: tuple[str, ...]
    root: str
    state: str


def begin(
    name: str | None, handle: LocalHandle, policy: Policy, rule: Rule | None, engine: Engine
) -> Beginning | None:
    """
    Return the state of things before anything is read; None where the run cannot be repeated.

    The policy was read before that, and has to be the same still.

    What other programs wrote through shared memory mappings is written back first, as in
    `pipeline.remembered`.

    Args:
        name: What the call is found by; None where nobody will look.
        handle: The model.
        policy: What is to hold.
        rule: Which rule decides.
        engine: What the program is to be run by.
    """
    if name is None or rule is None or policy.path is None or not _is_timeless(rule, policy):
        return None
    if handle.kind is not ArtifactKind.DIRECTORY or not isinstance(engine, Bubblewrap):
        return None
    root = os.fspath(handle.root)
    keys = (
        os.fspath(policy.directory / key)
        for entry in policy.trust
        if isinstance(entry, KeyTrust) and entry.name in rule.signature.any_of
        for key in entry.public_keys
    )
    read = tuple(os.path.abspath(path) for path in (policy.path, *keys))  # noqa: PTH100  as is
    named = (handle.reference, root, policy.path, *_listed(rule, policy))
    try:
        _write_back(root)
        begun_ns, state = time.time_ns(), _state(root, read, named)
        if content(policy.path)[1] != policy.sha256:
            return None
    except OSError:
        return None
    return Beginning(
        name=name,
        begun_ns=begun_ns,
        read=read,
        variables=() if rule.isolation is None else rule.isolation.env,
        named=named,
        root=root,
        state=state,
    )


def keep(
    beginning: Beginning,
    engine: Engine,
    command: tuple[str, ...],
    filled: list[str],
    walls: Walls,
    *,
    copy: Path,
    said: str,
) -> None:
    """
    Note the run, or do not: what decides has to be as it was, model and copy left alone before.

    Args:
        beginning: The state of things before.
        engine: What runs the program.
        command: As the caller gave it.
        filled: As it is run.
        walls: What it is kept to.
        copy: What it sees of the model; it was compared with the verified bytes.
        said: What is told of it.
    """
    assert isinstance(engine, Bubblewrap)
    start = engine.plan(filled, walls)
    store = default_root()
    program = Path(command[0])
    changed = [each for each in command if leads_through(each, walls.writable)]
    of: dict[str, Any] = {
        "read": list(beginning.read),
        "trees": [beginning.root, os.fspath(copy)],
        "places": [
            *dict.fromkeys(
                [
                    *beginning.named,
                    *(*walls.readable, *walls.writable, start.line[0]),
                    *(each for each in command if each not in changed),
                    *(sys.executable, os.path.realpath(sys.executable)),
                    os.fspath(program.absolute().parent.parent / "pyvenv.cfg"),
                    *map(os.fspath, (store, *store.absolute().parents, *Path(copy).parents)),
                ]
            )
        ],
        "passed": [*changed, *map(os.fspath, own_directories())],
        "there": list(KERNEL),
        "variables": list(beginning.variables),
        "program": command[0],
    }
    try:
        if beginning.state != _state(beginning.root, beginning.read, beginning.named):
            return
        latest = max(newest(beginning.root), newest(os.fspath(copy)))
        if latest > beginning.begun_ns - MIN_STAMP_AGE_NS:
            return
        note: dict[str, object] = {
            "of": of,
            "facts": repr(facts(**of)),
            "said": said,
            "start": {field.name: getattr(start, field.name) for field in fields(start)},
        }
        _write(beginning.name, notes.encode(note))
    except (OSError, NotPrivateError) as error:
        _log.debug("the run is not noted: %s", error)


def _is_timeless(rule: Rule, policy: Policy) -> bool:
    """Tell whether the verdict depends on bytes alone, and not on dates, claims or others."""
    signers = [policy.trust_entry(name) for name in rule.signature.any_of]
    control = rule.isolation
    return (
        may_remember(rule)
        and not asks_for_claims(rule)
        and not rule.scan.suppress
        and not rule.scan.approve
        and all(
            isinstance(each, KeyTrust) and each.valid_until is None and each.timestamps is None
            for each in signers
        )
        and (control is None or not control.gpus)
    )


def _listed(rule: Rule, policy: Policy) -> tuple[str, ...]:
    """Return what the rule lets the program read or change, and what the policy goes by."""
    control = rule.isolation
    listed = () if control is None else (*control.read, *control.write)
    return tuple(os.fspath(policy.directory / name) for name in (*listed, *policy.believed))


def _state(root: str, read: tuple[str, ...], named: tuple[str, ...]) -> str:
    return repr(facts(read=read, trees=(root,), places=named, variables=(), program="/"))


def _write_back(root: str) -> None:
    for folder, _, names in os.walk(root):
        for name in names:
            descriptor = os.open(
                Path(folder, name), os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
            )
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)


def _write(name: str, payload: bytes) -> None:
    root = Path(notes.place())
    make_private(root)
    key = read_or_make_key(Path(notes.key_place()))
    temporary = root / f".new-{secrets.token_hex(8)}"
    try:
        write_new(temporary, notes.authenticate(key, name, payload) + payload)
        temporary.replace(root / name)
    finally:
        temporary.unlink(missing_ok=True)
    _forget(root)


def _forget(root: Path) -> None:
    """Remove the oldest notes beyond the bound."""
    entries = []
    for entry in os.scandir(root):
        with suppress(FileNotFoundError):
            entries.append((entry.stat(follow_symlinks=False).st_mtime_ns, entry.path))
    for _, path in sorted(entries, reverse=True)[MAX_REMEMBERED_CHECKS:]:
        Path(path).unlink(missing_ok=True)
