"""A pickle that hands a model to a parser that is compiled into its framework."""

from collections.abc import Iterator

from weighbridge.core.evidence import Severity
from weighbridge.formats.pickle.render import render
from weighbridge.formats.pickle.trace import ChangeKind
from weighbridge.formats.pickle.values import CallNode
from weighbridge.scan.allowlist import Arguments, State, find_entry
from weighbridge.scan.interface import Match, Rule
from weighbridge.scan.pickle_arguments import made_by
from weighbridge.scan.pickle_facts import PickleFacts


class PickleNativeState(Rule[PickleFacts]):
    """Boosters keep their model as bytes that C++ parses: not code, but not examined either."""

    id = "pickle-native-state"
    severity = Severity.LOW
    consumes = PickleFacts

    def check(self, facts: PickleFacts, /) -> Iterator[Match]:
        """Yield each class that parses such a state once."""
        for name, call in facts.summary.first_calls.items():
            listed = find_entry(name)
            if listed is not None and listed.args is Arguments.NATIVE:
                yield Match(
                    message=f"Unpickling hands an object to the compiled parser of {name}.",
                    offset=facts.at(call.offset),
                    evidence=(render(call), name),
                )
        seen: set[str] = set()
        for change in facts.summary.changes:
            target = change.target
            entry = made_by(target) if isinstance(target, CallNode) else None
            if entry is None or entry.state is not State.NATIVE or entry.name in seen:
                continue
            if change.kind is ChangeKind.BUILD:
                seen.add(entry.name)
                shown = ", ".join(render(item, limit=200) for item in change.items)
                yield Match(
                    message=f"Unpickling hands a model to the compiled parser of {entry.name}.",
                    offset=facts.at(change.offset),
                    evidence=(shown, entry.name),
                )
