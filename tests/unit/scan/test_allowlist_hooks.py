"""
What unpickling an instance of a listed class runs, looked up in the installed frameworks.

The packs are made from releases that are not installed here; this holds them against those that
are. A class that is not installed is not looked at, and nothing at run time depends on either.
"""

import ast
import importlib
import importlib.util
import sys
import tomllib
import warnings
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from weighbridge.scan.allowlist import Arguments, Entry, Kind, State, load_packs
from weighbridge.scan.allowlist.catalogue import PACKAGES, find_entry, load_pack

TOOLS = Path(__file__).parents[3] / "tools" / "allowlist"
EMPTY = {Arguments.NEW, Arguments.LATER}
ATTRIBUTES = {State.ATTRIBUTES, State.BOTH, State.BOOSTED}

NOT_INERT = """
def __setstate__(self, state):
    self.__dict__.update(state)
    {call}
"""


def _tool(name: str) -> ModuleType:
    """Return a program of the generator, which is no package."""
    spec = importlib.util.spec_from_file_location(f"allowlist_{name}", TOOLS / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


probe, inert = _tool("probe"), _tool("inert")


def reviewed() -> frozenset[str]:
    """Return the hooks that were read."""
    document = tomllib.loads((TOOLS / "reviewed.toml").read_text("utf-8"))
    return frozenset(hook for group in document["reviewed"] for hook in group["hooks"])


def _installed(entries: tuple[Entry, ...]) -> Iterator[tuple[Entry, type]]:
    """Yield the classes among *entries* that can be imported here."""
    for entry in entries:
        if entry.kind is not Kind.CLASS or entry.args not in EMPTY:
            continue
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                found = getattr(importlib.import_module(entry.module), entry.qualname, None)
        except Exception:  # noqa: BLE001  foreign modules fail in any way
            continue
        if isinstance(found, type):
            yield entry, found


@pytest.mark.torch
@pytest.mark.parametrize("pack", ["torch", "numpy"])
def test_hooks_of_installed_classes_were_read(pack: str) -> None:
    """Whatever unpickling a listed class reaches only stores and compares, or was read."""
    pytest.importorskip(pack)
    known, count = reviewed(), 0
    sources: dict[str, dict[str, str]] = {}
    for entry, kind in _installed(load_pack(pack).entries):
        if entry.state not in ATTRIBUTES:
            continue
        count += 1
        for hook, (where, digest) in probe.hooks_of(kind, sources).items():
            if where in known or hook in {"__setattr__", "append", "extend", "add", "__setitem__"}:
                continue
            if digest == "compiled":
                assert hook in {"__new__", "__eq__", "__hash__"}, (entry.name, where)
                continue
            assert inert.why_not_inert(sources[where][digest]) is None, (entry.name, where)
    assert count > 0


def test_every_review_gives_a_reason() -> None:
    """What was read is named as `module:Class.hook`, once, with what it does."""
    document = tomllib.loads((TOOLS / "reviewed.toml").read_text("utf-8"))
    hooks = [hook for group in document["reviewed"] for hook in group["hooks"]]
    assert len(hooks) == len(set(hooks))
    assert all(group["reason"].endswith(".") for group in document["reviewed"])
    assert all(hook.count(":") == 1 and hook.rpartition(".")[2] in probe.HOOKS for hook in hooks)


@pytest.mark.parametrize(
    ("call", "expected"),
    [
        ("pass", None),
        ("super().__setstate__(state)", None),
        ("setattr(self, 'a', state['a'])", None),
        ("setattr(os, 'a', state['a'])", "setattr"),
        ("exec(self.code)", "exec"),
        ("open(self.path)", "open"),
        ("self.load(self.path)", "load"),
        ("self.callbacks[0]()", "?"),
        ("import os; os.system(self.a)", "system"),
    ],
)
def test_what_is_not_inert_has_to_be_read(call: str, expected: str | None) -> None:
    """A hook that calls anything but what stores and compares is not passed by its source."""
    assert inert.why_not_inert(NOT_INERT.format(call=call)) == expected


def test_source_that_cannot_be_parsed_has_to_be_read() -> None:
    """Source that is no Python is not inert."""
    assert inert.why_not_inert("def (") == "unread"


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("self.a = 1", []),
        ("os.system(self.a)", ["run:system"]),
        ("subprocess.run(self.a)", ["run:run"]),
        ("eval(self.a)", ["run:eval"]),
        ("self.model.eval()", []),
        ("open(self.path)", ["open:open"]),
        ("open(path)", []),
        ("importlib.import_module(self.name)", ["run:import_module"]),
    ],
)
def test_what_methods_reach(body: str, expected: list[str]) -> None:
    """A class whose methods run or open what the object names is told from one that does not."""
    tree = ast.parse(f"class A:\n    def predict(self, path):\n        {body}\n")
    assert probe.reach_of_node(tree) == expected


def test_packs_and_packages_agree() -> None:
    """The index sends each package to the one pack that has its names."""
    for pack in load_packs():
        assert {package for package, name in PACKAGES.items() if name == pack.name} == set(
            pack.packages
        )
        entry = pack.entries[0] if pack.entries else None
        assert entry is None or find_entry(entry.name) == entry
    assert find_entry("unknown_package.Class") is None
    assert "tests" not in sys.modules or find_entry("tests.Class") is None


def test_instances_without_init_get_a_state_that_is_checked() -> None:
    """Classes that the generator listed get attributes, and nothing that is not looked at."""
    for pack in load_packs():
        for entry in pack.entries:
            if entry.args is Arguments.LATER:
                assert entry.state in {State.ATTRIBUTES, State.BOTH}, entry.name
            assert entry.versions, entry.name
            assert entry.reason.endswith("."), entry.name
