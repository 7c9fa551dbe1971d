"""Rule `archive-anomaly`: a tar or 7z archive that is not the same to all readers."""

from collections.abc import Iterator
from typing import ClassVar

from weighbridge.core.evidence import Severity
from weighbridge.scan.archive_facts import ArchiveFacts
from weighbridge.scan.interface import Facts, Match, Rule


class ArchiveAnomaly(Rule[ArchiveFacts]):
    """High where another member or content may be read or something outside be written."""

    id: ClassVar[str] = "archive-anomaly"
    severity: ClassVar[Severity] = Severity.HIGH
    consumes: ClassVar[type[Facts]] = ArchiveFacts

    def check(self, facts: ArchiveFacts, /) -> Iterator[Match]:
        """Yield each oddity."""
        for oddity in facts.oddities:
            about = f" ({oddity.member})" if oddity.member else ""
            yield Match(
                message=f"Readers do not agree on this archive{about}: {oddity.kind}.",
                evidence=(oddity.detail,),
                severity=None if oddity.grave else Severity.LOW,
            )
