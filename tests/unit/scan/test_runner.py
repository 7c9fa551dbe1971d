"""Scanning an inventory: every model file is accounted for."""

import io
import zipfile

import pytest

from support.scanning import FakeClock, MemoryContents, entry_of, inventory_of
from weighbridge.core.artifact import EntryRole, FileFormat
from weighbridge.core.codes import Code
from weighbridge.core.errors import ArtifactChangedError, OperationError
from weighbridge.core.evidence import Clean, Confidence, Finding, Gap, Severity, Stage
from weighbridge.sandbox.interface import Confinement
from weighbridge.scan.examination import examine
from weighbridge.scan.interface import Subject
from weighbridge.scan.report import FileStatus, ScanReport, ScanVerdict
from weighbridge.scan.runner import scan_inventory, time_for


def _finding(path: str, severity: Severity) -> Finding:
    return Finding(
        rule="r", severity=severity, confidence=Confidence.HIGH, path=path, message="bad"
    )


class TestScanInventory:
    """The runner's part: which files, with what they need, and never none of the outcomes."""

    def test_clean_file(self) -> None:
        """A file about which the examiner says nothing is clean."""
        report = scan_inventory(
            inventory_of(entry_of("a", size=1, format=FileFormat.PICKLE)),
            MemoryContents({"a": b"x"}),
            clock=FakeClock(),
            examiner=lambda _: (),
        )
        assert report.evidence == (Clean(stage=Stage.SCAN, path="a"),)

    def test_members_and_confinement(self) -> None:
        """Members are added up over the files, and what was missing of the confinement is said."""

        class Kept:
            """An examiner whose process is kept to nothing."""

            confinement = Confinement(enforced=frozenset())

            def __call__(self, subject: Subject, /) -> tuple[Finding | Gap, ...]:
                """Examine in this process."""
                return examine(subject)

        stream = io.BytesIO()
        with zipfile.ZipFile(stream, "w") as archive:
            archive.writestr("a.json", "{}")
            archive.writestr("b.json", "{}")
        data = stream.getvalue()
        inventory = inventory_of(
            entry_of("a", size=len(data), format=FileFormat.ZIP),
            entry_of("b", size=len(data), format=FileFormat.ZIP),
        )
        contents = MemoryContents({"a": data, "b": data})
        report = scan_inventory(inventory, contents, clock=FakeClock(), examiner=Kept())
        assert report.members == 4
        assert report.confinement == Kept.confinement
        plain = scan_inventory(inventory, contents, clock=FakeClock(), examiner=lambda _: ())
        assert (plain.members, plain.confinement) == (0, None)

    def test_file_with_a_finding_is_not_clean(self) -> None:
        """A file about which the examiner says something has no Clean."""
        finding = _finding("a", Severity.LOW)
        report = scan_inventory(
            inventory_of(entry_of("a", size=1, format=FileFormat.PICKLE)),
            MemoryContents({"a": b"x"}),
            clock=FakeClock(),
            examiner=lambda _: (finding,),
        )
        assert report.evidence == (finding,)

    def test_signature_and_claims_are_listed_and_not_opened(self) -> None:
        """Signature and claims files are in the report and no analyzer sees them."""
        contents = MemoryContents({"a": b""})
        report = scan_inventory(
            inventory_of(
                entry_of("a", size=0, format=FileFormat.EMPTY),
                entry_of("model.claims.jsonl", size=9, format=None, role=EntryRole.CLAIMS),
                entry_of("model.sig", size=9, format=None, role=EntryRole.SIGNATURE),
            ),
            contents,
            clock=FakeClock(),
            examiner=examine,
        )
        assert contents.opened == ["a"]
        assert report.statuses == {
            "a": FileStatus.CLEAN,
            "model.claims.jsonl": FileStatus.NOT_SCANNED,
            "model.sig": FileStatus.NOT_SCANNED,
        }

    def test_file_without_a_format(self) -> None:
        """A file whose format nobody told is a gap, and not opened."""
        contents = MemoryContents({"a": b"x"})
        report = scan_inventory(
            inventory_of(entry_of("a", size=1, format=None)),
            contents,
            clock=FakeClock(),
            examiner=examine,
        )
        assert [g.code for g in report.gaps] == [Code.SCAN_UNSUPPORTED]
        assert contents.opened == []

    @pytest.mark.parametrize(
        ("error", "code"),
        [
            (ArtifactChangedError("changed"), Code.FILE_CHANGED),
            (OperationError("unreadable"), Code.IO_FAILED),
        ],
    )
    def test_file_that_cannot_be_opened(self, error: Exception, code: Code) -> None:
        """A file that cannot be opened is a gap, and the next one is scanned nevertheless."""
        report = scan_inventory(
            inventory_of(
                entry_of("a", size=0, format=FileFormat.EMPTY),
                entry_of("b", size=0, format=FileFormat.EMPTY),
            ),
            MemoryContents({"a": b"", "b": b""}, failures={"a": error}),
            clock=FakeClock(),
            examiner=examine,
        )
        assert [g.code for g in report.gaps] == [code]
        assert report.status_of("b") is FileStatus.CLEAN

    def test_file_of_another_size(self) -> None:
        """Bytes that are not those of the inventory are not examined."""
        report = scan_inventory(
            inventory_of(entry_of("a", size=2, format=FileFormat.EMPTY)),
            MemoryContents({"a": b"x"}),
            clock=FakeClock(),
            examiner=examine,
        )
        assert [g.code for g in report.gaps] == [Code.FILE_CHANGED]

    def test_what_the_examiner_is_told(self) -> None:
        """The examiner knows the name, the promise of the suffix, and the files beside it."""
        seen: list[Subject] = []

        def examiner(subject: Subject) -> tuple[Finding | Gap, ...]:
            seen.append(subject)
            return ()

        scan_inventory(
            inventory_of(
                entry_of(
                    "d/a.npy",
                    size=1,
                    format=FileFormat.PICKLE,
                    suffix_format=FileFormat.NPY,
                ),
                entry_of("model.sig", size=0, format=None, role=EntryRole.SIGNATURE),
            ),
            MemoryContents({"d/a.npy": b"x"}),
            clock=FakeClock(),
            examiner=examiner,
        )
        (subject,) = seen
        assert subject.name == "a.npy"
        assert subject.suffix_format is FileFormat.NPY
        assert subject.siblings == {"d/a.npy", "model.sig"}
        assert subject.deadline is not None

    def test_name_of_a_single_file(self) -> None:
        """A single-file artifact is examined under the artifact's name."""
        names: list[str] = []

        def examiner(subject: Subject) -> tuple[Finding | Gap, ...]:
            names.append(subject.name)
            return ()

        scan_inventory(
            inventory_of(entry_of(".", size=1, format=FileFormat.PICKLE)),
            MemoryContents({".": b"x"}),
            clock=FakeClock(),
            examiner=examiner,
        )
        assert names == ["model"]


class TestTime:
    """How long a scan may take."""

    def test_time_for_the_artifact(self) -> None:
        """When the time for all files is used up, each further one is a gap and is not opened."""
        entries = [entry_of(f"f{n:03}", size=1, format=FileFormat.PICKLE) for n in range(100)]
        contents = MemoryContents({entry.path: b"x" for entry in entries})
        report = scan_inventory(
            inventory_of(*entries), contents, clock=FakeClock(step=1.0), examiner=lambda _: ()
        )
        late = [gap for gap in report.gaps if gap.code is Code.SCAN_TIMEOUT]
        assert 0 < len(contents.opened) < 100
        assert len(late) == 100 - len(contents.opened)

    def test_time_grows_with_bytes(self) -> None:
        """Further large files add time, up to a bound for each; many small ones add little."""

        def seconds(*sizes: int) -> float:
            entries = (
                entry_of(f"f{n:06}", size=size, format=FileFormat.PICKLE)
                for n, size in enumerate(sizes)
            )
            return time_for(inventory_of(*entries))

        assert seconds(1) < 30
        assert seconds(1 << 40) < 30
        assert seconds(*[1] * 1000) < 35
        assert seconds(1 << 40, 1 << 40) - seconds(1 << 40) > 15
        assert seconds(1 << 40, 1 << 40) == seconds(1 << 41, 1 << 41)

    def test_several_jobs(self) -> None:
        """Files that are examined at the same time are reported in their order."""
        entries = [entry_of(f"f{n:03}", size=1, format=FileFormat.PICKLE) for n in range(50)]
        contents = MemoryContents({entry.path: b"x" for entry in entries})

        def examiner(subject: Subject) -> tuple[Finding | Gap, ...]:
            return (_finding(subject.path, Severity.LOW),) if subject.path < "f025" else ()

        one, many = (
            scan_inventory(
                inventory_of(*entries), contents, clock=FakeClock(), examiner=examiner, jobs=jobs
            )
            for jobs in (1, 4)
        )
        assert one == many


class TestReport:
    """What a report says of the whole."""

    GAP = Gap(stage=Stage.SCAN, code=Code.SCAN_LIMIT, path="a", reason="too much")

    def _report(self, *evidence: Finding | Clean | Gap) -> ScanReport:
        return ScanReport(
            inventory=inventory_of(entry_of("a", size=0, format=FileFormat.EMPTY)),
            evidence=evidence,
        )

    def test_clean(self) -> None:
        """An artifact whose files are all clean is clean and has no worst severity."""
        report = self._report(Clean(stage=Stage.SCAN, path="a"))
        assert report.verdict is ScanVerdict.CLEAN
        assert report.worst is None

    def test_nothing_scanned(self) -> None:
        """An artifact without a model file is never clean."""
        report = ScanReport(inventory=inventory_of(), evidence=())
        assert report.verdict is ScanVerdict.INDETERMINATE

    def test_gap(self) -> None:
        """A gap makes the artifact indeterminate, and so does one of the inventory."""
        assert self._report(self.GAP).verdict is ScanVerdict.INDETERMINATE
        report = ScanReport(
            inventory=inventory_of(
                entry_of("a", size=0, format=FileFormat.EMPTY),
                gaps=(Gap(stage=Stage.INVENTORY, code=Code.SPECIAL_FILE, path="x", reason=""),),
            ),
            evidence=(Clean(stage=Stage.SCAN, path="a"),),
        )
        assert report.verdict is ScanVerdict.INDETERMINATE

    def test_finding_outweighs_gap(self) -> None:
        """A finding decides also where there are gaps; below the bar, the gap does."""
        report = self._report(_finding("a", Severity.MEDIUM), self.GAP)
        assert report.verdict is ScanVerdict.FINDINGS
        assert report.verdict_at(Severity.MEDIUM) is ScanVerdict.FINDINGS
        assert report.verdict_at(Severity.HIGH) is ScanVerdict.INDETERMINATE
        assert report.status_of("a") is FileStatus.FINDINGS

    def test_worst(self) -> None:
        """The worst severity is the gravest, in whatever order they were found."""
        report = self._report(
            _finding("a", Severity.LOW), _finding("a", Severity.HIGH), _finding("a", Severity.LOW)
        )
        assert report.worst is Severity.HIGH

    def test_status_of_an_unknown_path(self) -> None:
        """Asking for a file that is not in the inventory is an error."""
        with pytest.raises(KeyError):
            self._report().status_of("b")

    def test_gap_without_a_path(self) -> None:
        """A gap about the whole artifact changes no file's status and makes it indeterminate."""
        whole = Gap(stage=Stage.SCAN, code=Code.SCAN_LIMIT, path=None, reason="")
        report = self._report(Clean(stage=Stage.SCAN, path="a"), whole)
        assert report.status_of("a") is FileStatus.CLEAN
        assert report.verdict is ScanVerdict.INDETERMINATE
