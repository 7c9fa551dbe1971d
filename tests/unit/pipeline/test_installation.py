"""What doctor says of confined processes."""

import importlib.util
from pathlib import Path
from typing import NoReturn

import pytest
from cryptography.exceptions import UnsupportedAlgorithm

from support.signed_model import make_signed_model, safetensors_file
from weighbridge.core.errors import OperationError
from weighbridge.load.guard.children import ORDER_VARIABLE
from weighbridge.pipeline import installation
from weighbridge.pipeline.guard.command import keep_order, make_order
from weighbridge.pipeline.guard.order import reference_to, render_order
from weighbridge.pipeline.installation import Capability, capabilities
from weighbridge.sandbox.groups.interface import MEMORY, RESOURCES
from weighbridge.sandbox.interface import Confinement, Measure
from weighbridge.sandbox.launcher import Launcher, Worker
from weighbridge.signing import generation


def confinement() -> Capability:
    """Return the line about confined processes."""
    (found,) = (each for each in capabilities() if each.name == "confinement")
    return found


def kept_to(found: Confinement, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have a started worker say that it was kept to *found*."""
    start = Launcher.start

    def started(self: Launcher) -> Worker:
        worker = start(self)
        worker.confinement = found
        return worker

    monkeypatch.setattr(Launcher, "start", started)


def test_complete(monkeypatch: pytest.MonkeyPatch) -> None:
    """A system that provides every measure has what is needed."""
    kept_to(Confinement(enforced=frozenset(Measure)), monkeypatch)
    assert confinement().present


def test_refused_measure(monkeypatch: pytest.MonkeyPatch) -> None:
    """A measure that the system refuses is named with the reason."""
    kept_to(
        Confinement(
            enforced=frozenset(Measure) - {Measure.FILES},
            refused=((Measure.FILES, "no such call"),),
        ),
        monkeypatch,
    )
    found = confinement()
    assert not found.present
    assert "files (no such call)" in found.detail


def test_no_start(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where no confined process starts, it is said why."""

    def start(self: Launcher) -> Worker:
        raise OperationError("it cannot be started")

    monkeypatch.setattr(Launcher, "start", start)
    found = confinement()
    assert not found.present
    assert "cannot be started" in found.detail


def test_unsupported(monkeypatch: pytest.MonkeyPatch) -> None:
    """A system without such processes is told from one that refuses measures."""
    monkeypatch.setattr(installation, "is_supported", lambda: False)
    found = confinement()
    assert not found.present
    assert "no confined processes" in found.detail


def test_ml_dsa_is_there_or_what_it_needs_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whether keys of FIPS 204 can be used depends on the installed library, and doctor says so."""

    def ml_dsa() -> Capability:
        (found,) = (each for each in capabilities() if each.name == "ML-DSA keys")
        return found

    def unsupported() -> NoReturn:
        message = "ML-DSA-65 is not supported by this backend."
        raise UnsupportedAlgorithm(message)

    assert ml_dsa().present
    monkeypatch.setattr(generation, "OTHERS", {"ml-dsa-65": unsupported})
    missing = ml_dsa()
    assert not missing.present
    assert "pip install 'cryptography>=48'" in missing.detail


@pytest.mark.parametrize("found", [RESOURCES, frozenset({MEMORY})])
def test_control_groups(found: frozenset[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """What cannot be limited for all processes together is named."""
    monkeypatch.setattr(installation, "limitable", lambda: found)
    (line,) = (c for c in capabilities() if c.name == "isolation: control groups")
    assert line.present is (len(found) == 2)
    assert ("pids" in line.detail) is not line.present


def test_a_server_that_loads_nothing_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Where vLLM is installed, doctor says what our plugin in it goes by, or how to give it that."""

    def plugin() -> list[Capability]:
        return [each for each in capabilities() if each.name == "plugin for vllm"]

    find = importlib.util.find_spec
    there = find("json")
    monkeypatch.delenv(ORDER_VARIABLE, raising=False)
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: None if name == "vllm" else find(name)
    )
    assert plugin() == []
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: there if name == "vllm" else find(name)
    )
    (without,) = plugin()
    assert not without.present
    assert "guard install --only vllm" in without.detail
    make_signed_model(tmp_path, {"a.safetensors": safetensors_file(w=[1.0])})
    data = render_order(make_order(tmp_path / "weighbridge.toml"))
    monkeypatch.setenv(ORDER_VARIABLE, reference_to(data, keep_order(data)))
    (found,) = plugin()
    assert (found.present, str(tmp_path) in found.detail) == (True, True)
