"""Kept results are used for the same bytes and rules only, and only when they are authentic."""

import hashlib
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from weighbridge.core.artifact import FileFormat
from weighbridge.core.codes import Code
from weighbridge.core.content import BytesSource
from weighbridge.core.digest import Digest, HashAlgorithm
from weighbridge.core.evidence import Confidence, Finding, Gap, Severity
from weighbridge.core.limits.remembering import (
    MAX_CACHE_BYTES,
    MAX_CACHE_ENTRY_BYTES,
    MAX_CACHED_FILE_BYTES,
)
from weighbridge.sandbox.interface import Confinement
from weighbridge.scan import kept
from weighbridge.scan.interface import Subject
from weighbridge.scan.kept import KeepingExaminer, KeptResults

DATA = b"some bytes"
SLOW = 1.0

posix = pytest.mark.skipif(sys.platform == "win32", reason="files have no owners and modes")


def digest_of(data: bytes) -> Digest:
    """Return the SHA-256 of *data*."""
    return Digest(HashAlgorithm.SHA256, hashlib.sha256(data).digest())


def subject_of(data: bytes = DATA, **changes: object) -> Subject:
    """Return a subject with *data*."""
    made = Subject(
        path="a.pkl",
        format=FileFormat.PICKLE,
        source=BytesSource(data),
        name="a.pkl",
        siblings=frozenset({"a.pkl"}),
        sizes={"a.pkl": len(data)},
    )
    return replace(made, **changes)  # type: ignore[arg-type]


def finding_of(path: str = "a.pkl") -> Finding:
    """Return a finding about the file."""
    return Finding(
        rule="pickle-dangerous-global",
        severity=Severity.CRITICAL,
        confidence=Confidence.HIGH,
        path=path,
        member="m",
        offset=3,
        message="would call os.system",
        evidence=("os.system('x')",),
    )


@dataclass
class Inner:
    """An examiner that counts its calls and takes some time."""

    answer: tuple[Finding | Gap, ...] = ()
    seconds: float = SLOW
    now: float = 0.0
    seen: list[bytes] = field(default_factory=list)

    def __call__(self, subject: Subject, /) -> tuple[Finding | Gap, ...]:
        """Examine."""
        self.seen.append(subject.source.read_at(0, subject.source.size))
        self.now += self.seconds
        return self.answer


@dataclass(frozen=True, slots=True)
class Place:
    """Where results and key are."""

    root: Path

    def run(
        self,
        inner: Inner,
        subject: Subject | None = None,
        *,
        digest: Digest | None = digest_of(DATA),  # noqa: B008  a frozen value
    ) -> tuple[Finding | Gap, ...]:
        """Examine a subject with what is kept here."""
        results = KeptResults(self.root / "cache", key=self.root / "state" / "key")
        examiner = KeepingExaminer(
            inner, results, digests={"a.pkl": digest, "b.pkl": digest}, clock=lambda: inner.now
        )
        return examiner(subject or subject_of())

    @property
    def entries(self) -> list[Path]:
        """Return the kept results."""
        cache = self.root / "cache"
        return sorted(cache.iterdir()) if cache.exists() else []


@pytest.fixture
def place(tmp_path: Path) -> Place:
    """Return an empty place."""
    return Place(tmp_path)


@pytest.mark.parametrize("answer", [(), (finding_of(),)])
def test_a_slow_result_is_used_again(place: Place, answer: tuple[Finding | Gap, ...]) -> None:
    """What took long is not examined again; findings come back as they were."""
    assert place.run(Inner(answer)) == answer
    again = Inner((finding_of("other"),))
    assert place.run(again) == answer
    assert again.seen == []


def test_a_quick_result_is_not_kept(place: Place) -> None:
    """What is examined quickly is examined each time."""
    place.run(Inner(seconds=0.01))
    assert place.entries == []


def test_an_incomplete_result_is_not_kept(place: Place) -> None:
    """What has a gap is examined again: the gap may be the machine's."""
    gap = subject_of().gap("too late", code=Code.SCAN_TIMEOUT)
    assert place.run(Inner((finding_of(), gap))) == (finding_of(), gap)
    assert place.entries == []


@pytest.mark.parametrize(
    "changes",
    [
        {"path": "b.pkl"},
        {"name": "b.pkl"},
        {"format": FileFormat.JOBLIB},
        {"suffix_format": FileFormat.JSON},
        {"siblings": frozenset({"a.pkl", "x"})},
        {"sizes": {"a.pkl": 10, "x": 1}},
        {"formats": {"a.pkl_01.npy": FileFormat.NPY}},
    ],
)
def test_a_result_depends_on_everything(place: Place, changes: dict[str, object]) -> None:
    """Another path, name, format, promise, neighbour or what that is, is another examination."""
    place.run(Inner())
    other = Inner((finding_of(),))
    assert place.run(other, subject_of(DATA, **changes)) == (finding_of(),)
    assert other.seen == [DATA]


def test_other_bytes_have_another_result(place: Place) -> None:
    """Another digest finds nothing that is kept."""
    place.run(Inner())
    other = Inner()
    place.run(other, subject_of(b"some bytez"), digest=digest_of(b"some bytez"))
    assert other.seen == [b"some bytez"]


def test_other_rules_have_other_results(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """After a change of the program nothing is left that was kept before."""
    place.run(Inner())
    monkeypatch.setattr(kept, "rules_version", lambda: "other")
    again = Inner()
    place.run(again)
    assert again.seen == [DATA]


def test_the_version_is_of_the_program() -> None:
    """The version of the rules is a digest, and the same each time."""
    assert len(bytes.fromhex(kept.rules_version())) == 32
    kept.rules_version.cache_clear()
    first = kept.rules_version()
    kept.rules_version.cache_clear()
    assert kept.rules_version() == first


def test_the_examined_bytes_are_the_hashed_ones(place: Place) -> None:
    """Bytes that are not those of the digest are a gap, and nothing is kept about them."""
    inner = Inner()
    (gap,) = place.run(inner, digest=digest_of(b"before"))
    assert isinstance(gap, Gap)
    assert gap.code is Code.FILE_CHANGED
    assert inner.seen == []
    assert place.entries == []


def test_a_changing_source_is_read_once(place: Place) -> None:
    """What is examined is what was hashed, even where the source gives other bytes later."""

    class Changing:
        """Gives the hashed bytes once, and others ever after."""

        size = len(DATA)

        def __init__(self) -> None:
            self.reads: Iterator[bytes] = iter([DATA])

        def read_at(self, offset: int, length: int, /) -> bytes:
            """Return other bytes at the second read."""
            return next(self.reads, b"evil bytes")[offset : offset + length]

    inner = Inner()
    place.run(inner, subject_of(source=Changing()))
    assert inner.seen == [DATA]


@pytest.mark.parametrize("size", [0, MAX_CACHED_FILE_BYTES + 1])
def test_large_and_empty_files_are_examined(place: Place, size: int) -> None:
    """Files that are not held in memory are passed on as they are."""

    class Sized:
        """Has a size."""

        def __init__(self) -> None:
            self.size = size

        def read_at(self, offset: int, length: int, /) -> bytes:
            """Return nothing."""
            return b""

    inner = Inner()
    assert place.run(inner, subject_of(source=Sized())) == ()
    assert len(inner.seen) == 1
    assert place.entries == []


def test_without_a_digest_everything_is_examined(place: Place) -> None:
    """A file whose digest is not known has no result."""
    place.run(Inner(), digest=None)
    assert place.entries == []


@pytest.mark.parametrize("at", [0, 31, 32, -1])
def test_a_changed_entry_is_not_used(
    place: Place, at: int, caplog: pytest.LogCaptureFixture
) -> None:
    """A flipped bit anywhere makes an entry worthless; it is reported and removed."""
    place.run(Inner((finding_of(),)))
    (entry,) = place.entries
    data = bytearray(entry.read_bytes())
    data[at] ^= 1
    entry.write_bytes(data)
    again = Inner((finding_of(),))
    assert place.run(again) == (finding_of(),)
    assert again.seen == [DATA]
    assert "it is not authentic" in caplog.text


def test_a_forged_entry_is_not_used(place: Place) -> None:
    """An entry that somebody made without the key is worthless, whatever it says."""
    place.run(Inner((finding_of(),)))
    (entry,) = place.entries
    for data in (b"", bytes(32) + b"[[],[],0]", b"x" * (MAX_CACHE_ENTRY_BYTES + 1)):
        entry.write_bytes(data)
        assert place.run(Inner((finding_of(),))) == (finding_of(),)


def test_an_entry_under_another_name_is_not_used(place: Place) -> None:
    """The clean result of one file does not serve as that of another."""
    place.run(Inner())
    (clean,) = place.entries
    place.run(Inner((finding_of(),)), subject_of(name="other"))
    (bad,) = [entry for entry in place.entries if entry != clean]
    bad.write_bytes(clean.read_bytes())
    inner = Inner((finding_of(),))
    assert place.run(inner, subject_of(name="other")) == (finding_of(),)
    assert inner.seen == [DATA]


def test_members_are_kept_as_well(place: Place) -> None:
    """A kept result says how many members were examined, as the examination did."""

    class Counting(Inner):
        """An examiner that has seen two members."""

        def __call__(self, subject: Subject, /) -> tuple[Finding | Gap, ...]:
            """Examine."""
            subject.budget.examined = 2
            return super().__call__(subject)

    place.run(Counting())
    again = subject_of()
    assert place.run(Inner(), again) == ()
    assert again.budget.examined == 2


def test_confinement_is_that_of_who_examines(place: Place) -> None:
    """The confinement is told of the processes behind the results, where they tell one."""

    class Kept(Inner):
        """An examiner that is kept to nothing."""

        confinement = Confinement(enforced=frozenset())

    results = KeptResults(place.root / "cache", key=place.root / "state" / "key")
    for inner, told in ((Kept(), Kept.confinement), (Inner(), None)):
        keeping = KeepingExaminer(inner, results, digests={}, clock=lambda: 0.0)
        assert keeping.confinement == told


def test_another_key_makes_entries_worthless(place: Place) -> None:
    """A cache that comes from elsewhere, without the key, is not believed."""
    place.run(Inner())
    (place.root / "state" / "key").unlink()
    again = Inner()
    place.run(again)
    assert again.seen == [DATA]


def test_an_authentic_entry_with_a_gap_is_not_used(place: Place) -> None:
    """Even an entry with the right key is not believed when it is not what is kept."""
    place.run(Inner())
    (entry,) = place.entries
    results = KeptResults(place.root / "cache", key=place.root / "state" / "key")
    gap = subject_of().gap("x")
    results.keep(entry.name, (gap,))  # type: ignore[arg-type]
    again = Inner((finding_of(),))
    assert place.run(again) == (finding_of(),)


def test_an_authentic_entry_that_is_no_report_is_not_used(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An entry of another shape is reported and removed."""
    place.run(Inner())
    (entry,) = place.entries
    results = KeptResults(place.root / "cache", key=place.root / "state" / "key")
    monkeypatch.setattr(kept, "encode_report", lambda findings, *, members: b"{}")
    results.keep(entry.name, ())
    monkeypatch.undo()
    assert results.find(entry.name, subject_of()) is None
    assert place.entries == []


@posix
@pytest.mark.parametrize("what", ["cache", "state", "state/key"])
def test_what_others_can_use_is_not_used(
    place: Place, what: str, caplog: pytest.LogCaptureFixture
) -> None:
    """A directory or key that others can read or write is not trusted, and that is reported."""
    place.run(Inner())
    (place.root / what).chmod(0o755)
    again = Inner((finding_of(),))
    assert place.run(again) == (finding_of(),)
    assert "others can use" in caplog.text


@posix
def test_a_directory_that_can_be_exchanged_is_not_used(
    place: Place, caplog: pytest.LogCaptureFixture
) -> None:
    """A directory above that everybody can write to makes the place worthless."""
    place.run(Inner())
    place.root.chmod(0o777)
    again = Inner((finding_of(),))
    assert place.run(again) == (finding_of(),)
    assert "everybody can write to" in caplog.text


@posix
@pytest.mark.parametrize("owned", ["cache", "key"])
def test_what_belongs_to_others_is_not_used(
    place: Place, owned: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A directory or key of another user is not trusted."""
    place.run(Inner())
    if owned == "key":
        monkeypatch.setattr(kept, "check_private", lambda directory: None)
    monkeypatch.setattr(os, "geteuid", lambda: 12345)
    assert place.run(Inner((finding_of(),))) == (finding_of(),)
    assert "belongs to somebody else" in caplog.text


@posix
@pytest.mark.parametrize("how", ["link", "directory", "short", "file for the cache"])
def test_odd_places_are_not_used(place: Place, how: str) -> None:
    """A key that is a link, a directory or too short, or a cache that is a file, is not used."""
    key = place.root / "state" / "key"
    place.run(Inner())
    match how:
        case "link":
            key.rename(key.with_name("moved"))
            key.symlink_to("moved")
        case "directory":
            key.unlink()
            key.mkdir(mode=0o700)
        case "short":
            key.write_bytes(b"x")
        case _:
            (place.root / "cache").rename(place.root / "old")
            (place.root / "cache").write_bytes(b"")
    again = Inner((finding_of(),))
    assert place.run(again) == (finding_of(),)
    assert again.seen == [DATA]


def test_the_cache_is_bounded(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """The oldest results go when there is no room for a new one."""
    place.run(Inner())
    (old,) = place.entries
    os.utime(old, (1, 1))
    monkeypatch.setattr(kept, "MAX_CACHE_BYTES", 2 * old.stat().st_size)
    for name in ("b", "c"):
        place.run(Inner(), subject_of(name=name))
    assert len(place.entries) == 2
    assert old not in place.entries
    assert MAX_CACHE_BYTES > 0


def test_a_large_result_is_not_kept(place: Place) -> None:
    """A result beyond the bound for one is left out."""
    many = tuple(replace(finding_of(), evidence=("x" * 400,) * 3) for _ in range(900))
    place.run(Inner(many))
    assert place.entries == []


def test_the_usual_places(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Results lie in the user's cache, the key in the user's state; a variable moves the first."""
    monkeypatch.delenv("WEIGHBRIDGE_CACHE", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "c"))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "s"))
    assert kept.default_cache() == tmp_path / "c" / "weighbridge" / "results"
    assert kept.default_key() == tmp_path / "s" / "weighbridge" / "results.key"
    monkeypatch.setenv("XDG_STATE_HOME", "relative")
    assert kept.default_key() == Path.home() / ".local/state/weighbridge/results.key"
    monkeypatch.setenv("WEIGHBRIDGE_CACHE", str(tmp_path / "x"))
    assert kept.default_cache() == tmp_path / "x"
