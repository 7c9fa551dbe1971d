"""Conversions: in this process, or by workers that misbehave."""

from pathlib import Path

import pytest

from support.torch_files import checkpoint, state, vector
from weighbridge.convert.plan import PlannedFile
from weighbridge.convert.worker import client
from weighbridge.core.errors import OperationError
from weighbridge.pipeline.conversion.convert import ConvertResult, convert
from weighbridge.sandbox import launcher as launching
from weighbridge.sandbox.interface import Confinement, Measure

TESTS = str(Path(__file__).parents[1])


def convert_here(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have conversions done in this process, as on systems without confined ones."""
    monkeypatch.setattr(client, "is_supported", lambda: False)


def convert_by(monkeypatch: pytest.MonkeyPatch, target: str) -> None:
    """Have conversions done by workers that run *target* of `support.bad_converters`."""
    found = launching.search_path()
    monkeypatch.setattr(launching, "search_path", lambda: [*found, TESTS])
    monkeypatch.setattr(launching, "MAX_WORKER_START_SECONDS", 600)
    monkeypatch.setattr(client, "TARGET", f"support.bad_converters:{target}")


def convert_without_room(root: Path) -> str:
    """Return what is said of a conversion of `a.bin` in *root* when there is no room for half."""
    import resource  # noqa: PLC0415  not on every system

    data = checkpoint(state(a=vector("0", 100_000)), {"0": bytes(400_000)})
    (root / "a.bin").write_bytes(data)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, before[1]))
    try:
        with pytest.raises(OperationError) as caught:
            convert(root / "a.bin", root / "out")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    return str(caught.value)


def confined_less() -> ConvertResult:
    """Return what comes of a conversion on a system that refuses Landlock."""
    file = PlannedFile(
        source="net.bin",
        target="model.safetensors",
        header=bytes(104),
        size=112,
        tensors=("a", "b"),
        aliases=(("b", "a"),),
        rearranged=("a",),
        left=("epoch: int",),
    )
    return ConvertResult(
        path=Path("out"),
        files=(file,),
        copied=("config.json",),
        left_out=("train.py",),
        confinement=Confinement(
            enforced=frozenset(Measure) - {Measure.FILES},
            refused=((Measure.FILES, "no\x1b[0m Landlock"),),
        ),
    )
