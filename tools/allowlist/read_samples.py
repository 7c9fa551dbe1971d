"""
Says what the files of a folder need: every name, how it is called, what state it gets.

Runs in this project's environment: `python tools/allowlist/read_samples.py OUT.json FOLDER...`.
Nothing is unpickled; the files are read by the scanner's own analyzers.
"""

import json
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from weighbridge.core.content import BytesSource
from weighbridge.core.errors import WeighbridgeError
from weighbridge.core.evidence import Finding, Gap, Severity
from weighbridge.formats.pickle.render import render
from weighbridge.formats.pickle.trace import ChangeKind
from weighbridge.formats.pickle.values import (
    ByteArrayNode,
    CallNode,
    DictNode,
    GlobalNode,
    ListNode,
    PersistentNode,
    SetNode,
    TupleNode,
    Value,
)
from weighbridge.formats.sniff import sniff
from weighbridge.scan import registry
from weighbridge.scan.examination import examine
from weighbridge.scan.interface import Subject
from weighbridge.scan.pickle_facts import PickleFacts

_SHOWN: Final = 6


def shape(value: Value) -> str:
    """Return what *value* is, in a word."""
    match value:
        case GlobalNode():
            return f"<{value.dotted}>"
        case CallNode():
            return f"call:{value.target}"
        case PersistentNode():
            return "persistent"
        case ListNode() | TupleNode() | SetNode() | DictNode() | ByteArrayNode():
            return type(value).__name__.removesuffix("Node").lower()
        case _:
            return type(value).__name__


def facts_of(subject: Subject) -> Iterator[PickleFacts]:
    """Yield the pickle facts of *subject* and of everything in it."""
    analyzer = registry.analyzer_for(subject.format)
    if analyzer is None:
        return
    try:
        for item in analyzer(subject):
            if isinstance(item, PickleFacts):
                yield item
            elif isinstance(item, Subject):
                yield from facts_of(item)
    except WeighbridgeError:
        return


class Use:
    """How one name is used."""

    def __init__(self) -> None:
        self.files: set[str] = set()
        self.calls: Counter[str] = Counter()
        self.states: Counter[str] = Counter()
        self.examples: list[str] = []

    def as_json(self) -> dict[str, object]:
        """Return the use as JSON."""
        return {
            "files": len(self.files),
            "example": min(self.files, default=""),
            "calls": dict(self.calls.most_common(_SHOWN)),
            "states": dict(self.states.most_common(_SHOWN)),
            "shown": self.examples[:2],
        }


def read(path: Path, uses: dict[str, Use], label: str) -> tuple[Finding | Gap, ...]:
    """Add the uses in the file at *path*, and return what the scan says of it."""
    data = path.read_bytes()
    source = BytesSource(data)
    told = sniff(source, name=path.name)
    subject = Subject(path=path.name, name=path.name, format=told.format, source=source)
    for facts in facts_of(subject):
        for name in facts.summary.names:
            uses[name].files.add(label)
        for call in facts.summary.calls:
            use = uses[call.target or "?"]
            shapes = [shape(v) for v in call.positional] if call.positional is not None else ["?"]
            if call.kwargs is not None:
                shapes.append("**")
            use.calls[f"{call.kind}({', '.join(shapes)[:120]})"] += 1
            if len(use.examples) < 2:  # noqa: PLR2004  two are enough
                use.examples.append(render(call, limit=160))
        for change in facts.summary.changes:
            target = change.target.target if isinstance(change.target, CallNode) else None
            first = shape(change.items[0]) if change.kind is ChangeKind.BUILD else ""
            uses[target or "?"].states[f"{change.kind}:{first}"] += 1
    return examine(subject)


def main() -> None:
    """Read every file of the folders, and write uses and findings."""
    target, *folders = sys.argv[1:]
    uses: dict[str, Use] = defaultdict(Use)
    blocked: dict[str, list[str]] = {}
    count = 0
    for folder in folders:
        for path in sorted(Path(folder).rglob("*")):
            if not path.is_file() or path.name in {"FAILED", "vocab.txt"} or path.suffix == ".yaml":
                continue
            count += 1
            label = f"{Path(folder).name}/{path.name}"
            found = read(path, uses, label)
            bad = [
                f"{e.rule}: {e.evidence[-1] if e.evidence else e.message}"
                + (f" {e.message}" if e.rule == "pickle-argument" else "")
                if isinstance(e, Finding)
                else f"{e.code}: {e.reason}"
                for e in found
                if isinstance(e, Gap) or e.severity.at_least(Severity.MEDIUM)
            ]
            if bad:
                blocked[label] = bad
    Path(target).write_text(
        json.dumps(
            {
                "files": count,
                "blocked": blocked,
                "uses": {name: use.as_json() for name, use in sorted(uses.items())},
            },
            indent=1,
        )
    )
    print(f"{count} files, {len(blocked)} blocked")


if __name__ == "__main__":
    main()
