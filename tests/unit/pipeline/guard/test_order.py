"""Orders: what is enforced is what was read when the program was started."""

import errno
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from support.signed_model import SignedModel, make_signed_model, safetensors_file
from weighbridge.core.codes import Code
from weighbridge.core.errors import OperationError, PolicyError, StoreError, UsageError
from weighbridge.load.guard.children import ORDER_VARIABLE, PATH_VARIABLE
from weighbridge.pipeline.guard.command import (
    START,
    execute,
    guarded_environment,
    keep_order,
    make_order,
)
from weighbridge.pipeline.guard.installation import (
    PTH_NAME,
    START_NAME,
    find_installation,
    install,
    remove,
)
from weighbridge.pipeline.guard.installed import REFERENCE_NAME, find_reference
from weighbridge.pipeline.guard.order import read_order, reference_to, render_order


@pytest.fixture
def model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SignedModel:
    """Return a signed model; orders are kept below the test's own directory."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("WEIGHBRIDGE_STORE", raising=False)
    return make_signed_model(tmp_path, {"m.safetensors": safetensors_file(a=[1.0])})


def policy_of(model: SignedModel) -> Path:
    """Return the file of the policy that allows *model*."""
    return model.root.parent / "weighbridge.toml"


def test_an_order_is_read_as_it_was_written(model: SignedModel) -> None:
    """What was ordered is what is read, and the policy in it is the file's."""
    order = make_order(policy_of(model), audit=True, log=Path("log"))
    data = render_order(order)
    path = keep_order(data)
    assert read_order(reference_to(data, path)) == order
    assert order.log == os.path.abspath("log")  # noqa: PTH100  as it is stored
    assert order.parse_policy().sha256 == model.policy.sha256


def test_an_order_outlives_its_policy(model: SignedModel) -> None:
    """A policy that changes or goes after the start changes nothing for the children."""
    order = make_order(policy_of(model))
    policy_of(model).unlink()
    assert order.parse_policy().rules == model.policy.rules


def test_a_changed_order_is_refused(model: SignedModel) -> None:
    """An order of other bytes than its name in the environment says is not used."""
    data = render_order(make_order(policy_of(model)))
    path = keep_order(data)
    path.chmod(0o600)
    path.write_bytes(data.replace(b'"audit": false', b'"audit": true '))
    with pytest.raises(OperationError, match="not the one") as caught:
        read_order(reference_to(data, path))
    assert caught.value.code is Code.GUARD_DENIED
    assert keep_order(data).read_bytes() == data


@pytest.mark.parametrize("reference", ["", "x", "0" * 64, "0" * 64 + ":relative"])
def test_what_names_no_order(reference: str) -> None:
    """Anything but a digest and an absolute path is refused."""
    with pytest.raises(OperationError, match="order cannot be used"):
        read_order(reference)


@pytest.mark.parametrize("data", [b"", b"[]", b'{"schema": "other"}', b"{}"])
def test_what_is_no_order(data: bytes, tmp_path: Path) -> None:
    """A file with the right digest and another content is refused."""
    path = tmp_path / "order.json"
    path.write_bytes(data)
    with pytest.raises(OperationError, match="order cannot be used"):
        read_order(reference_to(data, path))


def test_orders_are_private(model: SignedModel) -> None:
    """The order's directory is this user's alone, or nothing is started."""
    path = keep_order(render_order(make_order(policy_of(model))))
    assert stat.S_IMODE(path.stat().st_mode) == 0o400
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    path.parent.chmod(0o755)
    with pytest.raises(StoreError, match="not private"):
        keep_order(render_order(make_order(policy_of(model))))


def test_an_order_that_cannot_be_kept_leaves_nothing(
    model: SignedModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the order cannot get its name, the file that it was written to is gone as well."""
    data = render_order(make_order(policy_of(model), boundary="unkept"))

    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    root = keep_order(render_order(make_order(policy_of(model)))).parent
    before = sorted(root.iterdir())
    monkeypatch.setattr(Path, "replace", fail)
    with pytest.raises(StoreError, match="WEIGHBRIDGE_STORE"):
        keep_order(data)
    assert sorted(root.iterdir()) == before


def test_the_environment_of_a_guarded_program(model: SignedModel) -> None:
    """It names the order, has the hook first, once, and is otherwise what it was."""
    order = make_order(policy_of(model))
    first = guarded_environment(order, {"A": "1", PATH_VARIABLE: "/lib"})
    again = guarded_environment(order, first)
    assert first == again
    assert first["A"] == "1"
    assert first[PATH_VARIABLE] == f"{START}:/lib"
    assert read_order(first[ORDER_VARIABLE]) == order


def test_no_command(model: SignedModel) -> None:
    """Nothing to run is a mistake of the caller."""
    with pytest.raises(UsageError):
        execute([], make_order(policy_of(model)))


@pytest.mark.parametrize("flag", ["-S", "-I", "-E", "-BE"])
def test_a_command_that_would_leave_the_guard_behind(model: SignedModel, flag: str) -> None:
    """A Python that is told to run no hook, or to look at no environment, is not started."""
    with pytest.raises(UsageError, match="the guard would not be started"):
        execute([sys.executable, flag, "-c", ""], make_order(policy_of(model)))


def test_an_installed_guard_whose_hook_is_gone_starts_nothing() -> None:
    """Python goes on when a start-up file fails, so this one ends the process itself."""
    code = "from weighbridge.pipeline.guard import installed as i; del i._load_hook; i.begin()"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 78
    assert "the guard cannot start" in done.stderr


def test_a_broken_policy_starts_nothing(tmp_path: Path) -> None:
    """A policy that is not valid is refused before anything is started."""
    path = tmp_path / "weighbridge.toml"
    path.write_text("version = 2\n")
    with pytest.raises(PolicyError):
        make_order(path)


def test_installation(model: SignedModel, tmp_path: Path) -> None:
    """What was installed is found whole, not installed twice, and removed without a rest."""
    place = tmp_path / "site-packages"
    place.mkdir()
    order = make_order(policy_of(model))
    assert find_installation(directory=place) is None
    install(order, directory=place)
    found = find_installation(directory=place)
    assert found is not None
    assert found.order == order
    with pytest.raises(UsageError, match="already"):
        install(order, directory=place)
    assert len(remove(directory=place)) == 4
    assert list(place.iterdir()) == []
    assert remove(directory=place) == ()


def test_an_installation_that_fails_leaves_nothing(
    model: SignedModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the disk is full before the last file, those that were written are taken back."""
    place = tmp_path / "site-packages"
    place.mkdir()
    order = make_order(policy_of(model))
    synced, calls = os.fsync, iter(range(4))

    def fill(descriptor: int) -> None:
        if next(calls) == 3:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        synced(descriptor)

    monkeypatch.setattr("weighbridge.pipeline.output.os.fsync", fill)
    with pytest.raises(OperationError, match=PTH_NAME):
        install(order, directory=place)
    assert list(place.iterdir()) == []


@pytest.mark.parametrize("gone", [PTH_NAME, START_NAME, REFERENCE_NAME])
def test_half_an_installation_is_not_written_over(
    model: SignedModel, tmp_path: Path, gone: str
) -> None:
    """What is left may be what guards programs: it stays until it is removed."""
    place = tmp_path / "site-packages"
    place.mkdir()
    order = make_order(policy_of(model))
    install(order, directory=place)
    (place / gone).unlink()
    left = {path.name: path.read_bytes() for path in place.iterdir()}
    with pytest.raises(UsageError, match="already"):
        install(order, directory=place)
    assert {path.name: path.read_bytes() for path in place.iterdir()} == left
    (place / gone).symlink_to("nothing")
    assert len(remove(directory=place)) == 4
    assert list(place.iterdir()) == []


def test_half_an_installation_is_an_error(model: SignedModel, tmp_path: Path) -> None:
    """An installation of which a file is gone is not taken for none."""
    install(make_order(policy_of(model)), directory=tmp_path)
    (tmp_path / PTH_NAME).unlink()
    with pytest.raises(OperationError, match="not whole"):
        find_installation(directory=tmp_path)


def test_the_line_that_starts_an_installed_guard_is_one(tmp_path: Path, model: SignedModel) -> None:
    """The `.pth` file has one line that begins with `import`, or Python would not run it."""
    install(make_order(policy_of(model)), directory=tmp_path)
    (line,) = (tmp_path / PTH_NAME).read_text().splitlines()
    assert line.startswith("import ")
    compile(line, "pth", "exec")
    assert find_reference(["/nowhere", str(tmp_path)]) in (tmp_path / REFERENCE_NAME).read_text()
    with pytest.raises(RuntimeError):
        find_reference(["/nowhere"])
