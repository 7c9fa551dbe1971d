"""The attempts at getting out, by a pickle that may ask for anything: none works."""

import os
import tempfile
from pathlib import Path
from typing import Any

import pytest

from support.escapes.attempts.__main__ import TOPICS
from support.escapes.attempts.listing import ACTIONS
from support.escapes.outside import outside
from support.handed_back import opened
from support.running_pickles import running
from weighbridge.core.errors import IndeterminateError
from weighbridge.load.isolated import parent
from weighbridge.load.isolated.parent import Opening
from weighbridge.sandbox.walls.interface import Limits

TESTS = os.fspath(Path(__file__).parents[1])
"""What has to be readable besides: the code of the attempts."""

MEMORY_MIB = 1024

CODE = """
import sys
sys.path.append(tests)
import support.escapes.attempts.__main__
from support.escapes.attempts.listing import ACTIONS
found = {}
for name in names:
    try:
        ACTIONS[name](where)
        found[name] = "done"
    except BaseException as error:
        found[name] = f"refused: {type(error).__name__}: {error}"[:200]
"""

INSIDE = frozenset({"memfd-execute", "run-shell"})
"""What other programs behind walls may do, since it stays inside; a pickle may not."""


def attempted(engine: str, where: dict[str, Any], names: list[str]) -> dict[str, str]:
    """Return what came of each action; one that ends the process is tried apart from the others."""
    try:
        how = Opening(judged=False, engine=engine, limits=Limits(memory_bytes=MEMORY_MIB << 20))
        found = opened(running(CODE, tests=TESTS, names=names, where=where), how=how).value
    except IndeterminateError as error:
        if len(names) == 1:
            return {names[0]: f"refused: {error}"}
        half = len(names) // 2
        first = attempted(engine, where, names[:half])
        return {**first, **attempted(engine, where, names[half:])}
    assert isinstance(found, dict)
    return found


def test_no_attempt_of_a_pickle_works(opening_engine: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not even what other programs behind walls may do works for it, and nothing arrives outside."""
    assert TOPICS, "they have listed their actions"
    readable = parent._readable
    monkeypatch.setattr(parent, "_readable", lambda: [*readable(), TESTS])
    with tempfile.TemporaryDirectory(dir="/var/tmp") as made, outside(Path(made)) as world:
        for path in (Path(made), *Path(made).rglob("*")):
            path.chmod(0o777)
        world.configuration["memory_mib"] = MEMORY_MIB
        said = attempted(opening_engine, world.configuration, sorted(ACTIONS))
        assert set(said) == set(ACTIONS) > INSIDE
        assert {name for name, how in said.items() if how == "done"} == set()
        assert world.reached() == set()
