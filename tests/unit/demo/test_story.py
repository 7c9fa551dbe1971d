"""The whole demonstration on a tiny model: it tells the truth, and leaves nothing behind."""

import io
import re
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from pathlib import Path

import pytest

from support.encoder_model import write_encoder_model
from weighbridge.core.codes import Code
from weighbridge.core.errors import UsageError
from weighbridge.core.evidence import Uncovered
from weighbridge.core.verdict import Verdict
from weighbridge.demo import attacks, scenes, story, workshop
from weighbridge.demo.console import Console
from weighbridge.demo.model import DemoModel
from weighbridge.demo.story import AS_EXPECTED, NOT_AS_EXPECTED, tell
from weighbridge.demo.workshop import Workshop
from weighbridge.pipeline.scan import scan
from weighbridge.pipeline.selection import FileSelection

SCENES = 13
Damage = Callable[..., AbstractContextManager[None]]


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the directory in which the demonstration makes its own."""
    place = tmp_path / "temporary"
    place.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(place))
    return place


@pytest.fixture
def model(tmp_path: Path) -> DemoModel:
    """Return a model of a few kilobytes."""
    return write_encoder_model(tmp_path / "installed")


@pytest.fixture
def stream() -> io.StringIO:
    """Return what the story is written to."""
    return io.StringIO()


def _snapshot(directory: Path) -> dict[str, bytes]:
    return {str(p): p.read_bytes() for p in directory.rglob("*") if p.is_file()}


def _nothing(*_args: object, **_kwargs: object) -> AbstractContextManager[None]:
    return nullcontext()


def test_every_scene_ends_as_it_has_to(model: DemoModel, stream: io.StringIO) -> None:
    """On a sound installation all scenes count as good and the exit code is 0."""
    assert tell(Console(stream=stream), model) == AS_EXPECTED, stream.getvalue()
    assert f"{SCENES} of {SCENES} scenes ended as they have to" in stream.getvalue()
    assert "NOT AS IT HAS TO BE" not in stream.getvalue()


@pytest.mark.parametrize(
    ("attack", "title"),
    [
        ("flipped_bit", "A flipped bit"),
        ("added", "An added file"),
        ("renamed", "A renamed file"),
        ("replaced", "A wrong signer"),
        ("swapped", "A model swapped after the check"),
        ("overwritten", "A model swapped after the check"),
    ],
)
def test_an_attack_that_is_not_detected_is_told(
    attack: str, title: str, model: DemoModel, stream: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When an attack is allowed, its scene says so, the others go on, and the exit code is 10."""
    monkeypatch.setattr(attacks, attack, _nothing)
    assert tell(Console(stream=stream), model) == NOT_AS_EXPECTED
    told = stream.getvalue().partition(title)[2].partition("\n\n")[0]
    assert "NOT AS IT HAS TO BE: expected" in told
    assert "All attacks undone" in stream.getvalue()


def test_a_check_that_allows_everything_is_told(
    model: DemoModel, stream: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When every check gives the first verdict again, each attack's scene fails."""
    verdicts: list[Verdict] = []
    check = Workshop.check

    def sabotaged(shop: Workshop) -> Verdict:
        verdicts.append(check(shop) if not verdicts else verdicts[0])
        return verdicts[0]

    monkeypatch.setattr(Workshop, "check", sabotaged)
    assert tell(Console(stream=stream), model) == NOT_AS_EXPECTED
    assert stream.getvalue().count("NOT AS IT HAS TO BE") == 6


def test_a_payload_that_ran_is_told(
    model: DemoModel, stream: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When the marker of the malicious pickle exists, its scene fails."""
    scan = Workshop.scan

    def sabotaged(shop: Workshop) -> object:
        shop.marker.touch()
        return scan(shop)

    monkeypatch.setattr(Workshop, "scan", sabotaged)
    assert tell(Console(stream=stream), model) == NOT_AS_EXPECTED
    assert "expected that nothing runs the pickle" in stream.getvalue()


def test_other_weights_end_the_story_at_once(model: DemoModel, stream: io.StringIO) -> None:
    """Weights that are not the named ones are refused in the first scene, and no other is told."""
    weights = model.directory / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1] + b"\x00")
    assert tell(Console(stream=stream), model) == NOT_AS_EXPECTED
    assert f"expected the weights {model.weights_sha256}" in stream.getvalue()
    assert f"0 of {SCENES} scenes" in stream.getvalue()
    assert " 2  " not in stream.getvalue()


def test_embeddings_that_are_wrong_end_the_story(
    model: DemoModel, stream: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When the loaded tensors do not compute what the model does, loading did not work."""
    embed = scenes.embed
    monkeypatch.setattr(scenes, "embed", lambda shop, artifact: embed(shop, artifact)[::-1])
    assert tell(Console(stream=stream), model) == NOT_AS_EXPECTED
    assert "expected a similarity of" in stream.getvalue()
    assert f"5 of {SCENES} scenes" in stream.getvalue()


def test_a_model_that_brings_code_ends_the_story(model: DemoModel, stream: io.StringIO) -> None:
    """A Python file in the installed model is named in the first scene, and no other is told."""
    (model.directory / "modeling.py").write_text("import os\n")
    assert tell(Console(stream=stream), model) == NOT_AS_EXPECTED
    assert "expected no format that carries code, found modeling.py" in stream.getvalue()
    assert f"0 of {SCENES} scenes" in stream.getvalue()


def test_a_signature_that_leaves_files_out_ends_the_story(
    model: DemoModel, stream: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When the signature does not cover every file, signing did not do what the story says."""
    (model.directory / ".gitattributes").write_text("*.bin filter=lfs\n")
    monkeypatch.setattr(workshop, "FileSelection", lambda **_: FileSelection())
    assert tell(Console(stream=stream), model) == NOT_AS_EXPECTED
    assert "expected 6 files to be signed, found 5" in stream.getvalue()
    assert f"2 of {SCENES} scenes" in stream.getvalue()


def test_files_that_belong_to_git_are_signed_too(model: DemoModel, stream: io.StringIO) -> None:
    """The same file is covered by the signature that the story makes, and the check allows it."""
    (model.directory / ".gitattributes").write_text("*.bin filter=lfs\n")
    assert tell(Console(stream=stream), model) == AS_EXPECTED, stream.getvalue()
    assert "SIGNED   6 files" in stream.getvalue()


def test_an_allow_with_uncovered_files_ends_the_story(
    model: DemoModel, stream: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A check that allows a file which nobody signed is not what the story promises."""
    check = Workshop.check
    extra = (Uncovered(path="extra", reason="accepted"),)
    monkeypatch.setattr(Workshop, "check", lambda shop: replace(check(shop), uncovered=extra))
    assert tell(Console(stream=stream), model) == NOT_AS_EXPECTED
    assert "expected every file signed, found 1 not" in stream.getvalue()


def test_similarities_that_make_no_sense_end_the_story(
    model: DemoModel, stream: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first two sentences have to be the closest pair, whatever their similarity is."""
    embed = scenes.embed
    monkeypatch.setattr(scenes, "embed", lambda shop, artifact: embed(shop, artifact)[[0, 1, 0]])
    assert tell(Console(stream=stream), model) == NOT_AS_EXPECTED
    assert "expected the first two sentences to be the closest pair" in stream.getvalue()


def test_a_pickle_that_the_scanner_does_not_see_is_told(
    model: DemoModel, stream: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When scanning finds nothing in the malicious pickle, its scene fails."""
    monkeypatch.setattr(Workshop, "scan", lambda shop: scan(shop.original.directory))
    assert tell(Console(stream=stream), model) == NOT_AS_EXPECTED
    assert "expected pickle-dangerous-global about pytorch_model.bin" in stream.getvalue()


def test_a_load_that_takes_swapped_weights_is_told(
    model: DemoModel, stream: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When `load` gives out what was put in place after the check, its scene fails."""
    monkeypatch.setattr(attacks, "swapped", _nothing)
    assert tell(Console(stream=stream), model) == NOT_AS_EXPECTED
    assert "expected that load refuses the swapped weights, found a model" in stream.getvalue()


def test_nothing_is_left_behind(model: DemoModel, stream: io.StringIO, temporary: Path) -> None:
    """After the story its temporary directory is gone and the installed model is untouched."""
    before = _snapshot(model.directory)
    tell(Console(stream=stream), model)
    assert not list(temporary.iterdir())
    assert _snapshot(model.directory) == before


def test_an_interrupt_leaves_nothing_behind(
    model: DemoModel, stream: io.StringIO, temporary: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When the user interrupts in the middle of an attack, the directory is removed all the same."""

    def interrupted(_shop: Workshop) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Workshop, "scan", interrupted)
    with pytest.raises(KeyboardInterrupt):
        tell(Console(stream=stream), model)
    assert not list(temporary.iterdir())


def test_the_directory_can_be_kept(model: DemoModel, stream: io.StringIO, tmp_path: Path) -> None:
    """With `keep`, the directory has the signed model, the keys and the policy, and no attack."""
    place = tmp_path / "kept"
    assert tell(Console(stream=stream), model, directory=place, keep=True) == AS_EXPECTED
    assert f"Kept: {place}" in stream.getvalue()
    original = {path.relative_to(model.directory) for path in model.directory.rglob("*")}
    kept = {path.relative_to(place / "model") for path in (place / "model").rglob("*")}
    assert kept == original | {Path("model.sig")}
    assert {"publisher.key", "publisher.pub", "weighbridge.toml"} <= {
        p.name for p in place.iterdir()
    }
    assert (place / "publisher.key").stat().st_mode & 0o077 == 0
    assert not (place / "pwned").exists()


def test_a_directory_of_the_user_is_emptied_and_not_more(
    model: DemoModel, stream: io.StringIO, tmp_path: Path
) -> None:
    """Without `keep`, a directory that the user named is removed with what the story made."""
    place = tmp_path / "place"
    assert tell(Console(stream=stream), model, directory=place) == AS_EXPECTED
    assert not place.exists()
    assert tmp_path.exists()


def test_a_directory_that_holds_something_is_refused(
    model: DemoModel, stream: io.StringIO, tmp_path: Path
) -> None:
    """A directory with a file in it is not worked in, and the file stays."""
    (tmp_path / "precious").write_text("precious")
    with pytest.raises(UsageError) as caught:
        tell(Console(stream=stream), model, directory=tmp_path)
    assert caught.value.code is Code.OUTPUT_EXISTS
    assert (tmp_path / "precious").read_text() == "precious"


def test_run_uses_the_installed_model(
    model: DemoModel, stream: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`run` tells the story of the model that is installed."""
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", "1")
    monkeypatch.setattr(story, "locate_model", lambda **_: model)
    assert story.run(Console(stream=stream)) == AS_EXPECTED
    assert stream.getvalue().startswith("weighbridge demo: tiny-encoder")


def test_lines_are_aligned_and_short(model: DemoModel, stream: io.StringIO) -> None:
    """Scenes are numbered from 1, their lines indented by four, and none is longer than 100."""
    tell(Console(stream=stream), model)
    lines = stream.getvalue().splitlines()
    numbers = [int(m[1]) for line in lines if (m := re.match(r" ?(\d+)  [A-Z]", line))]
    assert numbers == list(range(1, SCENES + 1))
    assert all(len(line) <= 100 for line in lines)
    body = [line for line in lines[1:-1] if line and not re.match(r" ?\d+  ", line)]
    assert all(line.startswith("    ") for line in body)


def test_colours_change_nothing_but_colours(
    model: DemoModel, stream: io.StringIO, tmp_path: Path
) -> None:
    """The coloured story without its ANSI attributes has the lines of the plain one."""
    # The same place twice: where lines are broken depends on its name.
    tell(Console(stream=stream), model, directory=tmp_path / "place")
    coloured = io.StringIO()
    tell(Console(stream=coloured, colour=True), model, directory=tmp_path / "place")
    assert "\x1b[" in coloured.getvalue()
    assert _timeless(re.sub(r"\x1b\[\d+m", "", coloured.getvalue())) == _timeless(stream.getvalue())


def _timeless(text: str) -> str:
    return re.sub(r"\d+\.\d+ s\b|weighbridge-demo-\w+|[0-9a-f]{64}", "-", text)
