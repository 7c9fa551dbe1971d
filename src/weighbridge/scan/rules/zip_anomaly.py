"""A zip archive that two readers see as two archives."""

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Final

from weighbridge.core.evidence import Severity
from weighbridge.formats.zip import ZipAnomalyKind
from weighbridge.scan.archive_facts import ZipFacts
from weighbridge.scan.interface import Match, Rule

_HIGH: Final = (
    ZipAnomalyKind.DIRECTORY_POSITION,
    ZipAnomalyKind.DUPLICATE_NAME,
    ZipAnomalyKind.CASE_COLLISION,
    ZipAnomalyKind.LOCAL_HEADER,
    ZipAnomalyKind.MULTIPLE_END_RECORDS,
    ZipAnomalyKind.NAME_MISMATCH,
    ZipAnomalyKind.OVERLAP,
    ZipAnomalyKind.UNSAFE_NAME,
    ZipAnomalyKind.LINK,
)
_SEVERITY: Final[Mapping[ZipAnomalyKind, Severity]] = MappingProxyType(
    dict.fromkeys(_HIGH, Severity.HIGH)
)


class ZipAnomalyRule(Rule[ZipFacts]):
    """High where another member, or another content of one, may be read; medium otherwise."""

    id = "zip-anomaly"
    severity = Severity.MEDIUM
    consumes = ZipFacts

    def check(self, facts: ZipFacts, /) -> Iterator[Match]:
        """Yield each anomaly."""
        for anomaly in facts.archive.anomalies:
            subject = f" ({anomaly.member})" if anomaly.member else ""
            yield Match(
                message=f"Readers do not agree on this archive{subject}: {anomaly.kind}.",
                evidence=(anomaly.detail,),
                severity=_SEVERITY.get(anomaly.kind),
            )
