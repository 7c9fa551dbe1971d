"""
Loads that leave the bytes in their files, while somebody changes these.

What such a load gives out, at once and much later, is what was signed; or it is an error.
"""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from unittest.mock import patch

import numpy as np
import pytest

from support.parts import COUNT, PARTS_RULE
from support.races import neighbour, quick_loads
from support.racing import copy_with_changes
from support.signed_model import make_signed_model, safetensors_file
from weighbridge.core.codes import Code
from weighbridge.core.errors import ArtifactChangedError, WeighbridgeError
from weighbridge.core.verdict import Verdict
from weighbridge.load.artifact import VerifiedArtifact
from weighbridge.load.checked import PartCache
from weighbridge.pipeline.load import load
from weighbridge.pipeline.recording.attest_parts import attest_parts

ATTEMPTS = 200
SEED = 20311
KEPT = 8

TENSORS = {"first": [1.0] * COUNT, "second": [2.0] * COUNT}
FILES = {
    "config.json": b"{}\n",
    "model.safetensors": safetensors_file(first=TENSORS["first"]),
    "sub/more.safetensors": safetensors_file(second=TENSORS["second"]),
}
"""Files of tensors that are large enough to be left where they are."""


@pytest.fixture(scope="module", autouse=True)
def quickly() -> Iterator[None]:
    """Let confined workers serve all loads of this module, and no verified part be kept."""
    with quick_loads(), patch.object(PartCache, "put", lambda *_: None):
        yield


def taken(artifact: VerifiedArtifact) -> int:
    """Hold whatever *artifact* gives out to what was signed, and return how much it refuses."""
    refused = 0
    for path, data in FILES.items():
        try:
            assert artifact.read(path) == data
        except ArtifactChangedError:
            refused += 1
    try:
        tensors = artifact.tensors("numpy")
    except ArtifactChangedError:
        return refused + len(TENSORS)
    assert sorted(tensors) == sorted(TENSORS)
    for name in tensors:
        try:
            values = tensors[name]
        except ArtifactChangedError:
            refused += 1
        else:
            assert np.array_equal(values, np.array(TENSORS[name], dtype="f4"))
    return refused


def went_by_parts(verdict: Verdict) -> bool:
    """Tell whether files were not read whole."""
    return str(Code.PARTS_TRUSTED) in {reason.code for reason in verdict.reasons}


@pytest.mark.parametrize("claimed", [False, True])
def test_nothing_else_is_given_out(claimed: bool, tmp_path: Path) -> None:
    """Whatever happens to the files: the signed bytes, or an error, of each tensor by itself."""
    rule = {"parts": PARTS_RULE} if claimed else {}
    model = make_signed_model(tmp_path, dict(FILES), rule=rule)
    if claimed:
        attest_parts(str(model.root), signer=model.signer)
    evil = tmp_path / "evil"
    copy_with_changes(model.root, evil)
    loaded: list[VerifiedArtifact] = []
    counts: Counter[str] = Counter()
    with neighbour(model, evil, seed=SEED + claimed):
        attempts = 0
        while attempts < ATTEMPTS or not counts["denied"] or not counts["loaded"]:
            try:
                artifact = load(model.root, policy=model.policy, hold="file")
            except WeighbridgeError as error:
                counts["internal"] += error.code is Code.INTERNAL
                counts["denied"] += error.code is Code.POLICY_DENIED
                attempts += error.code is not Code.REFERENCE_NOT_FOUND
                continue
            attempts += 1
            counts["loaded"] += 1
            counts["by parts"] += went_by_parts(artifact.verdict)
            counts["changed"] += bool(taken(artifact))
            loaded.append(artifact)
            if len(loaded) > KEPT:
                old = loaded.pop(0)
                counts["changed later"] += bool(taken(old))
                old.close()
    assert bool(counts["by parts"]) == claimed
    assert not counts["internal"]
