"""Checks of untouched files: what may be taken from an earlier one, and everything that may not."""

import errno
import hashlib
import os
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import ModuleType

import pytest

from support.markers import marking_pickle
from support.signed_model import SignedModel, make_signed_model, safetensors_file
from weighbridge.core.codes import Code
from weighbridge.core.digest import HashAlgorithm, HashLayout
from weighbridge.core.verdict import Decision, Verdict
from weighbridge.inventory.standing import Standing
from weighbridge.pipeline import check as check_module
from weighbridge.pipeline import remembered as remembered_module
from weighbridge.pipeline.check import check
from weighbridge.pipeline.load import load
from weighbridge.policy.schema import Policy
from weighbridge.policy.trust import KeyTrust
from weighbridge.sources.private import read_or_make_key

pytestmark = pytest.mark.skipif(os.name != "posix", reason="stamps say too little here")

FILES = {"a.safetensors": safetensors_file(w=[1.0] * 30_000), "b/config.json": b"{}"}
TRUSTED = str(Code.STAMPS_TRUSTED)


@pytest.fixture(autouse=True)
def settled(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Files on any file system count as settled and lasting, in directories of this test."""
    (tmp_path / "home").mkdir(mode=0o700)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "home" / "cache"))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "home" / "state"))
    monkeypatch.setattr(remembered_module, "MIN_STAMP_AGE_NS", -(10**18))
    devices = frozenset({tmp_path.stat().st_dev})
    monkeypatch.setattr(remembered_module, "lasting_devices", lambda: devices)


def make(place: Path, *, stamps: str = '"trust"', **rule: str) -> SignedModel:
    """Return a signed model whose rule trusts stamps."""
    return make_signed_model(place, FILES, rule={"stamps": stamps, **rule})


def was_read(verdict: Verdict) -> bool:
    """Tell whether the verdict rests on files that were read for it."""
    return TRUSTED not in {reason.code for reason in verdict.reasons}


def entries() -> list[Path]:
    """Return the entries that are kept."""
    place = remembered_module.default_place()
    return sorted(place.iterdir()) if place.exists() else []


def until_changed(path: Path, act: Callable[[], object]) -> None:
    """Do *act* until the file system's clock has gone on, so that the change time shows it."""
    before = path.stat().st_ctime_ns
    act()
    while path.stat().st_ctime_ns == before:
        act()


def test_the_second_check_reads_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same verdict, without reading or examining a file; it says so."""
    model = make(tmp_path)
    first = check(model.root, policy=model.policy)
    assert first.decision is Decision.ALLOW
    assert was_read(first)

    def refuse(*_: object, **__: object) -> object:
        raise AssertionError("nothing is read")

    monkeypatch.setattr(check_module, "take_inventory", refuse)
    monkeypatch.setattr(check_module, "prepared_examiner", refuse)
    second = check(model.root, policy=model.policy)
    assert not was_read(second)
    kept = tuple(reason for reason in second.reasons if reason.code != TRUSTED)
    same = replace(second, reasons=kept)
    assert replace(same, signers=()) == replace(first, signers=())
    assert [s.identity for s in same.signers] == [s.identity for s in first.signers]


@pytest.mark.parametrize("stamps", ['"ignore"', None])
def test_nothing_is_kept_unasked(stamps: str | None, tmp_path: Path) -> None:
    """A rule that does not trust stamps reads everything each time and keeps nothing."""
    model = make_signed_model(tmp_path, FILES, rule={} if stamps is None else {"stamps": stamps})
    for _ in range(2):
        assert was_read(check(model.root, policy=model.policy))
    assert entries() == []


def test_a_load_reads_everything(tmp_path: Path) -> None:
    """A load gives out bytes, and those are hashed, whatever is remembered."""
    model = make(tmp_path)
    check(model.root, policy=model.policy)
    assert not was_read(check(model.root, policy=model.policy))
    with load(model.root, policy=model.policy) as artifact:
        assert was_read(artifact.verdict)
        assert artifact.read("b/config.json") == b"{}"


def overwrite_and_restore(path: Path) -> None:
    """Change a byte in place and set the modification time back."""
    status = path.stat()
    data = bytearray(path.read_bytes())
    data[-1] ^= 1

    def act() -> None:
        path.write_bytes(data)
        os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))

    until_changed(path, act)
    assert path.stat().st_mtime_ns == status.st_mtime_ns


def replace_file(path: Path) -> None:
    """Put another file with the same name, size and times in its place."""
    status = path.stat()
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    other = path.with_name(".other")
    other.write_bytes(data)
    os.utime(other, ns=(status.st_atime_ns, status.st_mtime_ns))
    other.replace(path)


def swap_in_a_link(path: Path) -> None:
    """Put a symbolic link to a copy in its place."""
    copy = path.parent.parent.parent / "copy"
    copy.write_bytes(path.read_bytes())
    path.unlink()
    path.symlink_to(copy)


CHANGES: list[Callable[[Path], object]] = [
    overwrite_and_restore,
    replace_file,
    swap_in_a_link,
    lambda path: path.unlink(),
    lambda path: path.with_name("new.json").write_bytes(b"{}"),
    lambda path: path.with_name("new").mkdir(),
    lambda path: path.write_bytes(path.read_bytes() + b" "),
]


@pytest.mark.parametrize("change", CHANGES)
def test_a_changed_model_is_read(change: Callable[[Path], object], tmp_path: Path) -> None:
    """Whatever happened to one file, the next check reads, and denies what is not signed."""
    model = make(tmp_path)
    check(model.root, policy=model.policy)
    assert not was_read(check(model.root, policy=model.policy))
    change(model.root / "b" / "config.json")
    found = check(model.root, policy=model.policy)
    assert was_read(found)
    assert found.decision is Decision.DENY


def test_a_rolled_back_entry_is_not_used(tmp_path: Path) -> None:
    """An authentic entry about an earlier state of the files says nothing about this one."""
    model = make(tmp_path)
    check(model.root, policy=model.policy)
    (entry,) = entries()
    old = entry.read_bytes()
    overwrite_and_restore(model.root / "a.safetensors")
    assert check(model.root, policy=model.policy).decision is Decision.DENY
    entry.write_bytes(old)
    found = check(model.root, policy=model.policy)
    assert was_read(found)
    assert found.decision is Decision.DENY


@pytest.mark.parametrize("at", [0, 31, 32, -1])
def test_a_modified_entry_is_not_used(at: int, tmp_path: Path) -> None:
    """One other bit anywhere, and the entry is not authentic: it goes, and the files are read."""
    model = make(tmp_path)
    check(model.root, policy=model.policy)
    (entry,) = entries()
    data = bytearray(entry.read_bytes())
    data[at] ^= 1
    entry.write_bytes(data)
    assert was_read(check(model.root, policy=model.policy))
    assert not was_read(check(model.root, policy=model.policy))


def test_an_entry_of_another_model_is_not_used(tmp_path: Path) -> None:
    """An entry under the name of another model's does not authenticate."""
    (tmp_path / "one").mkdir()
    (tmp_path / "two").mkdir()
    one, two = make(tmp_path / "one"), make(tmp_path / "two")
    check(one.root, policy=one.policy)
    (first,) = entries()
    check(two.root, policy=two.policy)
    (second,) = (entry for entry in entries() if entry != first)
    second.write_bytes(first.read_bytes())
    assert was_read(check(two.root, policy=two.policy))


def test_an_entry_for_another_policy_is_not_used(tmp_path: Path) -> None:
    """One more comment in the policy, and the files are read again."""
    model = make(tmp_path)
    check(model.root, policy=model.policy)
    place = tmp_path / "weighbridge.toml"
    place.write_text(place.read_text() + "# reviewed\n")
    assert was_read(check(model.root, policy=Policy.from_file(place)))


def test_an_entry_of_another_version_is_not_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another state of the program's files, and the files are read again."""
    model = make(tmp_path)
    check(model.root, policy=model.policy)
    assert not was_read(check(model.root, policy=model.policy))
    monkeypatch.setattr(remembered_module, "_program", lambda: "another")
    assert was_read(check(model.root, policy=model.policy))


def test_another_key_makes_entries_void(tmp_path: Path) -> None:
    """A key file that was replaced, as another user's would be, authenticates no entry."""
    model = make(tmp_path)
    check(model.root, policy=model.policy)
    remembered_module.default_key().write_bytes(bytes(32))
    assert was_read(check(model.root, policy=model.policy))


def test_a_signer_who_is_trusted_no_longer_is_refused(tmp_path: Path) -> None:
    """Signatures and their times are judged each time: no entry outlives a `valid-until`."""
    model = make(tmp_path)
    check(model.root, policy=model.policy)
    assert not was_read(check(model.root, policy=model.policy))
    (entry,) = model.policy.trust
    assert isinstance(entry, KeyTrust)
    yesterday = datetime.now(UTC).date() - timedelta(days=2)
    later = replace(model.policy, trust=(replace(entry, valid_until=yesterday),))
    assert later.sha256 == model.policy.sha256
    assert check(model.root, policy=later).decision is not Decision.ALLOW


@pytest.mark.parametrize(
    "standing",
    [Standing(generation=7, verity=None), Standing(generation=None, verity="1:" + "00" * 32)],
)
def test_another_standing_is_another_file(
    standing: Standing, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An inode of another generation, or another fs-verity digest, is not the file that was read."""
    model = make(tmp_path)
    monkeypatch.setattr(
        remembered_module, "standing_of", lambda _: Standing(generation=1, verity="1:" + "11" * 32)
    )
    check(model.root, policy=model.policy)
    assert not was_read(check(model.root, policy=model.policy))
    monkeypatch.setattr(remembered_module, "standing_of", lambda _: standing)
    assert was_read(check(model.root, policy=model.policy))


def digested(descriptor: int) -> Standing:
    """Return a standing as of a file system with fs-verity: a digest of the content and no more."""
    with open(os.dup(descriptor), "rb") as file:  # noqa: PTH123  a descriptor
        file.seek(0)
        digest = hashlib.sha256(file.read()).hexdigest()
    return Standing(generation=os.fstat(descriptor).st_ino, verity=f"1:{digest}")


def test_a_file_that_the_kernel_keeps_is_known_by_its_digest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Touched, moved to another inode, or made this moment: it is the file that was hashed."""
    monkeypatch.setattr(remembered_module, "standing_of", digested)
    monkeypatch.setattr(remembered_module, "MIN_STAMP_AGE_NS", 10**18)
    model = make(tmp_path)
    assert was_read(check(model.root, policy=model.policy))
    os.utime(model.root / "a.safetensors", ns=(1, 2))
    copy = tmp_path / "copy"
    copy.write_bytes((model.root / "b" / "config.json").read_bytes())
    copy.replace(model.root / "b" / "config.json")
    assert not was_read(check(model.root, policy=model.policy))


def test_one_that_it_does_not_keep_is_known_by_all_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a digest everything has to be the same, and the file left alone."""
    monkeypatch.setattr(
        remembered_module, "standing_of", lambda _: Standing(generation=1, verity=None)
    )
    model = make(tmp_path)
    check(model.root, policy=model.policy)
    assert not was_read(check(model.root, policy=model.policy))
    os.utime(model.root / "a.safetensors", ns=(1, 2))
    assert was_read(check(model.root, policy=model.policy))


@pytest.mark.parametrize("same_size", [True, False])
def test_another_digest_is_another_file(
    same_size: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file that was exchanged for another one that the kernel keeps is read, and denied."""
    monkeypatch.setattr(remembered_module, "standing_of", digested)
    model = make(tmp_path)
    check(model.root, policy=model.policy)
    (model.root / "b" / "config.json").write_bytes(b"[]" if same_size else b"{ }")
    verdict = check(model.root, policy=model.policy)
    assert was_read(verdict)
    assert verdict.decision is Decision.DENY


def test_a_digest_that_is_gone_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An entry about a file with a digest says nothing about one without."""
    monkeypatch.setattr(remembered_module, "standing_of", digested)
    model = make(tmp_path)
    check(model.root, policy=model.policy)
    monkeypatch.setattr(
        remembered_module, "standing_of", lambda d: replace(digested(d), verity=None)
    )
    assert was_read(check(model.root, policy=model.policy))


def test_files_that_just_changed_are_not_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A change within the clock's tick leaves no trace, so what is too new is read each time."""
    monkeypatch.setattr(remembered_module, "MIN_STAMP_AGE_NS", 10**18)
    model = make(tmp_path)
    check(model.root, policy=model.policy)
    assert entries() == []


def test_other_file_systems_are_not_trusted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where change times are somebody else's to say, nothing is kept, and nothing kept is used."""
    model = make(tmp_path)
    check(model.root, policy=model.policy)
    monkeypatch.setattr(remembered_module, "lasting_devices", frozenset)
    assert was_read(check(model.root, policy=model.policy))
    entries()[0].unlink()
    check(model.root, policy=model.policy)
    assert entries() == []


def test_what_is_not_clean_is_remembered_as_that(tmp_path: Path) -> None:
    """Findings are kept as findings: the second check denies as well, for the same reasons."""
    marker = tmp_path / "ran"
    files = {"m.pkl": marking_pickle(marker, [1])}
    formats = ("pickle",)
    model = make_signed_model(tmp_path, files, formats=formats, rule={"stamps": '"trust"'})
    first = check(model.root, policy=model.policy)
    second = check(model.root, policy=model.policy)
    assert first.decision is second.decision is Decision.DENY
    assert not was_read(second)
    assert {r.message for r in first.reasons} == {
        r.message for r in second.reasons if r.code != TRUSTED
    }


def test_what_could_not_be_examined_is_examined_again(tmp_path: Path) -> None:
    """A check with a gap is not kept: the next one might know."""
    files = {"m.bin": os.urandom(100)}
    model = make_signed_model(tmp_path, files, rule={"stamps": '"trust"'})
    assert check(model.root, policy=model.policy).decision is not Decision.ALLOW
    assert entries() == []


def spoil_link(place: Path, tmp_path: Path) -> None:
    """Put a link to a directory elsewhere in the place of the entries."""
    place.rename(tmp_path / "elsewhere")
    place.symlink_to(tmp_path / "elsewhere")


@pytest.mark.parametrize(
    "spoil",
    [
        spoil_link,
        lambda place, _: place.chmod(0o770),
        lambda place, _: place.chmod(0o701),
        lambda _, __: remembered_module.default_key().chmod(0o640),
        lambda _, __: remembered_module.default_key().write_bytes(b"short"),
        lambda place, _: place.parent.chmod(0o777),
    ],
)
def test_a_place_that_is_not_private_is_not_used(
    spoil: Callable[[Path, Path], object], tmp_path: Path
) -> None:
    """Where others could have written the entry or read the key, it is not used nor replaced."""
    model = make(tmp_path)
    check(model.root, policy=model.policy)
    place = remembered_module.default_place()
    before = {entry.name: entry.read_bytes() for entry in entries()}
    spoil(place, tmp_path)
    found = check(model.root, policy=model.policy)
    assert was_read(found)
    assert found.decision is Decision.ALLOW
    place.parent.chmod(0o700)
    assert {entry.name: entry.read_bytes() for entry in entries()} == before


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EROFS, errno.EDQUOT])
def test_a_full_disk_is_no_error(
    number: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where nothing can be kept, the check is as good, and no half entry stays."""

    def refuse(place: Path, _data: bytes) -> None:
        place.write_bytes(b"half")
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(remembered_module, "write_new", refuse)
    model = make(tmp_path)
    read_or_make_key(remembered_module.default_key())
    assert check(model.root, policy=model.policy).decision is Decision.ALLOW
    assert entries() == []


def test_several_processes_may_keep_at_once(tmp_path: Path) -> None:
    """Whoever writes last leaves a whole entry."""
    model = make(tmp_path)
    found: list[Verdict] = []
    threads = [
        threading.Thread(target=lambda: found.append(check(model.root, policy=model.policy)))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [verdict.decision for verdict in found] == [Decision.ALLOW] * 4
    assert len(entries()) == 1
    assert not was_read(check(model.root, policy=model.policy))


def test_old_entries_are_forgotten(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No more than the bound is kept."""
    monkeypatch.setattr(remembered_module, "MAX_REMEMBERED_CHECKS", 1)
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        model = make(tmp_path / name)
        check(model.root, policy=model.policy)
    assert len(entries()) == 1


def test_other_digests_are_another_question(tmp_path: Path) -> None:
    """An entry has the digests that were asked for; a signature with others has the files read."""
    model = make_signed_model(
        tmp_path,
        FILES,
        rule={"stamps": '"trust"'},
        layout=HashLayout(HashAlgorithm.BLAKE3, 64 * 1024),
    )
    check(model.root, policy=model.policy)
    found = check(model.root, policy=model.policy)
    assert not was_read(found)
    assert found.decision is Decision.ALLOW


@pytest.fixture
def module() -> Iterator[ModuleType]:
    """Return the module with its memory of the program cleared."""
    remembered_module._program.cache_clear()
    yield remembered_module
    remembered_module._program.cache_clear()


def test_the_program_is_every_file_of_it(
    module: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A change of any file of the program is another program."""
    (tmp_path / "weighbridge").mkdir()
    first = tmp_path / "weighbridge" / "__init__.py"
    first.write_text("")
    monkeypatch.setattr(module.weighbridge, "__file__", str(first))
    before = module._program()
    module._program.cache_clear()
    assert module._program() == before
    (tmp_path / "weighbridge" / "list.json").write_text("[]")
    module._program.cache_clear()
    assert module._program() != before
