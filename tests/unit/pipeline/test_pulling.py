"""Pulling: the verified bytes get to a directory whole, or nothing does."""

import stat
from collections.abc import Mapping
from pathlib import Path

import pytest

from support.hub_models import files_below
from support.interrupting import interrupt_removal
from support.signed_model import SignedModel, make_signed_model, safetensors_file
from support.streams import FullStream
from weighbridge.cli.main import run
from weighbridge.core.errors import (
    ArtifactChangedError,
    OperationError,
    PolicyDeniedError,
    UsageError,
)
from weighbridge.load.artifact import VerifiedArtifact
from weighbridge.load.held import HeldFile
from weighbridge.load.tree import set_mode, write_tree
from weighbridge.pipeline import copies, pulling
from weighbridge.pipeline.pulling import pull

FILES = {
    "a.safetensors": safetensors_file(w=[1.0]),
    "config.json": b"{}",
    "deep/er/b.safetensors": safetensors_file(w=[2.0]),
}


def names_in(place: Path) -> list[str] | None:
    """Return what is in *place*; None if it is not there."""
    return sorted(entry.name for entry in place.iterdir()) if place.exists() else None


@pytest.fixture
def model(tmp_path: Path) -> SignedModel:
    """Return a signed model."""
    return make_signed_model(tmp_path, dict(FILES))


@pytest.mark.parametrize("there", [False, True])
def test_everything_that_was_signed_gets_there(
    model: SignedModel, tmp_path: Path, *, there: bool
) -> None:
    """The files get to a directory that is there or not, read only, and the signature does not."""
    place = tmp_path / "mnt" / "models"
    if there:
        place.mkdir(parents=True)
    done = pull(model.root, place, policy=model.policy)
    assert files_below(place) == FILES
    assert done.files == tuple(sorted(FILES))
    assert done.size == sum(map(len, FILES.values()))
    assert {stat.S_IMODE((place / path).stat().st_mode) for path in FILES} == {0o444}
    assert stat.S_IMODE((place / "deep" / "er").stat().st_mode) == 0o555
    assert names_in(place.parent) == ["models"]


def test_models_larger_than_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where memory has no room, what is copied is verified on its way, whatever the file has now."""
    monkeypatch.setattr(copies, "physical_memory", lambda: 1)
    files = {**FILES, "a.safetensors": safetensors_file(w=[1.0] * 100_000)}
    model = make_signed_model(tmp_path, dict(files))

    def change(root: Path, held: Mapping[str, HeldFile]) -> None:
        path = model.root / "a.safetensors"
        path.write_bytes(path.read_bytes()[:-1] + b"!")
        write_tree(root, held)

    pull(model.root, tmp_path / "unchanged", policy=model.policy)
    assert files_below(tmp_path / "unchanged") == files
    monkeypatch.setattr(pulling, "write_tree", change)
    try:
        pull(model.root, tmp_path / "changed", policy=model.policy)
    except ArtifactChangedError:
        assert names_in(tmp_path / "changed") is None
    else:
        assert files_below(tmp_path / "changed") == files


def test_a_single_file_keeps_its_name(tmp_path: Path) -> None:
    """A model of one file is that file in the directory."""
    made = make_signed_model(tmp_path, {"model.safetensors": FILES["a.safetensors"]})
    (tmp_path / "weighbridge.toml").write_text(
        'version = 1\n[[rule]]\nmatch = ["**"]\nboundary = ["load"]\n'
        "signature = { required = false }\n"
    )
    policy = type(made.policy).from_file(tmp_path / "weighbridge.toml")
    pull(made.root / "model.safetensors", tmp_path / "out", policy=policy)
    assert files_below(tmp_path / "out") == {"model.safetensors": FILES["a.safetensors"]}


@pytest.mark.parametrize("there", [False, True])
def test_a_denied_model_leaves_nothing(model: SignedModel, tmp_path: Path, *, there: bool) -> None:
    """One other byte, and nothing is written: no file, no directory that was not there."""
    (model.root / "config.json").write_bytes(b"[]")
    place = tmp_path / "out"
    if there:
        place.mkdir()
    with pytest.raises(PolicyDeniedError):
        pull(model.root, place, policy=model.policy)
    assert names_in(place) == ([] if there else None)


@pytest.mark.parametrize("there", [False, True])
def test_a_full_disk_leaves_nothing(
    model: SignedModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, there: bool
) -> None:
    """What goes wrong in the middle of writing or moving takes everything away again."""
    place = tmp_path / "out"
    if there:
        place.mkdir()
    count = iter(range(100))

    def fail_later(*arguments: object) -> None:
        if next(count) == (1 if there else 0):
            raise OSError(28, "No space left on device")
        moved(*arguments)  # type: ignore[arg-type]

    moved = pulling._move
    monkeypatch.setattr(pulling, "_move" if there else "write_tree", fail_later)
    with pytest.raises(OperationError, match="No space left"):
        pull(model.root, place, policy=model.policy)
    assert names_in(place) == ([] if there else None)


@pytest.mark.parametrize("there", [False, True])
def test_an_interrupt_leaves_nothing(
    model: SignedModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, there: bool
) -> None:
    """Ctrl-C while the memory is freed comes before any name; again, while all is taken away."""
    place = tmp_path / "out"
    if there:
        place.mkdir()
    before = names_in(tmp_path)
    removed = interrupt_removal(monkeypatch)

    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(VerifiedArtifact, "__exit__", interrupted)
    with pytest.raises(KeyboardInterrupt):
        pull(model.root, place, policy=model.policy)
    assert len(removed) == 2
    assert names_in(tmp_path) == before
    assert names_in(place) == ([] if there else None)


def test_a_mode_that_cannot_be_set_leaves_nothing(
    model: SignedModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What has its name already is taken away as well."""
    place = tmp_path / "out"
    place.mkdir()

    def refuse_there(path: Path, mode: int) -> None:
        if path.parent == place and not path.name.startswith("."):
            raise OSError(1, "Operation not permitted")
        set_mode(path, mode)

    monkeypatch.setattr(pulling, "set_mode", refuse_there)
    with pytest.raises(OperationError, match="not permitted"):
        pull(model.root, place, policy=model.policy)
    assert names_in(place) == []


@pytest.mark.parametrize("moved", ["deep", "out"])
def test_a_link_in_the_place_of_a_directory(
    model: SignedModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, moved: str
) -> None:
    """Who exchanges what was moved, or is about to be, has the mode of nothing else set."""
    outside = tmp_path / "outside"
    outside.mkdir(0o700)
    place = tmp_path / "out"
    if moved == "deep":
        place.mkdir()
    rename = Path.rename

    def exchange(path: Path, target: Path) -> Path:
        done = rename(path, target)
        if target.name == "deep":
            rename(target, tmp_path / "aside")
            target.symlink_to(outside)
        return done

    def write(root: Path, files: Mapping[str, HeldFile]) -> None:
        write_tree(root, files)
        rename(root, tmp_path / "aside")
        root.symlink_to(outside)

    if moved == "deep":
        monkeypatch.setattr(Path, "rename", exchange)
    else:
        monkeypatch.setattr(pulling, "write_tree", write)
    with pytest.raises(OperationError, match="Not a directory"):
        pull(model.root, place, policy=model.policy)
    assert stat.S_IMODE(outside.stat().st_mode) == 0o700


def test_what_appears_meanwhile_is_not_replaced(
    model: SignedModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file that somebody puts into the destination meanwhile stays, and the pull fails."""
    place = tmp_path / "out"
    place.mkdir()

    def intrude(root: Path, files: Mapping[str, HeldFile]) -> None:
        write_tree(root, files)
        (place / "config.json").write_text("theirs")

    monkeypatch.setattr(pulling, "write_tree", intrude)
    with pytest.raises(OperationError, match="File exists"):
        pull(model.root, place, policy=model.policy)
    assert files_below(place) == {"config.json": b"theirs"}


@pytest.mark.parametrize("kind", ["file", "full", "link"])
def test_other_destinations_are_refused(model: SignedModel, tmp_path: Path, kind: str) -> None:
    """A file, a directory with something in it, and a link to nothing are no destinations."""
    place = tmp_path / "out"
    match kind:
        case "file":
            place.write_text("x")
        case "link":
            place.symlink_to(tmp_path / "nowhere")
        case _:
            place.mkdir()
            (place / ".hidden").write_text("x")
    with pytest.raises((UsageError, OperationError)):
        pull(model.root, place, policy=model.policy)


def test_a_killed_pull_does_not_stop_the_next(model: SignedModel, tmp_path: Path) -> None:
    """What a pull left that was killed before anything had its name is taken away."""
    place = tmp_path / "out"
    (place / ".weighbridge-0123456789abcdef" / "x").mkdir(parents=True)
    pull(model.root, place, policy=model.policy)
    assert files_below(place) == FILES


def test_as_a_command(
    model: SignedModel, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The command prints the verdict, and its exit code says whether anything was copied."""
    policy = ["--policy", str(tmp_path / "weighbridge.toml")]
    assert run(["pull", str(model.root), str(tmp_path / "out"), *policy]) == 0
    printed = capsys.readouterr()
    assert printed.out.startswith("ALLOW")
    assert "3 files" in printed.err
    (model.root / "config.json").write_bytes(b"[]")
    assert run(["pull", str(model.root), str(tmp_path / "other"), *policy]) == 10
    assert capsys.readouterr().out.startswith("DENY")
    assert not (tmp_path / "other").exists()


@pytest.mark.parametrize("there", [False, True])
def test_a_verdict_that_nobody_can_read_lets_nothing_through(
    model: SignedModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, there: bool
) -> None:
    """Where the verdict cannot be printed nothing stays in the destination, and the code says so."""
    place = tmp_path / "out"
    if there:
        place.mkdir()
    monkeypatch.setattr("sys.stdout", FullStream())
    policy = ["--policy", str(tmp_path / "weighbridge.toml")]
    assert run(["pull", str(model.root), str(place), *policy]) == 1
    assert names_in(place) == ([] if there else None)


def test_where_a_model_was_put_is_one_line(
    model: SignedModel, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """What a terminal would take as more than text is escaped in the destination's name."""
    policy = ["--policy", str(tmp_path / "weighbridge.toml")]
    assert run(["pull", str(model.root), str(tmp_path / "a\nb\x1b[31m"), *policy]) == 0
    assert capsys.readouterr().err.endswith("a\\nb\\x1b[31m\n")


@pytest.mark.parametrize("where", ["", "in/it"])
def test_a_model_is_not_pulled_into_itself(model: SignedModel, where: str) -> None:
    """A copy in the model would be files that nobody signed: the next check would deny it."""
    before = files_below(model.root)
    with pytest.raises(UsageError, match="lies in the model itself"):
        pull(model.root, model.root / where, policy=model.policy)
    assert files_below(model.root) == before
