"""Run a command so that every Python in it is guarded."""

import os
import secrets
import stat
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final, NoReturn

from weighbridge.core.codes import Code
from weighbridge.core.errors import OperationError, StoreError, UsageError
from weighbridge.load.guard.children import (
    ORDER_VARIABLE,
    PATH_VARIABLE,
    Heritage,
    objection_to,
)
from weighbridge.load.store import default_root
from weighbridge.pipeline.check import DEFAULT_BOUNDARY
from weighbridge.pipeline.guard.order import Order, reference_to, render_order
from weighbridge.policy.schema import Policy

_TORCH_PATH: Final = "TORCH_CUSTOM_PYTHONPATH"
"""What PyTorch's compiler gives its own children as `PYTHONPATH`; without it, `sys.path`."""

START: Final = Path(__file__).resolve().parent / "start"
"""The directory with the start-up hook."""


def make_order(
    policy: Path, *, boundary: str = DEFAULT_BOUNDARY, audit: bool = False, log: Path | None = None
) -> Order:
    """
    Return the order to enforce the policy in the file *policy*.

    Raises:
        UsageError: There is no directory for the log, or it is one.
        UsageError, OperationError, PolicyError: As for `Policy.from_file`.
    """
    Policy.from_file(policy)
    if log is not None and (log.is_dir() or not log.absolute().parent.is_dir()):
        raise UsageError(
            "decisions cannot be logged there",
            where=os.fspath(log),
            expected="a file, new or not, in a directory that is there",
        )
    data = policy.read_bytes()
    path = os.path.abspath(policy)
    Policy.from_toml(data, path=path)
    return Order(
        policy=data.decode(),
        path=path,
        boundary=boundary,
        audit=audit,
        log=None if log is None else os.path.abspath(log),
    )


def execute(command: Sequence[str], order: Order) -> NoReturn:
    """
    Become *command*, with every Python in it guarded by *order*.

    Raises:
        UsageError: There is no such program, or it is a Python that would leave the guard behind.
        OperationError: The order cannot be written, or the program cannot be executed.
    """
    if not command or not command[0]:
        raise UsageError("nothing to run", hint="Say weighbridge exec --policy F -- COMMAND")
    environment = guarded_environment(order, os.environ)
    heritage = Heritage(order=environment[ORDER_VARIABLE], start=os.fspath(START))
    objection = objection_to((None, list(command), environment), heritage)
    if objection is not None:
        raise UsageError(
            f"the guard would not be started: the program is {objection}",
            where=command[0],
            hint="Leave that option out; guard install reaches a Python with -I and -E too",
        )
    try:
        os.execvpe(command[0], list(command), environment)  # noqa: S606  the user's own command
    except FileNotFoundError as error:
        raise UsageError(
            "there is no such program", code=Code.REFERENCE_NOT_FOUND, where=command[0]
        ) from error
    except OSError as error:
        raise OperationError(
            f"the program cannot be executed: {error.strerror or error}", where=command[0]
        ) from error


def guarded_environment(order: Order, environment: Mapping[str, str]) -> dict[str, str]:
    """
    Return *environment* with what lets every Python in it be guarded by *order*.

    The order is written to a file of this user's own, named by its digest.

    Raises:
        StoreError: The place for it is not private to this user, or cannot be written.
    """
    data = render_order(order)
    reference = reference_to(data, keep_order(data))
    path = environment.get(PATH_VARIABLE, "")
    return {
        **environment,
        ORDER_VARIABLE: reference,
        PATH_VARIABLE: _behind_the_hook(path),
        _TORCH_PATH: _behind_the_hook(environment.get(_TORCH_PATH, path)),
    }


def _behind_the_hook(path: str) -> str:
    """Return the search path *path* with the start-up hook in front."""
    others = [each for each in path.split(os.pathsep) if each and each != os.fspath(START)]
    return os.pathsep.join([os.fspath(START), *others])


def keep_order(data: bytes) -> Path:
    """
    Write the order *data* to a private file that nothing changes, and return its path.

    Raises:
        StoreError: The place is not private to this user, or cannot be written.
    """
    digest = reference_to(data, "/").partition(":")[0]
    root = default_root().absolute().parent / "guard"
    place = root / f"{digest}.json"
    try:
        root.mkdir(mode=0o700, parents=True, exist_ok=True)
        found = root.lstat()
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid() or found.st_mode & 0o077:
            raise StoreError(
                "the place for the guard's order is not private to this user",
                where=os.fspath(root),
                expected="a directory of this user with mode 0700",
            )
        if not place.exists() or place.read_bytes() != data:
            temporary = root / f".new-{secrets.token_hex(8)}"
            descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o400)
            try:
                with os.fdopen(descriptor, "wb") as file:
                    file.write(data)
                temporary.replace(place)
            finally:
                temporary.unlink(missing_ok=True)
    except OSError as error:
        raise StoreError(
            f"the guard's order cannot be kept: {error.strerror or error}",
            where=os.fspath(root),
            hint="Free room there, or name another place beside it with WEIGHBRIDGE_STORE",
        ) from error
    return place
