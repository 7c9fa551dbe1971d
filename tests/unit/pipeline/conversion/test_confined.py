"""Conversions by confined processes: as in this one, and whatever becomes of one is no result."""

import _thread
from dataclasses import fields
from pathlib import Path

import pytest

from support import pickles as p
from support.claims import write_files
from support.converting import convert_by, convert_here, convert_without_room
from support.torch_files import (
    checkpoint,
    floats,
    legacy_checkpoint,
    small_checkpoint,
    state,
    storage,
    tensor,
    vector,
)
from weighbridge.convert.plan import PlannedFile
from weighbridge.convert.worker import client
from weighbridge.core.codes import Code
from weighbridge.core.errors import (
    ArtifactRefusedError,
    IndeterminateError,
    LimitExceededError,
    MalformedContentError,
    OperationError,
    WeighbridgeError,
)
from weighbridge.pipeline.conversion import convert as module
from weighbridge.pipeline.conversion.convert import Conversion, convert
from weighbridge.sandbox.interface import Confinement, Measure
from weighbridge.sandbox.launcher import Launcher, Worker, is_supported

pytestmark = pytest.mark.skipif(not is_supported(), reason="no confined processes here")

PLAIN = Conversion()
TURNED = checkpoint(
    state(
        a=tensor(storage("0", 6), [3, 2], [1, 3]),
        b=vector("0", 6),
        c=vector("0", 6),
        n=p.integer(3),
    ),
    {"0": floats(*range(6))},
)
BROKEN = {
    "cut": (small_checkpoint()[:-30], PLAIN),
    "code": (checkpoint(p.system(), {}), PLAIN),
    "number": (TURNED, PLAIN),
    "views": (checkpoint(state(a=vector("0", 9)), {"0": floats(1)}), PLAIN),
    "part": (small_checkpoint(), Conversion(key="a\nb")),
}


def model(root: Path) -> Path:
    """Make a model of two checkpoints that are alike."""
    data = checkpoint(state(a=vector("0", 500)), {"0": bytes(2000)})
    return write_files(root, {"x.bin": data, "y.bin": data}).root


def outcome(source: Path, out: Path, how: Conversion) -> tuple[object, ...]:
    """Return all that comes of a conversion."""
    try:
        result = convert(source, out, how=how)
    except WeighbridgeError as error:
        texts = (error.message, error.where, error.expected, error.found, error.hint)
        return type(error), error.code, texts
    content = {file.name: file.read_bytes() for file in result.path.iterdir()}
    return tuple(replaced(file) for file in result.files), content


def replaced(file: PlannedFile) -> dict[str, object]:
    """Return what is known of a file; the order of its tensors is nobody's business."""
    said = {field.name: getattr(file, field.name) for field in fields(file)}
    return {**said, "tensors": set(file.tensors)}


def names(place: Path) -> list[str]:
    """Return what lies in *place*, hidden files too."""
    return sorted(path.name for path in place.iterdir())


def test_it_is_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Files, and what is told of them, to the last bit: in one process more, or in two."""
    files = {
        "a.bin": TURNED,
        "b.bin": small_checkpoint(),
        "d.bin": checkpoint(
            state(a=tensor(storage("0", 900), [2], [1])), {"0": bytes(3600)}, compressed=True
        ),
        "c.bin": legacy_checkpoint(state(a=vector("0", 2, legacy=True)), {"0": (2, floats(1, 2))}),
    }
    source = write_files(tmp_path / "model", files).root
    how = Conversion(tensors_only=True)
    monkeypatch.setattr(module, "available_cores", lambda: 2)
    confined = outcome(source, tmp_path / "confined", how)
    convert_here(monkeypatch)
    assert confined == outcome(source, tmp_path / "here", how)
    assert len(confined) == 2


def test_errors_are_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Their class, their code and every word."""
    source = tmp_path / "a.bin"
    for name, (data, how) in BROKEN.items():
        source.write_bytes(data)
        found = outcome(source, tmp_path / name, how)
        with monkeypatch.context() as patch:
            convert_here(patch)
            assert found == outcome(source, tmp_path / name, how)
        assert isinstance(found[0], type), name
        assert names(tmp_path) == ["a.bin"]


@pytest.mark.parametrize(
    ("target", "error", "code"),
    [
        ("dies_planning", IndeterminateError, Code.ISOLATED_ENDED),
        ("dies_writing", IndeterminateError, Code.ISOLATED_ENDED),
        ("hangs_planning", LimitExceededError, Code.ISOLATED_TIMEOUT),
        ("hangs_writing", LimitExceededError, Code.ISOLATED_TIMEOUT),
        ("talks_nonsense", MalformedContentError, Code.ISOLATED_MALFORMED),
        ("says_that_a_pipe_is_broken", OperationError, Code.IO_FAILED),
        ("advances_too_far", MalformedContentError, Code.ISOLATED_MALFORMED),
        ("writes_half", MalformedContentError, Code.ISOLATED_MALFORMED),
        ("writes_another_header", MalformedContentError, Code.ISOLATED_MALFORMED),
        ("changes_what_it_wrote", MalformedContentError, Code.ISOLATED_MALFORMED),
    ],
)
def test_a_worker_that_does_otherwise(
    target: str,
    error: type[WeighbridgeError],
    code: Code,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It is an error, and nothing is left."""
    convert_by(monkeypatch, target)
    monkeypatch.setattr(module, "available_cores", lambda: 1)
    if "hangs" in target:
        # Whatever is not said within it is not going to be said.
        monkeypatch.setattr(client, "CONVERT_SECONDS", 0.2)
    source = model(tmp_path / "model")
    with pytest.raises(error) as caught:
        convert(source, tmp_path / "out")
    assert caught.value.code is code
    assert names(tmp_path) == ["model"]


def test_what_is_written_has_a_bound(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file takes what was planned, and no byte more."""
    convert_by(monkeypatch, "writes_on")
    sizes: list[tuple[int, int]] = []
    real = module._check

    def check(place: Path, planned: PlannedFile) -> None:
        real(place, planned)
        sizes.append((place.stat().st_size, planned.size))

    monkeypatch.setattr(module, "_check", check)
    convert(model(tmp_path / "model"), tmp_path / "out")
    assert len(sizes) == 2
    assert all(size == planned for size, planned in sizes)


def test_what_is_written_has_a_bound_where_limits_cannot_be_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """There it is what the largest checkpoint could become, and more than planned is an error."""
    convert_by(monkeypatch, "writes_on")
    monkeypatch.setattr(Launcher, "limit_files", lambda *_: False)
    monkeypatch.setattr(client, "room_for", lambda _: 100_000)
    monkeypatch.setattr(client, "MAX_SAFETENSORS_HEADER_BYTES", 0)
    sizes: list[int] = []
    real = module._check

    def check(place: Path, planned: PlannedFile) -> None:
        sizes.append(place.stat().st_size)
        real(place, planned)

    monkeypatch.setattr(module, "_check", check)
    with pytest.raises(MalformedContentError):
        convert(model(tmp_path / "model"), tmp_path / "out")
    assert sizes == [100_008]
    assert names(tmp_path) == ["model"]


def test_nothing_else_can_be_reached(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither by a path, nor by what it was given to write to."""
    convert_by(monkeypatch, "reaches_out")
    victim = tmp_path / "victim"
    victim.write_text("mine")
    with pytest.raises(ArtifactRefusedError) as caught:
        convert(model(tmp_path / "model"), tmp_path / "out", how=Conversion(key=str(victim)))
    assert caught.value.message == "done: "
    assert victim.read_text() == "mine"
    assert names(tmp_path) == ["model", "victim"]


def test_an_interrupt_does_not_wait(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that says nothing is ended by Ctrl-C, and nothing is left."""
    convert_by(monkeypatch, "hangs_writing")

    class Interrupting:
        """Interrupts as soon as something is said to be written."""

        def begin(self, total: int, /) -> None:
            """Take note of nothing."""

        def advance(self, count: int, /) -> None:
            """Do what Ctrl-C does."""
            _thread.interrupt_main()

    with pytest.raises(KeyboardInterrupt):
        convert(model(tmp_path / "model"), tmp_path / "out", written=Interrupting())
    assert names(tmp_path) == ["model"]


def test_a_process_of_which_nobody_knows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where nobody can say that it has ended, it could still write: what it wrote does not count."""
    real = Worker.end

    def end(self: Worker) -> str:
        self._launcher._end_server()
        return real(self)

    monkeypatch.setattr(Worker, "end", end)
    with pytest.raises(IndeterminateError) as caught:
        convert(model(tmp_path / "model"), tmp_path / "out")
    assert caught.value.code is Code.ISOLATED_ENDED
    assert names(tmp_path) == ["model"]


def test_what_is_missing_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A conversion goes on with what holds, as a scan does."""
    result = convert(model(tmp_path / "model"), tmp_path / "out")
    assert result.confinement is not None
    missing = Confinement(enforced=frozenset(Measure) - {Measure.FILES})
    real = Launcher.start

    def start(self: Launcher) -> Worker:
        worker = real(self)
        worker.confinement = missing
        return worker

    monkeypatch.setattr(Launcher, "start", start)
    assert convert(tmp_path / "model", tmp_path / "other").confinement == missing


def test_a_process_that_does_not_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is converted, and nowhere."""
    monkeypatch.setattr("sys.executable", "/bin/false")
    with pytest.raises(OperationError, match="cannot be started"):
        convert(model(tmp_path / "model"), tmp_path / "out")
    assert names(tmp_path) == ["model"]


def test_a_full_disk_leaves_nothing(tmp_path: Path) -> None:
    """Where the system takes no more bytes, the worker says so, and nothing is left."""
    assert "cannot be written: File too large" in convert_without_room(tmp_path)
    assert names(tmp_path) == ["a.bin"]
