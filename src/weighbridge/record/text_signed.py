"""What became of an earlier signature and of a manifest when a model was signed, for people."""

from collections.abc import Iterator, Sequence

from weighbridge.core.errors import one_line
from weighbridge.record.signed import ManifestLine, ReuseLine
from weighbridge.record.style import counted, shown


def prior_lines(
    reuse: ReuseLine | None, manifest: ManifestLine | None, remembered: int | None
) -> Iterator[str]:
    """Yield the lines; every file that was signed without being read is named."""
    if reuse is not None:
        where = one_line(str(reuse.signature))
        yield f"since {where} ({one_line(reuse.identity.label)}):"
        yield from _files("not read, by their stamps", reuse.taken)
        yield f"  {counted(len(reuse.unchanged), 'file')} read and unchanged"
        yield from _files("changed", reuse.changed)
        yield from _files("added", reuse.added)
        yield from _files("removed", reuse.removed)
    if manifest is not None:
        yield f"by the manifest {one_line(str(manifest.manifest))}:"
        yield from _files("not read, as the manifest says", manifest.taken)
        yield f"  {counted(len(manifest.compared), 'file')} read and as it says"
        yield from _files("read, and not in the manifest", manifest.unstated)
    if remembered is not None:
        yield f"remembered: {counted(remembered, 'file')}"


def _files(what: str, paths: Sequence[str]) -> Iterator[str]:
    if paths:
        yield f"  {counted(len(paths), 'file')} {what}"
        yield from shown((f"    {one_line(path)}" for path in paths), noun="files")
