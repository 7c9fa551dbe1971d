"""Orders for the plugins of servers: where they are put, and where a plugin finds its own."""

import os
from pathlib import Path

import pytest

from support.signed_model import make_signed_model, safetensors_file
from weighbridge.cli.commands import guard
from weighbridge.cli.main import run
from weighbridge.core.errors import OperationError, UsageError
from weighbridge.load.guard.children import ORDER_VARIABLE
from weighbridge.pipeline.guard import installation
from weighbridge.pipeline.guard.command import keep_order, make_order
from weighbridge.pipeline.guard.order import Order, reference_to, render_order
from weighbridge.pipeline.guard.servers import (
    files_for,
    find_installed,
    find_order,
    install_for,
)


@pytest.fixture
def order(tmp_path: Path) -> Order:
    """Return an order."""
    make_signed_model(tmp_path, {"a.safetensors": safetensors_file(w=[1.0])})
    return make_order(tmp_path / "weighbridge.toml")


def test_what_was_installed_comes_first(order: Order, tmp_path: Path) -> None:
    """The order for the server counts, then the environment's, then that of the variable."""
    packages = tmp_path / "packages"
    packages.mkdir()
    data = render_order(make_order(tmp_path / "weighbridge.toml", boundary="deploy"))
    variables = {ORDER_VARIABLE: reference_to(data, keep_order(data))}
    assert find_order("vllm", variables=variables, directory=packages).boundary == "deploy"
    installation.install(
        make_order(tmp_path / "weighbridge.toml", boundary="download"), directory=packages
    )
    assert find_order("vllm", variables=variables, directory=packages).boundary == "download"
    install_for("vllm", order, directory=packages)
    assert find_order("vllm", variables=variables, directory=packages) == order
    assert find_installed("vllm", directory=packages) == order
    assert len(installation.remove(directory=packages)) == 6
    assert list(packages.iterdir()) == []
    assert find_installed("vllm", directory=packages) is None


@pytest.mark.parametrize("variables", [{}, {ORDER_VARIABLE: ""}])
def test_no_order_is_an_error(tmp_path: Path, variables: dict[str, str]) -> None:
    """A plugin that finds no order is told how to install one."""
    with pytest.raises(OperationError) as caught:
        find_order("vllm", variables=variables, directory=tmp_path)
    assert "guard install --only vllm" in str(caught.value.hint)
    assert "in another environment" in str(caught.value.hint)


def test_an_order_that_cannot_be_named_does_not_stay(
    order: Order, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An interrupt between the two files leaves neither."""
    packages = tmp_path / "packages"
    packages.mkdir()
    synced = os.fsync
    calls: list[int] = []

    def interrupt(descriptor: int) -> None:
        calls.append(descriptor)
        if len(calls) > 1:
            raise KeyboardInterrupt
        synced(descriptor)

    monkeypatch.setattr("weighbridge.pipeline.output.os.fsync", interrupt)
    with pytest.raises(KeyboardInterrupt):
        install_for("vllm", order, directory=packages)
    assert len(calls) == 2
    assert list(packages.iterdir()) == []


def test_an_order_is_not_replaced_or_changed(order: Order, tmp_path: Path) -> None:
    """A second order is refused, and a changed one is no order, whatever the variable says."""
    install_for("vllm", order, directory=tmp_path)
    with pytest.raises(UsageError):
        install_for("vllm", order, directory=tmp_path)
    place = tmp_path / files_for("vllm")[1]
    place.write_bytes(place.read_bytes().replace(b"load", b"none"))
    data = render_order(order)
    variables = {ORDER_VARIABLE: reference_to(data, keep_order(data))}
    with pytest.raises(OperationError, match="cannot be used"):
        find_order("vllm", variables=variables, directory=tmp_path)


@pytest.mark.usefixtures("order")
def test_as_commands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Installed for one server alone, the guard is in no other program."""
    packages = tmp_path / "packages"
    packages.mkdir()
    for module in (guard, installation):
        monkeypatch.setattr(module, "site_packages", lambda: packages)
    policy = tmp_path / "weighbridge.toml"
    assert run(["guard", "status"]) == 3
    assert run(["guard", "install", "--only", "vllm", "--policy", str(policy)]) == 0
    assert sorted(path.name for path in packages.iterdir()) == sorted(files_for("vllm"))
    assert run(["guard", "status"]) == 0
    assert f"for vllm only\nenforces {policy}" in capsys.readouterr().out
    assert run(["guard", "install", "--only", "vllm", "--policy", str(policy)]) == 2
    assert run(["guard", "remove"]) == 0
    assert list(packages.iterdir()) == []
