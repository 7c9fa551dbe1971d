"""What an installation can do on a machine, as text."""

from collections.abc import Iterator, Sequence
from itertools import groupby

from weighbridge.core.errors import one_line
from weighbridge.record.json_operations import CapabilityLine, EngineLine


def installation_text(lines: Sequence[CapabilityLine], engines: Sequence[EngineLine]) -> str:
    """Return a line for each capability, and a paragraph for each engine."""
    width = max(len(line.name) for line in lines)
    return "\n".join(
        [
            *(
                f"{'yes' if line.present else 'no':<4} {line.name:<{width}}  {line.detail}"
                for line in lines
            ),
            "",
            "isolation",
            *(line for engine in engines for line in _engine(engine)),
        ]
    )


def _engine(engine: EngineLine) -> Iterator[str]:
    choice = " (only where it is named)" if engine.named else ""
    said = "" if engine.version is None else f": {one_line(engine.version)}"
    yield f"{'yes' if engine.works else 'no':<4} {engine.engine}{choice}{said}"
    if engine.walls:
        yield f"     holds    {', '.join(engine.walls)}"
    # Often it is one thing that everything is missing for.
    for reason, group in groupby(engine.missing, key=lambda each: each[1]):
        walls = [wall for wall, _ in group]
        what = ", ".join(walls) if engine.works else "everything"
        yield f"     missing  {what}: {one_line(reason)}"
    for key, reason in engine.cannot:
        yield f"     cannot   {key}: {reason}"
    for remedy in engine.remedies:
        yield f"     to do    {remedy}"
