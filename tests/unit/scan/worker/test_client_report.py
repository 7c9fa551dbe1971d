"""What is told of an examination besides its findings: its members, and its confinement."""

import io
import pickle
import zipfile

import pytest

from support.scanning import subject_of
from weighbridge.core.artifact import FileFormat
from weighbridge.sandbox.interface import Confinement, Measure
from weighbridge.sandbox.launcher import is_supported
from weighbridge.scan.interface import Confining
from weighbridge.scan.worker import client
from weighbridge.scan.worker.client import ConfinedExaminer, confined_examiner

confined = pytest.mark.skipif(not is_supported(), reason="no confined processes here")


def test_system_without_workers_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """An examiner without confined processes says that it is kept to nothing."""
    monkeypatch.setattr(client, "is_supported", lambda: False)
    with client.confined_examiner() as examiner:
        assert isinstance(examiner, Confining)
        assert examiner.confinement == Confinement(enforced=frozenset())


@confined
def test_the_least_confinement_is_told() -> None:
    """What the first worker was not kept to stays told, whatever later ones are kept to."""
    with ConfinedExaminer() as examiner:
        assert examiner.confinement is None
        examiner(subject_of(pickle.dumps(1), format=FileFormat.PICKLE))
        told = examiner.confinement
        assert told is not None
        less = Confinement(enforced=told.enforced - {Measure.FILES})
        examiner._confinement = less
        examiner._idle.pop().close()
        examiner(subject_of(pickle.dumps(1), format=FileFormat.PICKLE))
        assert examiner.confinement == less


@confined
def test_members_come_back() -> None:
    """How many members a worker has examined is known to the caller."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("a.json", "{}")
    subject = subject_of(stream.getvalue(), format=FileFormat.ZIP)
    with confined_examiner() as examiner:
        assert examiner(subject) == ()
    assert subject.budget.examined == 1
