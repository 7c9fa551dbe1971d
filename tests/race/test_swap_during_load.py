"""
Loading while somebody changes the model: the signed bytes come out, or an error.

Thousands of loads race a process that swaps, truncates, extends, renames, links and modifies
the files, their directories, and the whole model with its signature.
"""

import pickle
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest

from support.arrays import npz
from support.gguf import Tensor, build_gguf
from support.races import neighbour, quick_loads
from support.racing import Neighbour, copy_with_changes
from support.signed_model import make_signed_model, safetensors_file
from weighbridge.core.codes import Code
from weighbridge.core.errors import WeighbridgeError
from weighbridge.core.limits.loading import HELD_INLINE_BYTES
from weighbridge.core.verdict import Decision
from weighbridge.load.artifact import VerifiedArtifact
from weighbridge.pipeline.check import check
from weighbridge.pipeline.load import load

ATTEMPTS = 1000
SEED = 20311

VALUES = np.arange(8, dtype="f4")


OBJECT = OrderedDict(threshold=0.5, labels=["no", "yes"])

FILES = {
    "config.json": b'{"hidden_size": 3}\n',
    "model.safetensors": safetensors_file(weight=[1.0, 2.0, 3.0]),
    "numbers.npz": npz({"values": VALUES}),
    "object.pkl": pickle.dumps(OBJECT),
    "quantised.gguf": build_gguf(tensors=[Tensor(name="values")], data=VALUES.tobytes()),
    "sub/large.safetensors": safetensors_file(table=[5.0] * HELD_INLINE_BYTES),
    "sub/notes.txt": b"as published\n",
}

FORMATS = ("safetensors", "json", "text", "gguf", "npz", "pickle")


@pytest.fixture(scope="module", autouse=True)
def quickly() -> Iterator[None]:
    """Let confined workers serve all loads of this module."""
    with quick_loads():
        yield


def check_content(artifact: VerifiedArtifact, files: dict[str, bytes]) -> None:
    """Hold everything that *artifact* gives out to what was signed."""
    assert {path: artifact.read(path) for path in artifact.files} == files
    tensors = artifact.tensors("numpy")
    assert sorted(tensors) == ["table", "weight"]
    assert np.array_equal(tensors["weight"], np.array([1, 2, 3], dtype="f4"))
    assert bool(np.all(tensors["table"] == np.float32(5)))
    for path in ("numbers.npz", "quantised.gguf"):
        (values,) = artifact.tensors("numpy", files=[path]).values()
        assert np.array_equal(values, VALUES)
    assert artifact.as_("pickle") == OBJECT


@pytest.mark.parametrize("seed", [SEED, SEED + 1])
def test_only_signed_bytes_are_loaded(tmp_path: Path, seed: int) -> None:
    """Every load that succeeds gives exactly the signed bytes, at once and later."""
    model = make_signed_model(tmp_path, FILES, formats=FORMATS)
    evil = tmp_path / "evil"
    copy_with_changes(model.root, evil)
    loaded: list[VerifiedArtifact] = []
    refused: list[Code] = []
    with neighbour(model, evil, seed=seed):
        attempts = 0
        while attempts < ATTEMPTS:
            attempts += 1
            try:
                artifact = load(model.root, policy=model.policy)
            except WeighbridgeError as error:
                refused.append(error.code)
                # Between two renames there is no model at all: that is no race.
                attempts -= error.code is Code.REFERENCE_NOT_FOUND
                continue
            check_content(artifact, FILES)
            loaded.append(artifact)
            if len(loaded) > 8:
                # The files changed many times since: the held bytes did not.
                old = loaded.pop(0)
                check_content(old, FILES)
                old.close()
    assert loaded, "the race never left the model alone for the time of a load"
    assert Code.POLICY_DENIED in refused, "the race never met a load"
    assert Code.INTERNAL not in refused


def test_checking_and_then_opening_the_path_is_not_enough(tmp_path: Path) -> None:
    """Who checks a model and then opens its path gets other bytes, sooner or later."""
    model = make_signed_model(tmp_path, FILES, formats=FORMATS)
    evil = tmp_path / "evil"
    copy_with_changes(model.root, evil)
    deceived = False
    with neighbour(model, evil, seed=SEED):
        # Ends by the time limit of all tests if the neighbour never gets in between.
        while not deceived:
            with suppress(WeighbridgeError, OSError):
                verdict = check(model.root, policy=model.policy)
                opened = {path: (model.root / path).read_bytes() for path in FILES}
                deceived = verdict.decision is Decision.ALLOW and opened != FILES
    assert deceived


def test_the_evil_model_is_refused(tmp_path: Path) -> None:
    """What the neighbour puts there is refused when it stays, so that the race shows something."""
    model = make_signed_model(tmp_path, FILES, formats=FORMATS)
    evil = tmp_path / "evil"
    copy_with_changes(model.root, evil)
    with pytest.raises(WeighbridgeError):
        load(evil, policy=model.policy)
    with load(model.root, policy=model.policy) as artifact:
        check_content(artifact, FILES)


def test_every_attack_is_undone(tmp_path: Path) -> None:
    """After each kind of attack the model is as it was, so that loads can succeed at all."""
    model = make_signed_model(tmp_path, FILES, formats=FORMATS)
    evil = tmp_path / "evil"
    copy_with_changes(model.root, evil)
    attacker = Neighbour(model.root, evil, seed=SEED)
    for attack in attacker.attacks:
        attack()
        with load(model.root, policy=model.policy) as artifact:
            check_content(artifact, FILES)
