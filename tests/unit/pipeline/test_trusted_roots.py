"""Refreshing a trusted root: verified, whole or not at all, and told."""

import errno
import hashlib
import json
import os
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any, NoReturn

import pytest
from sigstore._utils import read_embedded
from tuf.api.exceptions import DownloadError

from support.signatures import refused
from support.tuf_repository import Repository as Published
from support.tuf_repository import tuf_repository
from weighbridge.core.codes import Code
from weighbridge.core.errors import OperationError, RefusedError, UsageError
from weighbridge.core.limits.signing import MAX_TRUST_FILE_BYTES
from weighbridge.pipeline import trusted_roots
from weighbridge.pipeline.trusted_roots import (
    Repository,
    RootRefresh,
    chosen_trust,
    update_root,
    user_directory,
    view_root,
)
from weighbridge.signing.sigstore.trust import (
    ROOT_NAME,
    SERVICES_NAME,
    Instance,
    packaged_trust,
    parse_trust,
)

ROOT = read_embedded(ROOT_NAME, Instance.PUBLIC.url)
SERVICES = read_embedded(SERVICES_NAME, Instance.PUBLIC.url)


def retired(data: bytes) -> bytes:
    """Return a root whose first log was retired."""
    document = json.loads(data)
    document["tlogs"][0]["publicKey"]["validFor"]["end"] = "2031-01-01T00:00:00Z"
    return json.dumps(document).encode()


@pytest.fixture
def published(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Published]:
    """Run a repository that plays the public instance's, and give the user an empty directory."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    with tuf_repository() as repository:
        monkeypatch.setattr(Instance, "url", property(lambda _: repository.url))
        monkeypatch.setattr(trusted_roots, "packaged_keys", lambda _: repository.keys)
        # The package's own root is found under the address of the real instance.
        real = parse_trust(ROOT, where="packaged", services=SERVICES)
        monkeypatch.setattr(trusted_roots, "packaged_trust", lambda _: real)
        yield repository


def private(published: Published, place: Path, output: Path) -> RootRefresh:
    """Refresh the root of a private instance into *output*."""
    keys = place / "root.json"
    keys.write_bytes(published.keys)
    return update_root(repository=Repository(url=published.url, keys=keys), output=output)


def test_a_refresh_is_kept_used_and_told(published: Published) -> None:
    """A new root is verified, kept for the user alone, used from then on, and its changes named."""
    assert chosen_trust(file=None).where == "packaged"
    published.publish({ROOT_NAME: retired(ROOT), SERVICES_NAME: SERVICES})
    refresh = update_root()
    assert refresh.path == user_directory() / "public" / ROOT_NAME
    assert refresh.path.read_bytes() == retired(ROOT)
    assert refresh.path.stat().st_mode & 0o777 == 0o600
    assert refresh.sha256 == hashlib.sha256(retired(ROOT)).hexdigest()
    assert refresh.before == hashlib.sha256(ROOT).hexdigest()
    (change,) = refresh.changes
    assert change.startswith("changed transparency log")
    trust = chosen_trust(file=None)
    assert trust.sha256 == refresh.sha256
    assert trust.client().signing_config.get_fulcio().url.startswith("https://")
    assert view_root(trust).where == str(refresh.path)


def test_an_unchanged_root_says_so(published: Published) -> None:
    """A refresh that fetches the same root names no change."""
    published.publish({ROOT_NAME: ROOT})
    refresh = update_root()
    assert (refresh.before, refresh.changes) == (refresh.sha256, ())
    assert update_root().before == refresh.sha256


def test_nothing_is_fetched_but_by_a_refresh(published: Published) -> None:
    """To choose and show a trusted root asks the repository for nothing."""
    published.publish({ROOT_NAME: ROOT})
    view_root(chosen_trust(file=None))
    assert published.requests == []


@pytest.mark.parametrize("files", [{}, {SERVICES_NAME: SERVICES}])
def test_a_repository_without_a_root_is_refused(
    published: Published, files: dict[str, bytes]
) -> None:
    """A repository that publishes no root changes nothing."""
    published.publish(files)
    with refused(Code.TRUSTED_ROOT, text="publishes no trusted root"):
        update_root()
    assert chosen_trust(file=None).where == "packaged"


def test_expired_metadata_is_refused(published: Published) -> None:
    """A repository that was frozen, so that its metadata has expired, is refused."""
    published.publish({ROOT_NAME: retired(ROOT)}, lifetime=timedelta(seconds=-1))
    with refused(Code.TRUSTED_ROOT, text="Expired"):
        update_root()
    assert chosen_trust(file=None).where == "packaged"


def test_an_old_root_is_not_played_again(published: Published) -> None:
    """After a refresh the repository cannot go back to what it published before."""
    published.publish({ROOT_NAME: retired(ROOT)})
    old = dict(published.files)
    published.publish({ROOT_NAME: ROOT})
    kept = update_root().sha256
    published.files = old
    with refused(Code.TRUSTED_ROOT, text="BadVersionNumber"):
        update_root()
    assert chosen_trust(file=None).sha256 == kept


def test_a_root_by_somebody_else_is_refused(published: Published) -> None:
    """Metadata that the keyholders did not sign, or other bytes than they signed, are refused."""
    published.publish({ROOT_NAME: retired(ROOT)})
    good = dict(published.files)
    with tuf_repository() as stranger:
        stranger.publish({ROOT_NAME: ROOT})
        published.files = {**stranger.files, "/1.root.json": good["/1.root.json"]}
        with refused(Code.TRUSTED_ROOT, text="UnsignedMetadata"):
            update_root()
    published.files = {
        name: ROOT if name.startswith("/targets/") else data for name, data in good.items()
    }
    with pytest.raises((OperationError, RefusedError)):
        update_root()
    assert not (user_directory() / "public").exists()


def test_a_root_that_cannot_be_used_replaces_nothing(published: Published) -> None:
    """Even what the keyholders signed is read first: something broken is not kept."""
    for data in (b"{}", b" " * (MAX_TRUST_FILE_BYTES + 1)):
        published.publish({ROOT_NAME: data})
        with refused(Code.TRUSTED_ROOT):
            update_root()
    assert not (user_directory() / "public").exists()


def test_a_repository_that_is_not_there_is_an_error(published: Published) -> None:
    """A repository that cannot be reached is an error of the operation."""
    published.files = {"/1.root.json": published.keys}
    with pytest.raises(OperationError) as raised:
        update_root()
    assert raised.value.code is Code.SERVICE_FAILED


@pytest.mark.parametrize(
    ("cause", "found"), [(OSError("no route"), "no route"), (None, "no reason given")]
)
def test_a_machine_without_a_network_is_told_why(
    published: Published, monkeypatch: pytest.MonkeyPatch, cause: OSError | None, found: str
) -> None:
    """The client's own error may say nothing; then the reason is that of the error behind it."""

    def fail(_: object) -> NoReturn:
        raise DownloadError from cause

    monkeypatch.setattr("weighbridge.signing.sigstore.refresh.Updater.refresh", fail)
    with pytest.raises(OperationError) as raised:
        update_root()
    assert raised.value.found == found


def test_state_that_cannot_be_kept_is_an_error(published: Published) -> None:
    """Where the user's directory cannot be made, nothing is fetched."""
    user_directory().parent.parent.mkdir(parents=True)
    user_directory().parent.write_text("a file in the way")
    with pytest.raises(OperationError) as raised:
        update_root()
    assert raised.value.code is Code.IO_FAILED
    assert published.requests == []


def test_a_private_instances_root_goes_to_a_file(published: Published, tmp_path: Path) -> None:
    """A private instance's root and services become one file, and only that is written."""
    published.publish({ROOT_NAME: ROOT, SERVICES_NAME: SERVICES})
    output = tmp_path / "trust.json"
    first = private(published, tmp_path, output)
    assert (first.path, first.before, first.changes) == (output, None, ())
    trust = chosen_trust(file=output)
    assert trust.sha256 == first.sha256 == hashlib.sha256(output.read_bytes()).hexdigest()
    trust.client()
    assert not (user_directory() / "public").exists()
    published.publish({ROOT_NAME: retired(ROOT)})
    second = private(published, tmp_path, output)
    assert second.before == first.sha256
    assert len(second.changes) == 1
    assert output.read_bytes() == retired(ROOT)


def test_a_private_instance_needs_a_file(published: Published, tmp_path: Path) -> None:
    """Without a file to write to, a private instance's root is wrong usage."""
    (tmp_path / "root.json").write_bytes(published.keys)
    repository = Repository(url=published.url, keys=tmp_path / "root.json")
    with pytest.raises(UsageError, match="--output"):
        update_root(repository=repository)


def test_a_private_repository_has_an_encrypted_address(tmp_path: Path) -> None:
    """A repository elsewhere is asked over https only."""
    (tmp_path / "root.json").write_bytes(b"{}")
    repository = Repository(url="http://tuf.example", keys=tmp_path / "root.json")
    with refused(Code.TRUSTED_ROOT, text="in the clear"):
        update_root(repository=repository, output=tmp_path / "out.json")


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="needs owners and modes of files")
class TestPrivacy:
    """A refreshed root is used only where nobody else could have written it."""

    @pytest.mark.parametrize(
        ("name", "mode"),
        [
            (ROOT_NAME, 0o620),
            (ROOT_NAME, 0o602),
            ("", 0o770),
            (SERVICES_NAME, 0o606),
            ("..", 0o777),
        ],
    )
    def test_writable_for_others(self, published: Published, name: str, mode: int) -> None:
        """A file or directory that others may write to is refused."""
        published.publish({ROOT_NAME: ROOT, SERVICES_NAME: SERVICES})
        place = update_root().path.parent
        assert chosen_trust(file=None).where != "packaged"
        (place / name).chmod(mode)
        with refused(Code.TRUSTED_ROOT, text="somebody else could have written"):
            chosen_trust(file=None)

    def test_a_link(self, published: Published, tmp_path: Path) -> None:
        """A link in the place of the file is refused."""
        published.publish({ROOT_NAME: ROOT})
        path = update_root().path
        path.rename(tmp_path / "elsewhere.json")
        path.symlink_to(tmp_path / "elsewhere.json")
        with refused(Code.TRUSTED_ROOT, text="somebody else could have written"):
            chosen_trust(file=None)

    def test_a_linked_directory(self, published: Published, tmp_path: Path) -> None:
        """A link in the place of the directory is refused, wherever it leads."""
        published.publish({ROOT_NAME: ROOT})
        place = update_root().path.parent
        place.rename(tmp_path / "elsewhere")
        for target in ("elsewhere", "nowhere"):
            place.symlink_to(tmp_path / target)
            with refused(Code.TRUSTED_ROOT, text="somebody else could have written"):
                chosen_trust(file=None)
            place.unlink()

    def test_an_exchange_after_the_look(
        self, published: Published, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A directory that takes the place of the one that was looked at is not read."""
        published.publish({ROOT_NAME: ROOT})
        place = update_root().path.parent
        other = tmp_path / "other"
        other.mkdir()
        (other / ROOT_NAME).write_bytes(retired(ROOT))
        real = os.open

        def exchange(path: Any, flags: int, *given: Any, **more: Any) -> int:
            descriptor = real(path, flags, *given, **more)
            if Path(path) == place and other.exists():
                place.rename(tmp_path / "gone")
                other.rename(place)
            return descriptor

        monkeypatch.setattr(os, "open", exchange)
        monkeypatch.setattr(os, "supports_dir_fd", {*os.supports_dir_fd, exchange})
        assert chosen_trust(file=None).sha256 == hashlib.sha256(ROOT).hexdigest()
        assert not other.exists()

    @pytest.mark.parametrize("error", [errno.EACCES, errno.EIO])
    def test_what_cannot_be_read(
        self, published: Published, monkeypatch: pytest.MonkeyPatch, error: int
    ) -> None:
        """A root that is there and cannot be read is an error, and no other root is used."""
        published.publish({ROOT_NAME: ROOT})
        update_root()
        real = os.open

        def refuse(path: Any, flags: int, *given: Any, **more: Any) -> int:
            if path == ROOT_NAME:
                raise OSError(error, os.strerror(error))
            return real(path, flags, *given, **more)

        monkeypatch.setattr(os, "open", refuse)
        monkeypatch.setattr(os, "supports_dir_fd", {*os.supports_dir_fd, refuse})
        with pytest.raises(OperationError, match="cannot be read"):
            chosen_trust(file=None)


def test_the_packaged_root_is_the_default(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a refresh the installed package's root is meant, for each instance."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    for instance in Instance:
        assert chosen_trust(file=None, instance=instance) == packaged_trust(instance)


def test_directories_follow_the_specification(monkeypatch: pytest.MonkeyPatch) -> None:
    """A relative base directory is not used, as the specification says."""
    monkeypatch.setenv("XDG_DATA_HOME", "relative")
    assert user_directory() == Path.home() / ".local" / "share" / "weighbridge" / "trust"
