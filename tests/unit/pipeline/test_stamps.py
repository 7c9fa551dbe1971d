"""What is remembered of signed files: private, authentic, about one signature, or not there."""

import logging
import os
from pathlib import Path

import pytest

from weighbridge.core.artifact import FileStamp
from weighbridge.core.digest import Digest, HashAlgorithm
from weighbridge.core.limits.remembering import MAX_REMEMBERED, MIN_STAMP_AGE_NS
from weighbridge.pipeline.stamps import RememberedStamps, default_place, is_settled
from weighbridge.sources.private import NotPrivateError

pytestmark = pytest.mark.skipif(os.name != "posix", reason="stamps are not settled elsewhere")

NOW = 1_800_000_000_000_000_000


def signature(number: int = 1) -> Digest:
    """Return the digest of some signature."""
    return Digest(HashAlgorithm.SHA256, number.to_bytes(32, "big"))


def stamp(*, age: int = MIN_STAMP_AGE_NS, changed: int | None = None) -> FileStamp:
    """Return the stamp of a file that was changed *age* nanoseconds before NOW."""
    return FileStamp(
        device=1,
        inode=2,
        size=3,
        mtime_ns=NOW - age,
        ctime_ns=NOW - (age if changed is None else changed),
    )


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Return where the notes are."""
    return tmp_path / "state" / "signed"


def test_what_is_noted_is_found_again(root: Path) -> None:
    """The stamps of a signature come back exactly, and those of no other one."""
    stamps = {"a.bin": stamp(), "dir/ü.json": stamp(age=10**12)}
    assert RememberedStamps(root).keep(signature(), stamps, begun_ns=NOW) == 2
    assert RememberedStamps(root).find(signature()) == stamps
    assert RememberedStamps(root).find(signature(2)) == {}


def test_nothing_is_found_where_nothing_is(root: Path) -> None:
    """Without notes there is no stamp, and looking makes no directory."""
    assert RememberedStamps(root).find(signature()) == {}
    assert not root.exists()


@pytest.mark.parametrize(
    "fresh", [stamp(age=MIN_STAMP_AGE_NS - 1), stamp(age=10**12, changed=0), stamp(age=-5)]
)
def test_a_file_that_had_just_changed_is_not_noted(root: Path, fresh: FileStamp) -> None:
    """A change shortly before the reading, by either time, leaves nothing to rely on."""
    stamps = {"old": stamp(), "fresh": fresh}
    assert RememberedStamps(root).keep(signature(), stamps, begun_ns=NOW) == 1
    assert set(RememberedStamps(root).find(signature())) == {"old"}


def test_other_systems_have_no_settled_stamps(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the change time is something else, no stamp is settled."""
    assert is_settled(stamp(), begun_ns=NOW)
    monkeypatch.setattr("weighbridge.pipeline.stamps.os.name", "nt")
    assert not is_settled(stamp(), begun_ns=NOW)


@pytest.mark.parametrize("position", [0, 31, 32, -1])
def test_a_changed_note_is_not_used(
    root: Path, position: int, caplog: pytest.LogCaptureFixture
) -> None:
    """One changed byte, and the note is as if it were not there."""
    RememberedStamps(root).keep(signature(), {"a": stamp()}, begun_ns=NOW)
    place = root / signature().hex
    data = bytearray(place.read_bytes())
    data[position] ^= 1
    place.write_bytes(data)
    with caplog.at_level(logging.WARNING):
        assert RememberedStamps(root).find(signature()) == {}
    assert "not authentic" in caplog.text


def test_a_note_about_another_signature_is_not_used(root: Path) -> None:
    """A note under the name of another signature is not authentic."""
    RememberedStamps(root).keep(signature(), {"a": stamp()}, begun_ns=NOW)
    (root / signature().hex).rename(root / signature(2).hex)
    assert RememberedStamps(root).find(signature(2)) == {}


def test_another_user_s_key_authenticates_nothing(root: Path) -> None:
    """With another key, what was noted before is not used."""
    RememberedStamps(root).keep(signature(), {"a": stamp()}, begun_ns=NOW)
    root.with_name("signed.key").write_bytes(bytes(32))
    assert RememberedStamps(root).find(signature()) == {}


def test_a_directory_that_others_can_use_is_not_used(root: Path) -> None:
    """Notes where others could write are neither used nor made."""
    RememberedStamps(root).keep(signature(), {"a": stamp()}, begun_ns=NOW)
    root.chmod(0o777)
    assert RememberedStamps(root).find(signature()) == {}
    with pytest.raises(NotPrivateError):
        RememberedStamps(root).keep(signature(), {"a": stamp()}, begun_ns=NOW)


def test_a_link_is_not_followed(root: Path, tmp_path: Path) -> None:
    """A note that is a link is not read."""
    RememberedStamps(root).keep(signature(), {"a": stamp()}, begun_ns=NOW)
    (root / signature().hex).rename(tmp_path / "moved")
    (root / signature().hex).symlink_to(tmp_path / "moved")
    assert RememberedStamps(root).find(signature()) == {}


def test_the_oldest_notes_are_forgotten(root: Path) -> None:
    """There are at most as many notes as the bound says, the newest."""
    for number in range(MAX_REMEMBERED + 3):
        RememberedStamps(root).keep(signature(number), {"a": stamp()}, begun_ns=NOW)
        os.utime(root / signature(number).hex, ns=(10**18 + number, 10**18 + number))
    RememberedStamps(root).keep(signature(999), {"a": stamp()}, begun_ns=NOW)
    assert len(list(root.iterdir())) == MAX_REMEMBERED
    assert RememberedStamps(root).find(signature(0)) == {}


def test_the_default_place_is_the_users_state(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Notes lie with the user's state, as the XDG base directories say."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    assert default_place() == tmp_path / "weighbridge" / "signed"
