"""Rule `zip-content`: members of a zip have another checksum than the archive states."""

from collections.abc import Iterator
from typing import ClassVar, Final

from weighbridge.core.evidence import Severity
from weighbridge.scan.archive_facts import ZipContentFacts
from weighbridge.scan.interface import Facts, Match, Rule

_LISTED: Final = 8


class ZipContent(Rule[ZipContentFacts]):
    """
    A member of a zip has another checksum than the archive states.

    Low: what was examined is what a loader reads that does not look at checksums, and one that
    does reads nothing else. Torch writes such files when it is told not to compute checksums.
    """

    id: ClassVar[str] = "zip-content"
    severity: ClassVar[Severity] = Severity.LOW
    consumes: ClassVar[type[Facts]] = ZipContentFacts

    def check(self, facts: ZipContentFacts, /) -> Iterator[Match]:
        """Yield the members, all at once."""
        first = facts.anomalies[0]
        more = len(facts.anomalies) - 1
        others = f" and {more} further members" if more else ""
        yield Match(
            message=f"The content of {first.member}{others} has not the checksum that the archive "
            "states.",
            evidence=tuple(f"{each.member}: {each.detail}" for each in facts.anomalies[:_LISTED]),
        )
