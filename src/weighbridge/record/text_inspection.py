"""An inspection for people: what it is, what in it can execute, what it claims."""

from collections import Counter
from collections.abc import Iterator
from typing import Final

from weighbridge.core.artifact import Carries, FileEntry, carries
from weighbridge.core.errors import one_line
from weighbridge.record.inspection import Inspected, SignatureClaim
from weighbridge.record.single_file import name_in_inventory
from weighbridge.record.style import PLAIN, Style, counted, readable_size, shown

_SUSPECT: Final = frozenset({Carries.CODE, Carries.CONTAINER, Carries.UNKNOWN})


def inspection_text(inspected: Inspected, *, style: Style = PLAIN) -> str:
    """Return the inspection for people; untrusted text in it is escaped."""
    return "\n".join(_lines(inspected, style)) + "\n"


def _lines(inspected: Inspected, style: Style) -> Iterator[str]:
    inventory = name_in_inventory(inspected.inventory)
    total = sum(entry.size for entry in inventory.entries)
    yield style.paint(one_line(inventory.name), style.strong)
    yield (f"  {inventory.kind}, {counted(len(inventory.entries), 'file')}, {readable_size(total)}")
    if inspected.digests is not None:
        yield f"  root digest  {inspected.digests.oms}"
        yield f"  names digest {inspected.digests.names}"
    yield from _format_lines(inventory.entries)
    suspects = [e for e in inventory.entries if e.format and carries(e.format) in _SUSPECT]
    if suspects:
        yield ""
        yield style.paint("Can execute, or nobody can tell", style.bad)
        yield from shown((_suspect_line(entry) for entry in suspects), noun="files")
    else:
        yield ""
        yield style.paint("No format in it can carry code", style.good)
    liars = [entry for entry in inventory.entries if entry.suffix_format is not None]
    if liars:
        yield ""
        yield style.paint("Names that promise another format", style.unclear)
        yield from shown((_liar_line(entry) for entry in liars), noun="files")
    if inventory.gaps:
        yield ""
        yield style.paint("Could not be accounted for", style.bad)
        gaps = (
            f"  {one_line(gap.path or 'the artifact')}: {one_line(gap.reason)} [{gap.code}]"
            for gap in inventory.gaps
        )
        yield from shown(gaps, noun="gaps")
    yield ""
    for signature in inspected.signatures or (None,):
        yield from _signature_lines(signature)


def _format_lines(entries: tuple[FileEntry, ...]) -> Iterator[str]:
    counts: Counter[str] = Counter()
    sizes: Counter[str] = Counter()
    for entry in entries:
        name = str(entry.format) if entry.format else "not determined"
        counts[name] += 1
        sizes[name] += entry.size
    for name in sorted(counts, key=lambda n: (-sizes[n], n)):
        files = counted(counts[name], "file")
        yield f"    {name:<16} {files:>12} {readable_size(sizes[name]):>12}"


def _suspect_line(entry: FileEntry) -> str:
    return f"  {one_line(entry.path)}: {entry.format}"


def _liar_line(entry: FileEntry) -> str:
    return f"  {one_line(entry.path)}: promises {entry.suffix_format}, is {entry.format}"


def _signature_lines(signature: SignatureClaim | None) -> Iterator[str]:
    if signature is None:
        yield "No signature beside it"
        return
    if signature.problem is not None:
        yield f"A signature that cannot be read: {one_line(signature.problem)}"
        return
    subject = "" if signature.subject is None else f" of '{one_line(signature.subject.text)}'"
    yield (
        f"It claims a signature{subject}, method {signature.method}, "
        f"{counted(signature.files, 'file')} ({one_line(signature.path)}); not verified"
    )
