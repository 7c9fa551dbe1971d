"""A pickle whose unpickling writes a temporary file."""

from collections.abc import Iterator

from weighbridge.core.evidence import Severity
from weighbridge.formats.pickle.trace import ChangeKind
from weighbridge.formats.pickle.values import CallNode
from weighbridge.scan.allowlist import State
from weighbridge.scan.interface import Match, Rule
from weighbridge.scan.pickle_arguments import made_by
from weighbridge.scan.pickle_facts import PickleFacts
from weighbridge.scan.pickle_model_files import content_of, is_ambiguous


class PickleTemporaryFile(Rule[PickleFacts]):
    """A new file with a model of CRFsuite: it is examined, and where it lies is not chosen."""

    id = "pickle-temporary-file"
    severity = Severity.LOW
    consumes = PickleFacts

    def check(self, facts: PickleFacts, /) -> Iterator[Match]:
        """Yield each file that unpickling writes."""
        for change in facts.summary.changes:
            target = change.target
            entry = made_by(target) if isinstance(target, CallNode) else None
            if entry is None or entry.state is not State.MODEL_FILE:
                continue
            if change.kind is not ChangeKind.BUILD:
                continue
            (state,) = change.items
            content = content_of(state)
            if is_ambiguous(state, facts.summary.anomalies):
                yield Match(
                    message="Unpickling writes a new temporary file for CRFsuite to read, and the "
                    "stream has strings of Python 2 that may be other bytes than were examined.",
                    offset=facts.at(change.offset),
                    evidence=(entry.name,),
                    severity=Severity.HIGH,
                )
            elif content is not None:
                yield Match(
                    message=f"Unpickling writes a new temporary file of {len(content)} bytes, "
                    "for CRFsuite to read.",
                    offset=facts.at(change.offset),
                    evidence=(entry.name,),
                )
