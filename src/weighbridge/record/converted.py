"""What was converted, as text and as JSON (`weighbridge.converted/v1`)."""

from collections.abc import Iterator, Sequence
from typing import Protocol

from weighbridge.core.artifact import ArtifactDigests
from weighbridge.core.errors import one_line
from weighbridge.record.confinement import missing_confinement
from weighbridge.record.json_v1 import Document, confinement_document
from weighbridge.record.style import counted, readable_size, shown
from weighbridge.sandbox.interface import Confinement


class ConvertedFile(Protocol):
    """A file that was written; see `convert.plan.PlannedFile`."""

    @property
    def source(self) -> str:
        """Path of the checkpoint; `.` for a single file."""
        ...

    @property
    def target(self) -> str:
        """Path of the file."""
        ...

    @property
    def size(self) -> int:
        """Bytes of the file."""
        ...

    @property
    def tensors(self) -> Sequence[object]:
        """The tensors in it."""
        ...

    @property
    def aliases(self) -> Sequence[tuple[str, str]]:
        """Names, and the earlier ones whose very elements they stand for."""
        ...

    @property
    def rearranged(self) -> Sequence[str]:
        """Tensors whose elements lie in another order than in the checkpoint."""
        ...

    @property
    def left(self) -> Sequence[str]:
        """What is no tensor and was left out."""
        ...


class ConvertedClaim(Protocol):
    """The claim that was written; see `pipeline.conversion.claim.Made`."""

    @property
    def claims(self) -> str:
        """Name of the claims file."""
        ...

    @property
    def name(self) -> str:
        """What the claim calls the input."""
        ...

    @property
    def source(self) -> ArtifactDigests:
        """The input's digests."""
        ...

    @property
    def result(self) -> ArtifactDigests:
        """The result's digests."""
        ...

    @property
    def carried(self) -> int:
        """How many claims of the input went along."""
        ...


class Converted(Protocol):
    """What was made; see `pipeline.conversion.convert.ConvertResult`."""

    @property
    def path(self) -> object:
        """The directory or file."""
        ...

    @property
    def files(self) -> Sequence[ConvertedFile]:
        """What was converted."""
        ...

    @property
    def copied(self) -> Sequence[str]:
        """What went along."""
        ...

    @property
    def left_out(self) -> Sequence[str]:
        """What did not."""
        ...

    @property
    def confinement(self) -> Confinement | None:
        """What the processes were kept to that converted."""
        ...

    @property
    def claim(self) -> ConvertedClaim | None:
        """The claim; None without a signer."""
        ...


def converted_document(converted: Converted) -> Document:
    """Return the document of `convert`: schema `weighbridge.converted/v1`."""
    claim = converted.claim
    return {
        "schema": "weighbridge.converted/v1",
        "path": str(converted.path),
        "to": "safetensors",
        "files": [_file(file) for file in converted.files],
        "copied": list(converted.copied),
        "left_out": list(converted.left_out),
        "confinement": confinement_document(converted.confinement),
        "claim": None if claim is None else _claim(claim),
    }


def _file(file: ConvertedFile) -> Document:
    return {
        "path": file.target,
        "source": file.source,
        "bytes": file.size,
        "tensors": len(file.tensors),
        "aliases": [{"name": name, "same_as": kept} for name, kept in file.aliases],
        "rearranged": list(file.rearranged),
        "not_tensors": list(file.left),
    }


def _claim(claim: ConvertedClaim) -> Document:
    return {
        "claims": claim.claims,
        "input": {"name": claim.name, "digest": _digests(claim.source)},
        "output": {"name": claim.result.name, "digest": _digests(claim.result)},
        "carried": claim.carried,
    }


def _digests(digests: ArtifactDigests) -> Document:
    return {"oms": str(digests.oms), "names": str(digests.names)}


def converted_text(converted: Converted) -> str:
    """Return what was converted, for people."""
    return "\n".join(_lines(converted))


def _lines(converted: Converted) -> Iterator[str]:
    tensors = sum(len(file.tensors) for file in converted.files)
    size = readable_size(sum(file.size for file in converted.files))
    files = counted(len(converted.files), "file")
    where = one_line(str(converted.path))
    yield f"converted {counted(tensors, 'tensor')} ({size}) in {files}: {where}"
    yield from shown((f"  {_named(file)}" for file in converted.files), noun="files")
    for what, items in (
        ("name for the elements of another one", _aliases(converted)),
        ("tensor put in order", [n for file in converted.files for n in file.rearranged]),
        ("value left out that is no tensor", [n for file in converted.files for n in file.left]),
        ("file copied", converted.copied),
        ("file left out", converted.left_out),
    ):
        if items:
            first, _, rest = what.partition(" ")
            yield f"{counted(len(items), first)} {rest}"
            yield from shown((f"  {one_line(item)}" for item in items), noun=f"{first}s")
    if converted.claim is not None:
        claim = converted.claim
        yield f"claimed in {one_line(claim.claims)}: made from {one_line(claim.name)}"
        yield f"  {counted(claim.carried, 'claim')} of it carried along"
    missing = missing_confinement(converted.confinement, what="Converted")
    if missing is not None:
        yield missing


def _named(file: ConvertedFile) -> str:
    source = "" if file.source == "." else f"{one_line(file.source)} -> "
    tensors = counted(len(file.tensors), "tensor")
    return f"{source}{one_line(file.target)}  {tensors}, {readable_size(file.size)}"


def _aliases(converted: Converted) -> list[str]:
    return [f"{name} = {kept}" for file in converted.files for name, kept in file.aliases]
