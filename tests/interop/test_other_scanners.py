"""Other scanners, asked for real: what they find is merged, and what they miss stays found."""

import os
import pickle
import shutil
import zipfile
from pathlib import Path

import pytest

from support.other_scanners import real_scanner, report_of
from weighbridge.core.codes import Code
from weighbridge.core.evidence import Severity
from weighbridge.scan.others.catalogue import ADAPTERS
from weighbridge.scan.others.consult import OtherScanner, consult
from weighbridge.scan.report import ScanReport

pytestmark = pytest.mark.oracle

EVIL = b"\x80\x04\x8c\x05posix\x8c\x06system\x93\x8c\x04true\x85R."
BROKEN = b"\x80\x04\x95garbage"
FILES = ("broken.pkl", "dir/w.pt", "evil.pkl", "fine.pkl", "fooled.pkl")


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """Return a directory with benign, malicious (inert) and broken files."""
    root = tmp_path / "model"
    (root / "dir").mkdir(parents=True)
    (root / "broken.pkl").write_bytes(BROKEN)
    (root / "evil.pkl").write_bytes(EVIL)
    (root / "fine.pkl").write_bytes(pickle.dumps({"a": [1.0]}))
    (root / "fooled.pkl").write_bytes(b"cfoo.bar\nbaz\n.")
    with zipfile.ZipFile(root / "dir" / "w.pt", "w") as archive:
        archive.writestr("w/data.pkl", EVIL)
        archive.writestr("w/version", "3")
    return root


def ask(name: str, root: Path, report: ScanReport, *program: str) -> ScanReport:
    """Return what becomes of *report* when the scanner is asked."""
    scanner = OtherScanner(name=name, adapter=ADAPTERS[name], program=program)
    return consult(report, [scanner], root=root, unchanged=lambda: None)


@pytest.mark.parametrize("name", ["picklescan", "modelscan"])
def test_a_directory(name: str, model: Path) -> None:
    """Each finds what it can in its place; what it misses is still found, what it broke on a gap."""
    own = report_of("fooled.pkl", files=FILES)
    merged = ask(name, model, own, str(real_scanner(name)))
    theirs = [f for f in merged.findings if f.rule.startswith(f"{name}:")]
    assert [(f.path, f.member) for f in theirs] == [("dir/w.pt", "w/data.pkl"), ("evil.pkl", None)]
    assert {f.severity for f in theirs} == {Severity.CRITICAL}
    assert {f.evidence for f in theirs} == {("posix.system",)}
    assert [(g.path, g.code) for g in merged.gaps] == [("broken.pkl", Code.SCANNER_INCOMPLETE)]
    (answer,) = merged.consulted
    assert answer.finished
    assert answer.alone == ("dir/w.pt", "evil.pkl")
    assert answer.silent == ("fooled.pkl",)
    assert "fooled.pkl" in {f.path for f in merged.findings}


@pytest.mark.parametrize("name", ["picklescan", "modelscan"])
@pytest.mark.parametrize("file", ["evil.pkl", "dir/w.pt"])
def test_a_single_file(name: str, file: str, model: Path) -> None:
    """A finding about a single file is about the artifact's one file."""
    merged = ask(name, model / file, report_of(files=(".",)), str(real_scanner(name)))
    (finding,) = merged.findings
    assert finding.path == "."
    assert merged.gaps == ()


@pytest.mark.parametrize("name", ["picklescan", "modelscan"])
def test_a_clean_file(name: str, model: Path) -> None:
    """What none of them objects to stays clean."""
    own = report_of(files=(".",))
    merged = ask(name, model / "fine.pkl", own, str(real_scanner(name)))
    assert merged.evidence == own.evidence
    assert merged.consulted[0].finished


def test_settings_in_a_model_have_no_effect(model: Path) -> None:
    """ModelScan reads settings from where it is started; that is not the model."""
    (model / "modelscan-settings.toml").write_text("[scanners]\n")
    merged = ask("modelscan", model, report_of(files=FILES), str(real_scanner("modelscan")))
    assert "evil.pkl" in {f.path for f in merged.findings}


def test_clamav(model: Path, tmp_path: Path) -> None:
    """ClamAV finds a signature of our own, and its limits are gaps."""
    program = shutil.which("clamscan")
    if program is None:
        if os.environ.get("CI"):
            pytest.fail("clamscan is absent: install clamav")
        pytest.skip("clamscan is absent: install clamav")
    database = tmp_path / "signatures"
    database.mkdir()
    (database / "test.ndb").write_text(
        f"Acme.Test-1:0:*:{b'posix'.hex()}{b''.hex()}*{b'system'.hex()}\n"
    )
    (model / "large.bin").write_bytes(b"\1" * 100_000)
    files = (*FILES, "large.bin")
    options = (f"--database={database}", "--max-filesize=50K")
    merged = ask("clamscan", model, report_of(files=files), program, *options)
    assert ("evil.pkl", "clamscan:signature") in {(f.path, f.rule) for f in merged.findings}
    assert "fine.pkl" not in {f.path for f in merged.findings}
    assert [(g.path, g.code) for g in merged.gaps] == [("large.bin", Code.SCANNER_INCOMPLETE)]


def test_clamav_without_signatures(model: Path, tmp_path: Path) -> None:
    """ClamAV without signatures has found nothing, which is no answer."""
    program = shutil.which("clamscan")
    if program is None:
        if os.environ.get("CI"):
            pytest.fail("clamscan is absent: install clamav")
        pytest.skip("clamscan is absent: install clamav")
    empty = tmp_path / "none"
    empty.mkdir()
    merged = ask("clamscan", model, report_of(files=FILES), program, f"--database={empty}")
    assert [g.code for g in merged.gaps] == [Code.SCANNER_FAILED]
    assert not merged.consulted[0].finished
