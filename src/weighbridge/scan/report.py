"""What a scan says of an artifact, every model file accounted for."""

from collections.abc import Iterator
from enum import StrEnum

from weighbridge.core.artifact import Inventory
from weighbridge.core.evidence import Clean, Consulted, Finding, Gap, Severity
from weighbridge.core.values import frozen
from weighbridge.sandbox.interface import Confinement
from weighbridge.scan.need import Need


class FileStatus(StrEnum):
    """What the scan says of one file; the first that applies, in this order."""

    FINDINGS = "findings"
    GAP = "gap"
    CLEAN = "clean"
    NOT_SCANNED = "not-scanned"
    """A signature or claims file: its own stage parses it, no model loader does."""


class ScanVerdict(StrEnum):
    """What the scan says of the whole artifact."""

    CLEAN = "clean"
    FINDINGS = "findings"
    INDETERMINATE = "indeterminate"


@frozen
class ScanReport:
    """
    The evidence of the scan stage.

    Guarantees that every model file of the inventory has findings or gaps, or exactly one
    `Clean` and neither.

    Attributes:
        inventory: What was scanned.
        evidence: In the order of the inventory's paths.
        consulted: The other scanners that were asked; what they found is in `evidence`.
        needs: What pickles refer to, name by name; None where nobody asked for it.
        members: How many members of files were examined: of archives, and of what is in them.
        confinement: What the processes were kept to that examined; None where none was needed.
    """

    inventory: Inventory
    evidence: tuple[Finding | Clean | Gap, ...]
    consulted: tuple[Consulted, ...] = ()
    needs: tuple[Need, ...] | None = None
    members: int = 0
    confinement: Confinement | None = None

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What the rules found."""
        return tuple(e for e in self.evidence if isinstance(e, Finding))

    @property
    def gaps(self) -> tuple[Gap, ...]:
        """What was not examined, the inventory's own gaps first."""
        return self.inventory.gaps + tuple(e for e in self.evidence if isinstance(e, Gap))

    @property
    def worst(self) -> Severity | None:
        """The gravest severity found; None without findings."""
        return max((f.severity for f in self.findings), key=lambda s: s.rank, default=None)

    @property
    def verdict(self) -> ScanVerdict:
        """The verdict when every finding counts."""
        return self.verdict_at(Severity.LOW)

    def verdict_at(self, bar: Severity) -> ScanVerdict:
        """
        Return the verdict when findings below *bar* do not count.

        A finding outweighs a gap: the artifact is bad, whatever else there is in it. An
        artifact without a model file is indeterminate, never clean.
        """
        if any(f.severity.at_least(bar) for f in self.findings):
            return ScanVerdict.FINDINGS
        if self.gaps or not self.inventory.model_entries:
            return ScanVerdict.INDETERMINATE
        return ScanVerdict.CLEAN

    def status_of(self, path: str) -> FileStatus:
        """
        Return what the scan says of the file at *path*.

        Raises:
            KeyError: The inventory has no such file.
        """
        return self.statuses[path]

    @property
    def statuses(self) -> dict[str, FileStatus]:
        """The status of every file of the inventory, signatures and claims included."""
        found = {entry.path: FileStatus.NOT_SCANNED for entry in self.inventory.entries}
        for path, status in self._statements():
            if path in found and _PRECEDENCE.index(status) < _PRECEDENCE.index(found[path]):
                found[path] = status
        return found

    def _statements(self) -> Iterator[tuple[str, FileStatus]]:
        """Yield what each piece of evidence says of its file."""
        for item in (*self.inventory.gaps, *self.evidence):
            match item:
                case Finding():
                    yield item.path, FileStatus.FINDINGS
                case Gap():
                    if item.path is not None:
                        yield item.path, FileStatus.GAP
                case Clean():
                    yield item.path, FileStatus.CLEAN


_PRECEDENCE = tuple(FileStatus)
