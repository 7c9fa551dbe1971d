"""
A call of a library during which it finds nothing but the directory that it is given.

1. No network: the hub's client is told to be offline, and an audit hook refuses connections and
   look-ups of names by the thread that loads.
2. No cache: the place where the hub's client keeps files does not exist meanwhile.
3. No other place: transformers finds every file by one function, which is wrapped; while a load is
   under way in the thread, it answers for the shown directory only.
4. No code: the functions by which transformers and diffusers import a model's code are wrapped as
   well, and give out pinned code or nothing.
5. No unrestricted pickle: `torch.load` is told to unpickle weights only, whatever it is asked.

The first, the second and the fifth are switches of the whole process, so such loads are made one
after another, and other threads that ask a hub meanwhile are told that it is offline. All of this
is for configurations that would lead the library elsewhere; it is no boundary against code that
runs already.
"""

import os
import posixpath
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import field
from pathlib import Path
from types import ModuleType
from typing import Final, NoReturn

from weighbridge.core.codes import Code
from weighbridge.core.errors import ArtifactRefusedError
from weighbridge.core.values import frozen
from weighbridge.load.pretrained.code import find_pinned_class
from weighbridge.load.pretrained.interface import Pretrained

NOWHERE: Final = f"{os.devnull}/nothing"
"""A path at which nothing can be made."""

_ENVIRONMENT: Final = {
    "HF_HUB_OFFLINE": "1",
    "TRANSFORMERS_OFFLINE": "1",
    "HF_DATASETS_OFFLINE": "1",
    "TORCH_FORCE_WEIGHTS_ONLY_LOAD": "1",
    "TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD": None,
}
_CONSTANTS: Final = {
    "HF_HUB_OFFLINE": True,
    "HF_HUB_CACHE": NOWHERE,
    "HUGGINGFACE_HUB_CACHE": NOWHERE,
}
_EVENTS: Final = frozenset(
    {
        "socket.connect",
        "socket.getaddrinfo",
        "socket.gethostbyname",
        "socket.gethostbyaddr",
        "socket.sendto",
        "socket.sendmsg",
        "urllib.Request",
    }
)
_LOCAL_FAMILIES: Final = frozenset({"AF_UNIX"})


@frozen
class Loading:
    """
    The load that is under way in a thread.

    Attributes:
        root: The shown directory.
        pretrained: What is loaded.
        trusts_code: Whether the caller wants the pinned code to run.
        refusals: What was refused. Libraries catch errors and raise others that say less.
    """

    root: Path
    pretrained: Pretrained
    trusts_code: bool
    refusals: list[ArtifactRefusedError] = field(default_factory=list)

    def refuse(self, error: ArtifactRefusedError) -> NoReturn:
        """Note *error* and raise it."""
        self.refusals.append(error)
        raise error

    def require_inside(self, place: object, names: Sequence[str], *, folder: str) -> None:
        """
        Refuse files outside of the directory.

        Raises:
            ArtifactRefusedError: The library looks somewhere else.
        """
        root = os.fspath(self.root)
        for name in names or ("",):
            path = posixpath.normpath(posixpath.join(str(place), folder, name))
            if path != root and not path.startswith(f"{root}/"):
                self.refuse(
                    ArtifactRefusedError(
                        "the model leads the library to files that were not verified",
                        code=Code.LOAD_REFUSED,
                        where=self.pretrained.name,
                        expected="files of the artifact",
                        found=posixpath.join(str(place), folder, name)[:400],
                        hint="Load what it names on its own, by a reference that the policy allows",
                    )
                )


_LOCKS: Final = [threading.RLock()]
"""One lock; in a list, since a child process makes it anew."""

_STATE: Final = threading.local()
_INSTALLED: Final[set[str]] = set()


def _renew_lock() -> None:
    """Replace the lock in a child process: the thread that holds it may not exist there."""
    _LOCKS[0] = threading.RLock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew_lock)


def current() -> Loading | None:
    """Return the load that is under way in this thread."""
    found: Loading | None = getattr(_STATE, "loading", None)
    return found


@contextmanager
def confined(loading: Loading) -> Iterator[None]:
    """Let the library that is called meanwhile find *loading* and nothing else."""
    with _LOCKS[0]:
        _install()
        before = current()
        with _switched():
            _STATE.loading = loading
            try:
                yield
            finally:
                _STATE.loading = before


@contextmanager
def _switched() -> Iterator[None]:
    """Switch what holds for the whole process, and switch it back."""
    environment = {name: os.environ.get(name) for name in _ENVIRONMENT}
    constants = sys.modules.get("huggingface_hub.constants")
    values = {n: getattr(constants, n) for n in _CONSTANTS if hasattr(constants, n)}
    try:
        _set_environment(_ENVIRONMENT)
        for name in values:
            setattr(constants, name, _CONSTANTS[name])
        yield
    finally:
        _set_environment(environment)
        for name, value in values.items():
            setattr(constants, name, value)


def _set_environment(values: dict[str, str | None]) -> None:
    for name, value in values.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value


def _install() -> None:
    """Wrap what has to be, once; the wrappers do nothing where no load is under way."""
    if "audit" not in _INSTALLED:
        sys.addaudithook(_refuse_network)
        _INSTALLED.add("audit")
    for module, name, wrap in (
        ("transformers.utils.hub", "cached_files", _wrap_finding),
        ("transformers.dynamic_module_utils", "get_class_from_dynamic_module", _wrap_code),
        ("transformers.dynamic_module_utils", "get_cached_module_file", _wrap_code_file),
        ("diffusers.utils.dynamic_modules_utils", "get_class_from_dynamic_module", _wrap_code_file),
        ("diffusers.utils.dynamic_modules_utils", "get_cached_module_file", _wrap_code_file),
    ):
        home = sys.modules.get(module)
        if home is not None and f"{module}.{name}" not in _INSTALLED:
            _replace(home, name, wrap)
            _INSTALLED.add(f"{module}.{name}")


def _replace(home: ModuleType, name: str, wrap: Callable[[object], object]) -> None:
    """Put a wrapper in the place of *home*'s function, also where it was imported by value."""
    original: object = vars(home)[name]
    wrapper = wrap(original)
    top = home.__name__.partition(".")[0]
    for other, module in list(sys.modules.items()):
        if other.partition(".")[0] in {top, "sentence_transformers", "peft", "diffusers"}:
            names = [n for n, value in list(vars(module).items()) if value is original]
            for each in names:
                setattr(module, each, wrapper)


def _call(function: object, arguments: tuple[object, ...], named: dict[str, object]) -> object:
    assert callable(function)
    result: object = function(*arguments, **named)
    return result


def _wrap_finding(original: object) -> object:
    def cached_files(
        path_or_repo_id: object, filenames: Sequence[str], *rest: object, **named: object
    ) -> object:
        loading = current()
        if loading is not None:
            folder = str(named.get("subfolder") or "")
            loading.require_inside(path_or_repo_id, filenames, folder=folder)
        return _call(original, (path_or_repo_id, filenames, *rest), named)

    return cached_files


def _wrap_code(original: object) -> object:
    def get_class_from_dynamic_module(
        class_reference: str, *rest: object, **named: object
    ) -> object:
        loading = current()
        if loading is None:
            return _call(original, (class_reference, *rest), named)
        if not loading.trusts_code:
            loading.refuse(_no_code(loading, class_reference))
        try:
            return find_pinned_class(class_reference, loading.pretrained)
        except ArtifactRefusedError as error:
            loading.refuse(error)

    return get_class_from_dynamic_module


def _wrap_code_file(original: object) -> object:
    def get_module(*arguments: object, **named: object) -> object:
        loading = current()
        if loading is not None:
            loading.refuse(_no_code(loading, str((arguments or ("code",))[-1])))
        return _call(original, arguments, named)

    return get_module


def _no_code(loading: Loading, found: str) -> ArtifactRefusedError:
    return ArtifactRefusedError(
        "the model wants code of its own to run",
        code=Code.LOAD_REFUSED,
        where=loading.pretrained.name,
        expected="classes of the library, or trust_remote_code=True and code that the rule pins",
        found=found[:400],
    )


def _refuse_network(event: str, arguments: tuple[object, ...]) -> None:
    if event not in _EVENTS:
        return
    loading = current()
    if loading is None:
        return
    family = getattr(arguments[0] if arguments else None, "family", None)
    if getattr(family, "name", None) in _LOCAL_FAMILIES:
        return
    loading.refuse(
        ArtifactRefusedError(
            "the library asked for the network while it loaded a model",
            code=Code.LOAD_REFUSED,
            where=loading.pretrained.name,
            found=event,
            hint="Files come from the artifact alone: publish and sign what it lacks with it",
        )
    )
