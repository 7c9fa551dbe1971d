"""Isolated loads and `weighbridge unpickle`, from a signed model to what comes back."""

import json
import pickle
from collections import OrderedDict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file

import weighbridge as wb
from support.publisher import Result, weighbridge, write_key
from support.running_pickles import ATTEMPTS, running, world
from support.torch_files import small_checkpoint
from support.walled import POLICY
from weighbridge.core.codes import Code
from weighbridge.core.errors import (
    ArtifactRefusedError,
    OperationError,
    PolicyDeniedError,
    UsageError,
)
from weighbridge.load.isolated.plain import Opaque

pytestmark = pytest.mark.usefixtures("measured_programs")

RULE = f"""{POLICY}
formats   = {{{{ allow = ["pickle", "torch-zip", "text"] }}}}
scan      = {{{{ {{scan}} }}}}
"""

ACCEPTED = """
    {{ rule = "{rule}", path = "{path}", reason = "behind walls", expires = 2999-01-01 }},"""
FOUND = ("pickle-dangerous-global",)
"""What the scan finds in the pickles of these tests that run code."""


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """Return a directory with a key."""
    (tmp_path / "model").mkdir()
    write_key(tmp_path, "publisher")
    return tmp_path


def publish(
    place: Path, files: dict[str, bytes], *, isolation: str = "", accept: str | None = None
) -> wb.Policy:
    """Sign a model of *files*, and return the policy, which accepts what is found in *accept*."""
    for name, data in files.items():
        (place / "model" / name).write_bytes(data)
    entries = "".join(ACCEPTED.format(rule=rule, path=accept) for rule in FOUND if accept)
    scan = f"suppress = [{entries}]" if accept else ""
    policy = place / "weighbridge.toml"
    policy.write_text(RULE.format(isolation=isolation, scan=scan), "utf-8")
    signed = weighbridge(place, "sign", "key", "model", "--private-key", "publisher.key")
    assert signed.code == 0, signed.err
    return wb.Policy.from_file(policy)


def unpickle(place: Path, *arguments: str) -> Result:
    """Run the command."""
    return weighbridge(place, "unpickle", "model", "--policy", "weighbridge.toml", *arguments)


def names(directory: Path) -> list[str]:
    """Return what is in *directory*."""
    return sorted(each.name for each in directory.iterdir())


WEIGHTS: dict[str, np.ndarray[tuple[int, ...], np.dtype[np.floating[Any]]]] = OrderedDict(
    a=np.arange(6.0).reshape(2, 3), b=np.ones(2, "f4")
)
VALUE: dict[str, object] = {
    "weights": WEIGHTS,
    "names": np.array(["x", "yy"]),
    "steps": [1, (2, None)],
}


def test_plain_values_of_a_verified_pickle(place: Path) -> None:
    """`load(isolated=True)` returns what the pickle holds; `as_` and `file` say which is meant."""
    policy = publish(place, {"m.pkl": pickle.dumps(VALUE)})
    for more in ({}, {"as_": "pickle"}, {"as_": "joblib"}, {"file": "m.pkl"}):
        found = wb.load(place / "model", policy=policy, isolated=True, **more)  # type: ignore[call-overload]
        assert list(found) == ["weights", "names", "steps"]
        assert type(found["weights"]) is OrderedDict
        assert np.array_equal(found["weights"]["a"], WEIGHTS["a"])
        assert found["names"].tolist() == ["x", "yy"]
        assert found["steps"] == [1, (2, None)]


def test_a_checkpoint_with_its_containers(place: Path) -> None:
    """A checkpoint of PyTorch comes back nested as it is, with what is no tensor."""
    policy = publish(place, {"m.pt": small_checkpoint()})
    found = wb.load(place / "model", policy=policy, isolated=True)
    with wb.load(place / "model", policy=_without_isolation(policy, place)) as model:
        flat = model.tensors("numpy")
    assert isinstance(found, dict)
    assert {name: tensor.tolist() for name, tensor in found.items()} == {
        name: tensor.tolist() for name, tensor in flat.items()
    }


def _without_isolation(policy: wb.Policy, place: Path) -> wb.Policy:
    text = Path(policy.path or "").read_text("utf-8")
    other = place / "other.toml"
    other.write_text(text.replace("isolation = {  }", ""), "utf-8")
    return wb.Policy.from_file(other)


def test_what_a_kind_cannot_be(place: Path) -> None:
    """Kinds of which only the object would be of use are refused, as are options."""
    policy = publish(place, {"m.pkl": pickle.dumps(1)})
    for more in ({"as_": "sklearn"}, {"as_": "keras"}, {"as_": "transformers"}, {"trusted": ["a"]}):
        with pytest.raises(UsageError):
            wb.load(place / "model", policy=policy, isolated=True, **more)


def test_which_file_is_meant(place: Path) -> None:
    """Of several files one has to be named, and one without a pickle is refused."""
    files = {"a.pkl": pickle.dumps(1), "b.pkl": pickle.dumps(2), "c.txt": b"text"}
    policy = publish(place, files)
    model = place / "model"
    with pytest.raises(UsageError, match="several files"):
        wb.load(model, policy=policy, isolated=True)
    assert wb.load(model, policy=policy, isolated=True, file="b.pkl") == 2
    with pytest.raises(OperationError) as caught:
        wb.load(model, policy=policy, isolated=True, file="c.txt")
    assert caught.value.code is Code.LOAD_FORMAT
    with pytest.raises(UsageError):
        wb.load(model, policy=policy, isolated=True, file="d.pkl")


def test_only_the_policy_lets_a_pickle_run(place: Path, tmp_path: Path) -> None:
    """By default what runs code is refused, accepted or not; by the rule's word it runs inside."""
    with world(tmp_path) as outside:
        data = running(ATTEMPTS, **outside.names)
        denied = publish(place, {"m.pkl": data})
        with pytest.raises(PolicyDeniedError):
            wb.load(place / "model", policy=denied, isolated=True)
        judged = publish(place, {"m.pkl": data}, accept="m.pkl")
        with pytest.raises(ArtifactRefusedError) as caught:
            wb.load(place / "model", policy=judged, isolated=True)
        assert caught.value.code is Code.LOAD_REFUSED
        anything = publish(
            place, {"m.pkl": data}, accept="m.pkl", isolation='unpickle = "anything"'
        )
        tried = wb.load(place / "model", policy=anything, isolated=True)
        assert outside.reached() == set()
    assert isinstance(tried, dict)
    assert all(said.startswith("refused") for said in tried.values())


def test_a_changed_pickle_is_not_opened(place: Path) -> None:
    """What was not signed is denied before anything is opened."""
    policy = publish(place, {"m.pkl": pickle.dumps(1)})
    (place / "model" / "m.pkl").write_bytes(pickle.dumps(2))
    with pytest.raises(PolicyDeniedError):
        wb.load(place / "model", policy=policy, isolated=True)


def test_limits_of_the_rule(place: Path) -> None:
    """The rule's limit of memory holds for the process."""
    data = running("found = len(bytearray(1 << 30))")
    words = 'unpickle = "anything"'
    policy = publish(place, {"m.pkl": data}, accept="m.pkl", isolation=words)
    assert wb.load(place / "model", policy=policy, isolated=True) == 1 << 30
    tight = publish(place, {"m.pkl": data}, accept="m.pkl", isolation=f"{words}, memory-mib = 900")
    with pytest.raises(wb.WeighbridgeError) as caught:
        wb.load(place / "model", policy=tight, isolated=True)
    assert caught.value.code in {Code.LIMIT_EXCEEDED, Code.ISOLATED_ENDED}


def test_an_object_is_described(place: Path) -> None:
    """An object of a listed class comes back as a description."""
    policy = publish(place, {"m.pkl": pickle.dumps({"r": range(3)})})
    found = wb.load(place / "model", policy=policy, isolated=True)
    assert isinstance(found, dict)
    assert isinstance(found["r"], Opaque)
    assert found["r"].arguments == (0, 3, 1)


def test_the_command_shows_a_tree(place: Path) -> None:
    """The command prints what is in the pickle, and by what it was opened."""
    publish(place, {"m.pkl": pickle.dumps(VALUE)})
    shown = unpickle(place)
    assert (shown.code, shown.err) == (0, "")
    *tree, empty, last = shown.out.splitlines()
    assert tree == [
        "m.pkl: dict of 3",
        "├─ weights: OrderedDict of 2",
        "│  ├─ a: array float64 2x3: 0.0, 1.0, 2.0, 3.0, 4.0, 5.0",
        "│  └─ b: array float32 2: 1.0, 1.0",
        "├─ names: array U2 2: 'x', 'yy'",
        "└─ steps: list of 2",
        "   ├─ 0: 1",
        "   └─ 1: tuple of 2",
        "      ├─ 0: 2",
        "      └─ 1: None",
    ]
    assert empty == ""
    assert last.startswith("2 arrays; pickle, opened by ")
    assert last.endswith("given names of the allow-list only")


def test_the_command_prints_json(place: Path) -> None:
    """The document says what it is about, and has the value."""
    policy = publish(place, {"m.pkl": pickle.dumps([1.5])}, isolation='unpickle = "anything"')
    assert policy.rules[0].isolation is not None
    document = json.loads(unpickle(place, "--format", "json").out)
    assert document.pop("engine") in {"bubblewrap", "direct"}
    assert document == {
        "schema": "weighbridge.unpickled/v1",
        "file": "m.pkl",
        "format": "pickle",
        "unpickle": "anything",
        "arrays": 0,
        "value": [1.5],
        "written": [],
    }


def test_the_command_writes_a_directory(place: Path) -> None:
    """Arrays become safetensors with the same bits, everything else JSON that refers to them."""
    when = np.array(["2031"], "M8[Y]")
    value = {**VALUE, "complex": np.array([1j]), "when": when}
    publish(place, {"m.pkl": pickle.dumps(value)})
    written = unpickle(place, "--output", "out")
    assert written.code == 0, written.err
    assert names(place / "out") == ["data.json", "tensors.safetensors"]
    tensors = load_file(place / "out" / "tensors.safetensors")
    assert set(tensors) == {"weights.a", "weights.b", "complex", "when"}
    assert np.array_equal(tensors["weights.a"], WEIGHTS["a"])
    assert np.array_equal(tensors["when"].view("M8[Y]").ravel(), when)
    data = json.loads((place / "out" / "data.json").read_text("utf-8"))
    assert data["names"]["items"] == ["x", "yy"]
    assert data["weights"]["items"][0] == [
        "a",
        {"$": "array", "dtype": "f8", "shape": [2, 3], "tensor": "weights.a"},
    ]
    again = unpickle(place, "--output", "out")
    assert again.code == 1
    assert "[output-exists]" in again.err


def test_the_command_writes_one_file(place: Path) -> None:
    """A file has the arrays alone; without an array there is nothing to write, and no file."""
    publish(place, {"m.pkl": pickle.dumps({"a": np.ones(2)}), "n.pkl": pickle.dumps([1])})
    written = unpickle(place, "--file", "m.pkl", "--output", "a.safetensors")
    assert written.code == 0, written.err
    assert "plain values were not written" in written.err
    assert load_file(place / "a.safetensors")["a"].tolist() == [1.0, 1.0]
    nothing = unpickle(place, "--file", "n.pkl", "--output", "b.safetensors")
    assert (nothing.code, nothing.out) == (1, "")
    assert not (place / "b.safetensors").exists()
    assert unpickle(place, "--file", "n.pkl", "--output", "b").code == 0
    assert names(place / "b") == ["data.json"]


def test_exit_codes_of_the_command(place: Path) -> None:
    """A denied model is 10, a file that is not there 2, a process that ends 11; nothing is written."""
    data = running("import os; os._exit(3)")
    publish(place, {"m.pkl": data})
    assert unpickle(place, "--output", "out").code == 10
    publish(place, {"m.pkl": data}, accept="m.pkl", isolation='unpickle = "anything"')
    ended = unpickle(place, "--output", "out")
    assert ended.code == 11
    assert "[isolated-ended]" in ended.err
    assert unpickle(place, "--file", "no.pkl").code == 2
    assert not (place / "out").exists()
