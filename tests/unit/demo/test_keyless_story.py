"""The demonstration of signing without keys, on a tiny model: it tells the truth."""

import io
import os
import re
import shlex
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from pathlib import Path

import pytest

from support.encoder_model import write_encoder_model
from weighbridge.core.errors import MissingExtraError
from weighbridge.demo import attacks as key_attacks
from weighbridge.demo import model as models
from weighbridge.demo import story
from weighbridge.demo.console import Console
from weighbridge.demo.instance.identity import WorkflowRun
from weighbridge.demo.instance.loopback import LoopbackSigstore, loopback_sigstore
from weighbridge.demo.keyless import attacks, scenes, workshop
from weighbridge.demo.keyless.workshop import KeylessWorkshop
from weighbridge.demo.model import DemoModel, locate_model
from weighbridge.demo.scene import Scene, UnexpectedError
from weighbridge.demo.story import AS_EXPECTED, NOT_AS_EXPECTED, tell_keyless

SCENES = 16


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> DemoModel:
    """Return a model of a few kilobytes."""
    return write_encoder_model(tmp_path_factory.mktemp("installed"))


@pytest.fixture(scope="module")
def broken(model: DemoModel) -> DemoModel:
    """Return a model whose weights are others than its publisher's: a story that soon ends."""
    return replace(model, weights_sha256="00" * 32)


@pytest.fixture(scope="module")
def told(model: DemoModel, tmp_path_factory: pytest.TempPathFactory) -> tuple[int, str]:
    """Return the exit code and the text of the whole story."""
    stream = io.StringIO()
    code = tell_keyless(
        Console(stream=stream), model, directory=tmp_path_factory.mktemp("told") / "place"
    )
    return code, stream.getvalue()


@pytest.fixture
def shop(model: DemoModel, tmp_path: Path) -> Iterator[KeylessWorkshop]:
    """Return a workshop whose model is signed and whose policy is written."""
    place = tmp_path / "place"
    (place / "instance").mkdir(parents=True)
    with loopback_sigstore(place / "instance") as instance:
        made = KeylessWorkshop(
            console=Console(stream=io.StringIO()),
            original=model,
            directory=place,
            instance=instance,
            switch_off=lambda: None,
        )
        made.copy_model()
        made.sign_as(instance.workflow_token())
        made.policy.write_text(made.policy_text())
        yield made


def test_every_scene_ends_as_it_has_to(told: tuple[int, str]) -> None:
    """On a sound installation all scenes count as good and the exit code is 0."""
    code, text = told
    assert code == AS_EXPECTED, text
    assert f"{SCENES} of {SCENES} scenes ended as they have to" in text
    assert "NOT AS IT HAS TO BE" not in text


def test_the_story_says_that_the_instance_is_for_tests(told: tuple[int, str]) -> None:
    """Whoever watches learns that nobody should trust such an instance."""
    text = " ".join(told[1].split())
    assert "It is a test instance on this machine" in text
    assert "Never trust it elsewhere" in text


def test_lines_are_aligned_and_short(told: tuple[int, str]) -> None:
    """Scenes are numbered from 1, their lines indented by four, and none is longer than 100."""
    lines = told[1].splitlines()
    numbers = [int(m[1]) for line in lines if (m := re.match(r" ?(\d+)  [A-Z]", line))]
    assert numbers == list(range(1, SCENES + 1))
    assert [line for line in lines if len(line) > 100] == []


def test_the_check_asks_nobody(told: tuple[int, str]) -> None:
    """The check makes no request to the instance, and works when there is none any more."""
    assert "OFFLINE  0 requests to the instance" in told[1]
    ending = told[1].partition("the instance switched off")[2]
    assert "ALLOW" in ending


def test_nothing_is_left_behind(broken: DemoModel, tmp_path: Path) -> None:
    """After the story neither files nor threads are left; with `keep` the files are."""
    threads = threading.active_count()
    stream = io.StringIO()
    for keep in (False, True):
        tell_keyless(Console(stream=stream), broken, directory=tmp_path / "place", keep=keep)
        assert (tmp_path / "place").exists() is keep
    assert f"Kept: {tmp_path / 'place'}" in stream.getvalue()
    assert threading.active_count() <= threads  # those of other tests may end meanwhile


@pytest.mark.parametrize("scene", attacks.ATTACKS, ids=[s.title for s in attacks.ATTACKS])
def test_each_attack_leaves_the_model_as_it_was(
    shop: KeylessWorkshop, scene: Scene[KeylessWorkshop]
) -> None:
    """Every attack is stopped on its own, and undone to the byte."""
    before = {path: path.read_bytes() for path in shop.model.rglob("*") if path.is_file()}
    scene.play(shop)
    assert {p: p.read_bytes() for p in shop.model.rglob("*") if p.is_file()} == before


def _nothing(*_args: object, **_kwargs: object) -> AbstractContextManager[None]:
    return nullcontext()


@pytest.mark.parametrize(
    "scene",
    [s for s in attacks.ATTACKS if s.play is not attacks.forge_a_token],
    ids=lambda s: s.title,
)
def test_an_attack_that_is_not_detected_is_told(
    shop: KeylessWorkshop,
    scene: Scene[KeylessWorkshop],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """When an attack changes nothing and is allowed, its scene does not end as it has to."""
    monkeypatch.setattr(attacks, "replaced", _nothing)
    monkeypatch.setattr(key_attacks, "flipped_bit", _nothing)
    with pytest.raises(UnexpectedError, match=r"expected deny with .*, found allow"):
        scene.play(shop)


def test_a_forged_token_that_is_accepted_is_told(
    shop: KeylessWorkshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When the authority takes a forged token, the scene does not end as it has to."""
    monkeypatch.setattr(attacks, "Issuer", lambda _: shop.instance.github)
    with pytest.raises(UnexpectedError, match="expected no certificate for a forged token"):
        attacks.forge_a_token(shop)


def test_a_check_that_asks_somebody_is_told(
    shop: KeylessWorkshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When the check makes a request, its scene does not end as it has to."""
    asked = iter([1, 2])
    monkeypatch.setattr(LoopbackSigstore, "requests", property(lambda _: next(asked)))
    with pytest.raises(UnexpectedError, match="found 1 requests"):
        scenes.check_offline(shop)


def test_another_signer_than_expected_is_told(shop: KeylessWorkshop) -> None:
    """When the signature is not the workflow's, signing and the ending do not pass for good."""
    other = WorkflowRun(ref="refs/tags/v9")
    shop.sign_as(shop.instance.workflow_token(other))
    with pytest.raises(UnexpectedError, match="as the signer"):
        scenes.switch_off(shop)


def test_a_workflow_of_another_name_is_told(
    shop: KeylessWorkshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When the certificate names another workflow than the one that signs, signing says so."""
    monkeypatch.setattr(scenes, "RELEASE", replace(workshop.RELEASE, ref="refs/tags/v9"))
    monkeypatch.setattr(shop.instance.__class__, "workflow_token", _token_of_v1)
    with pytest.raises(UnexpectedError, match=r"expected .*v9, found .*v1"):
        scenes.sign_it(shop)


def _token_of_v1(instance: LoopbackSigstore, run: WorkflowRun | None = None) -> str:
    del run
    return instance.token(WorkflowRun().identity)


def test_a_story_that_breaks_off_says_so(broken: DemoModel, tmp_path: Path) -> None:
    """When a needed scene fails, the story ends there with exit code 10."""
    stream = io.StringIO()
    assert tell_keyless(Console(stream=stream), broken, directory=tmp_path / "p") == NOT_AS_EXPECTED
    assert "The rest of the story needs this step." in stream.getvalue()
    assert f"0 of {SCENES} scenes" in stream.getvalue()


def test_run_tells_this_story_when_asked(
    broken: DemoModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`run` with `keyless` tells this story, of the model that is installed."""
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", "1")
    monkeypatch.setattr(story, "locate_model", lambda **_: broken)
    stream = io.StringIO()
    place = tmp_path / "place"
    assert story.run(Console(stream=stream), place, keyless=True) == NOT_AS_EXPECTED
    assert stream.getvalue().startswith("weighbridge demo --keyless: tiny-encoder")


def test_missing_packages_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a package that the instance needs is missing, its name and the command are said."""
    monkeypatch.setattr(
        models, "find_spec", lambda name: None if name == "asn1crypto" else object()
    )
    monkeypatch.setattr(models, "_package_directory", lambda: Path("anywhere"))
    assert locate_model().directory == Path("anywhere", "model")
    with pytest.raises(MissingExtraError) as caught:
        locate_model(keyless=True)
    assert "asn1crypto" in str(caught.value)
    assert "pip install 'weighbridge[demo]'" in str(caught.value)


def test_the_commands_that_are_shown_work(shop: KeylessWorkshop) -> None:
    """Typed in order into a shell of the workflow, the commands of the way through succeed."""
    stream = io.StringIO()
    for scene in scenes.PASSAGE[2:5]:
        scene.play(replace(shop, console=Console(stream=stream)))
    shop.signature.unlink()
    text = re.sub(r" \\\n +", " ", stream.getvalue())
    commands = re.findall(r"^ +\$ (.*)$", text, flags=re.MULTILINE)
    assert [shlex.split(c)[:3] for c in commands] == [
        ["weighbridge", "sign", "sigstore"],
        ["weighbridge", "check", "model"],
    ]
    for command in commands:
        done = subprocess.run(
            [sys.executable, "-m", *shlex.split(command)],
            cwd=shop.directory,
            env={**os.environ, **shop.instance.environment()},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, command + done.stdout + done.stderr
