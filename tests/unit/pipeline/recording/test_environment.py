"""What is found out of the environment of a step, from files alone."""

import os
from pathlib import Path

import pytest

from weighbridge.pipeline.recording import environment
from weighbridge.pipeline.recording.environment import (
    container_image,
    installations,
    packages,
    system_places,
)
from weighbridge.pipeline.recording.surroundings import isolated_environment

DIGEST = "a" * 64


def install(prefix: Path, *names: str) -> Path:
    """Put packages into *prefix*, each with a record."""
    place = prefix / "lib" / "python3.12" / "site-packages"
    for name in names:
        (place / f"{name}.dist-info").mkdir(parents=True)
        (place / f"{name}.dist-info" / "RECORD").write_text("a.py,sha256=x,1\n")
    return place


def test_packages_have_names_versions_and_records(tmp_path: Path) -> None:
    """Each package is a package URL, with the digest of its record where there is one."""
    place = install(tmp_path, "Foo_Bar-1.0", "b-2.0+cu12")
    (place / "b-2.0+cu12.dist-info" / "RECORD").unlink()
    (place / "broken.dist-info").mkdir()
    first, second = packages([os.fspath(tmp_path)])
    assert first.uri == "pkg:pypi/b@2.0%2Bcu12"
    assert first.annotations == ()
    assert second.uri == "pkg:pypi/foo-bar@1.0"
    assert [name for name, _ in second.annotations] == ["weighbridge_record_sha256"]


def test_a_virtual_environment_is_all_that_counts(tmp_path: Path) -> None:
    """What the interpreter has installed is not seen from within a virtual environment."""
    install(tmp_path / "venv", "a-1")
    install(tmp_path / "base", "b-1")
    places = [os.fspath(tmp_path / name) for name in ("base", "venv")]
    assert len(packages(places)) == 2
    (tmp_path / "venv" / "pyvenv.cfg").touch()
    assert [each.uri for each in packages(places)] == ["pkg:pypi/a@1"]


def test_installations_are_found_by_links(tmp_path: Path) -> None:
    """A virtual environment's interpreter leads to the one that it was made with."""
    root = Path(os.path.realpath(tmp_path))
    for name in ("venv/bin", "base/bin", "other"):
        (root / name).mkdir(parents=True)
    (root / "base" / "bin" / "python3").touch()
    (root / "venv" / "bin" / "python3").symlink_to(root / "base" / "bin" / "python3")
    (root / "venv" / "pyvenv.cfg").touch()
    program = os.fspath(root / "venv" / "bin" / "python3")
    expected = tuple(os.fspath(root / name) for name in ("venv", "base"))
    assert installations(program, {}) == expected
    assert installations("/nowhere/sh", {"PATH": f"{root}/venv/bin:"}) == expected
    # An entry that cannot be looked at, as of another user's, is passed over.
    assert installations("/nowhere/sh", {"PATH": f"/{'x' * 300}/bin:{root}/venv/bin"}) == expected
    named = installations("/nowhere/sh", {"VIRTUAL_ENV": f"{root}/other"})
    assert named == (os.fspath(root / "other"),)


def test_neither_the_root_nor_a_home_is_an_installation(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`~/bin` and `/bin` do not make everything else expected."""
    monkeypatch.setenv("HOME", os.fspath(tmp_path))
    (tmp_path / "bin").mkdir()
    assert installations(os.fspath(tmp_path / "bin" / "tool"), {}) == ()
    assert installations("/bin/tool", {}) == ()
    assert "/" not in system_places()


@pytest.mark.parametrize(
    ("image", "digests"),
    [
        ("acme.example/train:1", ()),
        (f"acme.example/train@sha256:{DIGEST}", (("sha256", DIGEST),)),
    ],
)
def test_images_that_ci_tells(image: str, digests: tuple[tuple[str, str], ...]) -> None:
    """An image has a digest where it was named by one."""
    found = container_image({"CI_JOB_IMAGE": image})
    assert found is not None
    assert (found.uri, found.digests) == (f"docker://{image}", digests)


@pytest.mark.parametrize("image", ["", "a b", "a\nb", "\x1b[0m"])
def test_images_that_are_none(image: str) -> None:
    """What cannot be the name of an image is none."""
    assert container_image({"CI_JOB_IMAGE": image}) is None


def test_images_that_podman_tells(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Podman's file has the image and its id."""
    place = tmp_path / ".containerenv"
    place.write_text('engine="podman-5"\nimage="acme.example/train:1"\nimageid="abc"\n')
    monkeypatch.setattr(environment, "_CONTAINER", place)
    found = container_image({})
    assert found is not None
    assert found.annotations == (("weighbridge_image_id", '"abc"'),)
    place.write_bytes(b"x" * 100_000)
    assert container_image({}) is None


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("PATH", True),
        ("LANG", True),
        ("CUDA_VISIBLE_DEVICES", True),
        ("ACTIONS_ID_TOKEN_REQUEST_TOKEN", False),
        ("ACTIONS_ID_TOKEN_REQUEST_URL", False),
        ("WEIGHBRIDGE_PASSWORD", False),
        ("AWS_SECRET_ACCESS_KEY", False),
        ("acme_api_key", False),
        ("SSH_AUTH_SOCK", False),
    ],
)
def test_secrets_are_not_handed_on(tmp_path: Path, name: str, kept: bool) -> None:
    """What an isolated step gets has nothing that is named like a secret."""
    found = isolated_environment({name: "x", "HOME": "/home/a"}, tmp_path)
    assert (name in found) == kept
    assert found["HOME"] == found["TMPDIR"] == os.fspath(tmp_path)


def test_a_version_manager_is_an_installation(tmp_path: Path) -> None:
    """What its scripts look for lies beside them: versions, and the manager itself."""
    shims = tmp_path / "manager" / "shims"
    shims.mkdir(parents=True)
    (shims / "python3").write_text("#!/bin/sh\n", "utf-8")
    expected = (os.path.realpath(tmp_path / "manager"),)
    assert installations(os.fspath(shims / "python3"), {}) == expected
    assert installations(os.fspath(tmp_path / "scripts" / "python3"), {}) == ()
