"""A pickle that Python's unpicklers do not read alike, or that no pickler has written."""

from collections import Counter
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Final

from weighbridge.core.evidence import Severity
from weighbridge.core.limits.scanning import MAX_FINDINGS_PER_FILE
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
        AnomalyKind.STRING_BYTES: Severity.LOW,
    }
)
_OLD_STRINGS: Final = frozenset({AnomalyKind.STRING_ENCODING, AnomalyKind.STRING_BYTES})


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
        seen: Counter[AnomalyKind] = Counter()
        for anomaly in facts.summary.anomalies:
            old = anomaly.kind in _OLD_STRINGS
            kind = AnomalyKind.STRING_ENCODING if old else anomaly.kind
            seen[kind] += 1
            if seen[kind] <= (1 if old else MAX_FINDINGS_PER_FILE):
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
