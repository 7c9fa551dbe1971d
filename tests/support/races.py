"""Loads of one model, again and again, while a hostile neighbour changes it."""

import os
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from unittest.mock import patch

from support import racing
from support.holding import admit
from support.parts import PARTS_RULE
from support.raced_models import Raced
from support.signed_model import SignedModel, make_signed_model
from weighbridge.core.codes import Code
from weighbridge.core.errors import ArtifactChangedError, WeighbridgeError
from weighbridge.core.verdict import Verdict
from weighbridge.load.artifact import VerifiedArtifact
from weighbridge.load.checked import PartCache
from weighbridge.load.store import STORE_VARIABLE
from weighbridge.pipeline import examine
from weighbridge.pipeline.load import load
from weighbridge.pipeline.recording.attest_parts import attest_parts
from weighbridge.scan.worker.client import ConfinedExaminer

KEPT = 8
"""Artifacts that are kept while the files go on changing, and then looked at again."""


@dataclass(kw_only=True)
class Outcome:
    """
    How the loads of one race ended.

    Attributes:
        loaded: Loads that gave the signed model, each looked at byte by byte.
        refused: The others, by code.
        by_parts: Those of the loaded ones that did not read every file whole.
        later: Those of which something was refused when it was looked at, at once or later.
    """

    loaded: int = 0
    refused: Counter[Code] = field(default_factory=Counter)
    by_parts: int = 0
    later: int = 0

    @property
    def attempts(self) -> int:
        """All loads that met a model; between two renames there is none at all."""
        return self.loaded + self.refused.total() - self.refused[Code.REFERENCE_NOT_FOUND]

    @property
    def met(self) -> bool:
        """Whether some loads met the model untouched, and some the neighbour."""
        return bool(self.loaded and self.refused[Code.POLICY_DENIED])


@contextmanager
def quick_loads() -> Iterator[None]:
    """
    Spare each load the start of its workers: then attacks meet what a load does itself.

    No verified part is kept, so that each read of what was left in a file is one of the file.
    """
    with (
        ConfinedExaminer() as examiner,
        patch.object(examine, "confined_examiner", lambda: nullcontext(examiner)),
        patch.object(PartCache, "put", lambda *_: None),
    ):
        yield


@contextmanager
def neighbour(model: SignedModel, evil: Path, *, seed: int) -> Iterator[None]:
    """Let the hostile neighbour run meanwhile; it must not fail."""
    command = [sys.executable, racing.__file__, str(model.root), str(evil), str(seed)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        try:
            yield
            assert process.poll() is None, "the neighbour ended early"
        finally:
            _, errors = process.communicate()
    assert process.returncode == 0, errors.decode()


def write_files(root: Path, files: dict[str, bytes]) -> None:
    """Write *files* below *root*, over those that are there."""
    for path, data in files.items():
        (root / path).write_bytes(data)


def race(raced: Raced, place: Path, *, seed: int, go_on: Callable[[Outcome], bool]) -> Outcome:
    """
    Load *raced*'s model below *place* while it is attacked, as long as *go_on* says.

    Raises:
        AssertionError: A load gave out anything but what was signed.
    """
    with patch.dict(os.environ, {STORE_VARIABLE: str(place / "store")}):
        return _race(raced, place, seed=seed, go_on=go_on)


def _race(raced: Raced, place: Path, *, seed: int, go_on: Callable[[Outcome], bool]) -> Outcome:
    files = raced.files(1)
    rule = {"parts": PARTS_RULE} if raced.claimed else {}
    model = make_signed_model(place, files, formats=raced.formats, rule=rule)
    if raced.claimed:
        attest_parts(str(model.root), signer=model.signer)
    evil = place / "evil"
    racing.copy_with_changes(model.root, evil)
    write_files(evil, raced.files(2))
    with admit(files) as artifact:
        expected = raced.use(artifact)
    outcome = Outcome()
    kept: list[VerifiedArtifact] = []
    with neighbour(model, evil, seed=seed):
        while go_on(outcome):
            try:
                artifact = load(model.root, policy=model.policy, hold=raced.hold)
            except WeighbridgeError as error:
                outcome.refused[error.code] += 1
                continue
            outcome.loaded += 1
            outcome.by_parts += went_by_parts(artifact.verdict)
            outcome.later += check_content(raced, artifact, files, expected)
            kept.append(artifact)
            if len(kept) > KEPT:
                # The files changed many times since: the held bytes did not.
                old = kept.pop(0)
                outcome.later += check_content(raced, old, files, expected)
                old.close()
    return outcome


def went_by_parts(verdict: Verdict) -> bool:
    """Tell whether files were not read whole."""
    return str(Code.PARTS_TRUSTED) in {reason.code for reason in verdict.reasons}


def check_content(
    raced: Raced, artifact: VerifiedArtifact, files: dict[str, bytes], expected: object
) -> bool:
    """
    Hold everything that *artifact* gives out to what was signed.

    Returns:
        Whether something was refused, as it may be where the bytes are in the model's own files.
    """
    assert sorted(artifact.files) == sorted(files)
    reads: list[tuple[Callable[[], object], object]] = [
        (partial(artifact.read, path), data) for path, data in files.items()
    ]
    reads.append((partial(raced.use, artifact), expected))
    refused = False
    for read, signed in reads:
        try:
            assert read() == signed
        except ArtifactChangedError:
            assert raced.hold == "file"
            refused = True
    return refused
