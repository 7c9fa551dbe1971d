"""Scans of paths, bytes and open files, and what other scanners add to them."""

import importlib
import io
import os
import pickle
import sys
from pathlib import Path
from typing import Any

import pytest

import weighbridge as wb
from support.other_scanners import write_program
from weighbridge.core.codes import Code
from weighbridge.core.errors import (
    LimitExceededError,
    NothingToCheckError,
    OperationError,
    UsageError,
)
from weighbridge.core.verdict import Decision, Verdict
from weighbridge.pipeline import streams
from weighbridge.pipeline.installation import capabilities
from weighbridge.pipeline.others import scanners_for
from weighbridge.pipeline.scan import scan_paths
from weighbridge.scan.others import consult, process
from weighbridge.scan.others.interface import Outcome
from weighbridge.scan.report import FileStatus, ScanVerdict
from weighbridge.sources.hub import SCHEME

EVIL = b"\x80\x04\x8c\x05posix\x8c\x06system\x93\x8c\x04true\x85R."
FINE = pickle.dumps({"a": [1.0, 2.0]})
posix = pytest.mark.skipif(sys.platform == "win32", reason="the programs are shell scripts")


class Pipe(io.RawIOBase):
    """A binary stream that cannot seek and gives a few bytes at a time."""

    def __init__(self, data: bytes) -> None:
        self._data = io.BytesIO(data)

    def readable(self) -> bool:
        """Tell that it can be read."""
        return True

    def read(self, size: int = -1, /) -> bytes:
        """Return at most seven bytes."""
        return self._data.read(min(size, 7))


class Given:
    """Something with a `read`, and nothing else of a file."""

    def __init__(self, *answers: object) -> None:
        self._answers = list(answers)

    def read(self, size: int, /) -> bytes:
        """Return the next answer."""
        answer = self._answers.pop(0) if self._answers else b""
        if isinstance(answer, Exception):
            raise answer
        return answer  # type: ignore[return-value]


@pytest.mark.parametrize(
    "given", [EVIL, bytearray(EVIL), memoryview(EVIL), io.BytesIO(EVIL), Pipe(EVIL), Given(EVIL)]
)
def test_what_gives_bytes_is_scanned(given: bytes) -> None:
    """Bytes, seeking files, streams and whatever else can be read have the same findings."""
    report = wb.scan(given)
    assert report.verdict is ScanVerdict.FINDINGS
    assert [f.path for f in report.findings] == ["."]
    assert report.findings[0].evidence[0] == "posix.system('true')"


@pytest.mark.parametrize("given", [FINE, io.BytesIO(FINE), Pipe(FINE), Given(FINE[:9], FINE[9:])])
def test_benign_bytes_are_clean(given: bytes) -> None:
    """The twin without a call is clean."""
    assert wb.scan(given).verdict is ScanVerdict.CLEAN


def test_an_open_file_is_read_whole_and_left_where_it_was(tmp_path: Path) -> None:
    """The scan begins at the beginning, takes the file's name, and leaves no trace in it."""
    (tmp_path / "model.pkl").write_bytes(EVIL)
    with (tmp_path / "model.pkl").open("rb") as file:
        file.seek(5)
        report = wb.scan(file)
        assert file.tell() == 5
    assert report.inventory.name == "model.pkl"
    assert report.verdict is ScanVerdict.FINDINGS


def test_a_name_can_be_given() -> None:
    """The name is a hint: a promise of another format is a finding, as for a path."""
    report = wb.scan(FINE, name="model.safetensors")
    assert report.inventory.name == "model.safetensors"
    assert "suffix-lies" in {f.rule for f in report.findings}
    assert wb.scan(FINE).inventory.name == "stream"


@pytest.mark.parametrize("given", [b"", io.BytesIO(), Pipe(b""), Given()])
def test_no_byte_is_not_clean(given: bytes) -> None:
    """Nothing to scan is an error, never a pass."""
    with pytest.raises(NothingToCheckError):
        wb.scan(given)


def test_text_is_refused(tmp_path: Path) -> None:
    """A file that is open as text gives other than the file's bytes."""
    (tmp_path / "a").write_text("x")
    with (tmp_path / "a").open(encoding="utf-8") as file, pytest.raises(UsageError):
        wb.scan(file)  # type: ignore[arg-type]
    with pytest.raises(UsageError):
        wb.scan(io.StringIO("x"))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("given", "error"),
    [
        (Given(OSError("gone")), OperationError),
        (Given(ValueError("closed")), OperationError),
        (Given("text"), UsageError),
        (Given(None), UsageError),
        (Given(bytes(2 << 20)), OperationError),
        (3, UsageError),
        (None, UsageError),
    ],
)
def test_what_is_no_file_is_refused(given: object, error: type[Exception]) -> None:
    """Whatever a stream does instead of giving bytes ends in an error of the tree."""
    with pytest.raises(error):
        wb.scan(given)  # type: ignore[arg-type]


def test_a_closed_file_is_refused() -> None:
    """A file that is closed already is an error of the tree."""
    file = io.BytesIO(EVIL)
    file.close()
    with pytest.raises(OperationError):
        wb.scan(file)


@pytest.mark.parametrize("position", [0, 3])
def test_imitations_of_files_are_read_in_order(position: int) -> None:
    """What only imitates a file is not asked to seek, whatever it says of itself."""

    class Imitation(Given):
        """Says that it can seek."""

        def seekable(self) -> bool:
            """Claim it."""
            return True

        def tell(self) -> int:
            """Return a position that means nothing."""
            return position

    assert wb.scan(Imitation(EVIL)).verdict is ScanVerdict.FINDINGS


def test_a_file_whose_end_cannot_be_found_is_refused() -> None:
    """A file that says that it can seek and cannot is an error of the tree."""

    class Broken(io.BytesIO):
        """Fails to seek."""

        def seek(self, offset: int, whence: int = os.SEEK_SET, /) -> int:
            """Fail."""
            raise OSError("no")

    with pytest.raises(OperationError):
        wb.scan(Broken(EVIL))


def test_a_file_that_was_closed_meanwhile_is_not_clean() -> None:
    """A file that is closed while it is scanned is an error, and is left closed."""

    class Closing(io.BytesIO):
        """Closes itself at the first read."""

        def read(self, size: int | None = -1, /) -> bytes:
            """Read and close."""
            data = super().read(size)
            self.close()
            return data

    with pytest.raises(OperationError):
        wb.scan(Closing(bytes(1 << 20)))


def test_a_file_that_shrinks_is_not_clean() -> None:
    """A file that gives fewer bytes than it has is a gap or an error, never clean."""

    class Shrinking(io.BytesIO):
        """Claims a byte more than it has."""

        def seek(self, offset: int, whence: int = os.SEEK_SET, /) -> int:
            """Add one at the end."""
            return super().seek(offset, whence) + (whence == os.SEEK_END)

    with pytest.raises(OperationError):
        wb.scan(Shrinking(FINE))


def test_a_stream_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """A stream beyond the bound is refused instead of filling the memory."""
    monkeypatch.setattr(streams, "MAX_STREAM_BYTES", 20)
    with pytest.raises(LimitExceededError):
        wb.scan(Pipe(EVIL))
    assert wb.scan(Pipe(EVIL[:20])).gaps or wb.scan(Pipe(EVIL[:20])).findings


def test_progress_of_both_parts_is_told(tmp_path: Path) -> None:
    """Scanning tells how many bytes there are and are done; reading does where files are hashed."""

    class Recorder:
        """Adds up."""

        def __init__(self) -> None:
            self.total = self.done = 0

        def begin(self, total: int, /) -> None:
            """Note the total."""
            self.total = total

        def advance(self, count: int, /) -> None:
            """Note progress."""
            self.done += count

    for name in ("a", "b"):
        (tmp_path / name).write_bytes(FINE)
    reading, examining = Recorder(), Recorder()
    wb.scan(tmp_path, progress=reading, examined=examining, jobs=2)
    assert (reading.total, reading.done) == (0, 0)
    assert (examining.total, examining.done) == (2 * len(FINE), 2 * len(FINE))


@pytest.mark.parametrize("single", [False, True])
def test_nothing_is_hashed(tmp_path: Path, *, single: bool) -> None:
    """A scan hashes no file, except for the list of names that approvals are written from."""
    (tmp_path / "sub").mkdir()
    for name in ("a", "sub/b"):
        (tmp_path / name).write_bytes(FINE)
    place = tmp_path / "a" if single else tmp_path
    entries = wb.scan(place).inventory.entries
    assert [entry.digests for entry in entries] == [()] * len(entries)
    (report,) = scan_paths([place], show_globals=True)
    listed = report.inventory.entries
    assert all(entry.sha256 for entry in listed)


@pytest.mark.parametrize("jobs", [0, 65])
def test_jobs_are_bounded(jobs: int) -> None:
    """Nothing starts more processes than the bound, or none."""
    with pytest.raises(UsageError):
        wb.scan(Path(__file__).parent, jobs=jobs)


@pytest.mark.parametrize("subject", [FINE, f"{SCHEME}someone/model"])
def test_other_scanners_need_a_path(subject: bytes) -> None:
    """What is not on this machine's disk cannot be given to a scanner that opens files."""
    with pytest.raises(UsageError, match="need a path"):
        wb.scan(subject, also=["picklescan"])


def test_unknown_scanners_are_told_before_anything_is_read() -> None:
    """A typing error is an error, even where there is nothing to scan."""
    with pytest.raises(UsageError, match="no such scanner"):
        wb.scan("nowhere", also=["picklscan"])
    with pytest.raises(UsageError, match="too many"):
        scanners_for(f"s{n}" for n in range(17))


@posix
def test_a_known_scanner_is_found_on_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A scanner on PATH is asked, and what it says is in the report."""
    model, tools = tmp_path / "model", tmp_path / "tools"
    model.mkdir()
    tools.mkdir()
    (model / "a.pkl").write_bytes(FINE)
    write_program(
        tools / "picklescan",
        "echo \"$2/a.pkl: dangerous import 'x y' FOUND\"\n"
        'echo "----------- SCAN SUMMARY -----------"; exit 1',
    )
    monkeypatch.setenv("PATH", f"{tools}{os.pathsep}{os.environ['PATH']}")
    report = wb.scan(model, also=["picklescan", "picklescan"])
    assert [f.rule for f in report.findings] == ["picklescan:dangerous-import"]
    assert report.statuses["a.pkl"] is FileStatus.FINDINGS
    assert len(report.consulted) == 1


@posix
def test_doctor_tells_which_scanners_can_be_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A scanner on PATH is told with its place, the others with what needs them."""
    program = write_program(tmp_path / "picklescan", ":")
    monkeypatch.setenv("PATH", str(tmp_path))
    told = {line.name: line for line in capabilities()}
    assert told["scanner picklescan"].present
    assert told["scanner picklescan"].detail == str(program)
    assert not told["scanner clamscan"].present
    assert "--also clamscan" in told["scanner clamscan"].detail


@posix
def test_a_file_that_changes_meanwhile_is_a_gap(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What another scanner saw is compared with what was hashed."""
    model, tools = tmp_path / "model", tmp_path / "tools"
    model.mkdir()
    tools.mkdir()
    (model / "a.pkl").write_bytes(FINE)
    write_program(tools / "picklescan", 'echo "----------- SCAN SUMMARY -----------"')
    run = process.run_scanner

    def run_beside_a_writer(*arguments: Any, **more: Any) -> Outcome:
        outcome = run(*arguments, **more)
        with (model / "a.pkl").open("ab") as file:
            file.write(b"x")
        return outcome

    monkeypatch.setattr(consult, "run_scanner", run_beside_a_writer)
    monkeypatch.setenv("PATH", f"{tools}{os.pathsep}{os.environ['PATH']}")
    report = wb.scan(model, also=["picklescan"])
    assert [g.code for g in report.gaps] == [Code.FILE_CHANGED]
    assert not report.consulted[0].finished


def judge(place: Path, program: Path, *, scan: str = 'also = ["acme"]') -> Verdict:
    """Return the verdict of a policy that asks *program*, about a clean model."""
    (place / "model").mkdir(exist_ok=True)
    (place / "model" / "config.json").write_text("{}")
    (place / "p.toml").write_text(
        "version = 1\n[scanner.acme]\nadapter = 'sarif'\n"
        f"command = ['{program}', '{{path}}', '{{report}}']\n"
        "[[rule]]\nmatch = ['**']\nboundary = ['load']\n"
        f"scan = {{ {scan} }}\nsignature = {{ required = false }}\n"
    )
    return wb.check(place / "model", policy=wb.Policy.from_file(place / "p.toml"))


REPORT = """
printf '{"runs": [{"results": [%s]}]}' "$RESULT" >"$2"
"""
RESULT = (
    r'{"ruleId": "X", "level": "error", "message": {"text": "bad"}, "locations": '
    r'[{"physicalLocation": {"artifactLocation": {"uri": "config.json"}}}]}'
)


@posix
@pytest.mark.parametrize(
    ("body", "decision", "codes"),
    [
        (f"RESULT=''{REPORT}", Decision.ALLOW, set()),
        (f"RESULT='{RESULT}'{REPORT}", Decision.DENY, {"acme:X"}),
        ("exit 1", Decision.DENY, {"scanner-failed"}),
        ("exit 7", Decision.DENY, {"scanner-failed"}),
    ],
)
def test_a_policy_asks_a_scanner(
    tmp_path: Path, body: str, decision: Decision, codes: set[str]
) -> None:
    """A configured scanner's findings deny, and so does a missing answer."""
    verdict = judge(tmp_path, write_program(tmp_path / "acme", body))
    assert verdict.decision is decision
    assert {r.code for r in verdict.reasons if r.blocking} == codes


@posix
def test_a_scanner_of_our_adapters_can_be_configured(tmp_path: Path) -> None:
    """A known adapter runs the program that the policy names, with its arguments first."""
    program = write_program(
        tmp_path / "x", 'test "$1" = -q && echo "----------- SCAN SUMMARY -----------"'
    )
    text = f"version = 1\n[scanner.ps]\nadapter = 'picklescan'\ncommand = ['{program}', '-q']\n"
    rule = "[[rule]]\nmatch = ['**']\nboundary = ['load']\nscan = { also = ['ps'] }\n"
    policy = wb.Policy.from_toml(
        f"{text}{rule}signature = {{ required = false }}".encode(), path=None
    )
    (tmp_path / "a.json").write_text("{}")
    assert wb.check(tmp_path / "a.json", policy=policy).decision is Decision.ALLOW


@posix
def test_a_load_asks_as_well(tmp_path: Path) -> None:
    """What a policy asks of a check it asks of a load."""
    program = write_program(tmp_path / "acme", f"RESULT='{RESULT}'{REPORT}")
    judge(tmp_path, program)
    with pytest.raises(wb.PolicyDeniedError, match="bad"):
        wb.load(tmp_path / "model", policy=wb.Policy.from_file(tmp_path / "p.toml"))


def test_kept_results_change_no_verdict(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A policy with a cache decides the second time as it did the first."""
    monkeypatch.setenv("WEIGHBRIDGE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    kept = importlib.import_module("weighbridge.scan.kept")
    monkeypatch.setattr(kept, "MIN_CACHED_SECONDS", -1.0)
    first = judge(tmp_path, tmp_path / "unused", scan="cache = true")
    assert len(list((tmp_path / "cache").iterdir())) == 1
    second = judge(tmp_path, tmp_path / "unused", scan="cache = true")
    assert first.decision is second.decision is Decision.ALLOW
    (tmp_path / "model" / "evil.pkl").write_bytes(EVIL)
    for _ in range(2):
        verdict = judge(tmp_path, tmp_path / "unused", scan="cache = true")
        assert "pickle-dangerous-global" in {r.code for r in verdict.reasons}


@pytest.mark.skipif(not Path("/proc/version").exists(), reason="the system has no /proc")
def test_a_file_with_more_bytes_than_the_system_says_is_not_clean() -> None:
    """A file system that tells a size of nothing hides no content: whoever loads it gets that."""
    report = wb.scan("/proc/version")
    assert report.verdict is ScanVerdict.INDETERMINATE
    assert [gap.code for gap in report.gaps] == [Code.FILE_CHANGED]
