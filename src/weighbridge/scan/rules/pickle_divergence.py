"""A pickle that Python's unpicklers do not read alike, or that no pickler has written."""

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Final

from weighbridge.core.evidence import Severity
from weighbridge.core.limits import MAX_FINDINGS_PER_FILE
from weighbridge.formats.pickle.trace import AnomalyKind
from weighbridge.scan.interface import Match, Rule
from weighbridge.scan.pickle_facts import PickleFacts

_SEVERITY: Final[Mapping[AnomalyKind, Severity]] = MappingProxyType(
    {
        AnomalyKind.DIVERGENCE: Severity.HIGH,
        AnomalyKind.READING: Severity.HIGH,
        AnomalyKind.FRAME: Severity.HIGH,
        AnomalyKind.PROTOCOL_INSIDE: Severity.MEDIUM,
        AnomalyKind.ITEM_ASSIGNED: Severity.MEDIUM,
        AnomalyKind.MEMO_INDEX: Severity.MEDIUM,
        AnomalyKind.STRING_ENCODING: Severity.LOW,
    }
)


class PickleDivergence(Rule[PickleFacts]):
    """
    Different programs do different things with such a stream, and scanners are programs.

    High where one unpickler goes on and another stops or reads something else; low for old
    strings that depend on the encoding that the loading program names.
    """

    id = "pickle-divergence"
    severity = Severity.HIGH
    consumes = PickleFacts

    def check(self, facts: PickleFacts, /) -> Iterator[Match]:
        """Yield each kind of anomaly at most a few times, and out-of-band buffers."""
        seen: dict[AnomalyKind, int] = {}
        for anomaly in facts.summary.anomalies:
            seen[anomaly.kind] = seen.get(anomaly.kind, 0) + 1
            limit = 1 if anomaly.kind is AnomalyKind.STRING_ENCODING else MAX_FINDINGS_PER_FILE
            if seen[anomaly.kind] <= limit:
                yield Match(
                    message=f"Unpicklers do not agree on this stream: {anomaly.detail}.",
                    offset=facts.at(anomaly.offset),
                    severity=_SEVERITY[anomaly.kind],
                )
        for buffer in facts.summary.buffers:
            if buffer.base is None:
                yield Match(
                    message="The stream takes a buffer from the program that loads it.",
                    offset=facts.at(buffer.offset),
                    severity=Severity.MEDIUM,
                )
                return
