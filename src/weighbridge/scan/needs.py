"""
Listing what files need: every name that a pickle in them refers to.

The list leaves a confined worker in the form of its reports, which the other side parses as
strictly as anything that hostile bytes may have had a part in: a finding for each name.
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from weighbridge.core.evidence import Confidence, Finding, Gap, Severity
from weighbridge.scan.examination import examine
from weighbridge.scan.interface import Facts, Subject, shorten
from weighbridge.scan.need import NeedStatus
from weighbridge.scan.pickle_facts import PickleFacts
from weighbridge.scan.pickle_needs import needs_of

_RULE: Final = "pickle-unknown-global"
_SEVERITIES: Final = {
    NeedStatus.LISTED: Severity.LOW,
    NeedStatus.UNKNOWN: Severity.HIGH,
    NeedStatus.DANGEROUS: Severity.CRITICAL,
}
"""Where there are too many names, the lesser ones are dropped first."""


def list_needs(subject: Subject) -> tuple[Finding | Gap, ...]:
    """
    Return the names that *subject* and everything in it refer to, and what was not examined.

    Each name is a finding to be read with `need.read_needs`.
    """
    return examine(replace(subject, careful=True), judge=_as_findings)


def _as_findings(facts: Facts, /) -> Iterator[Finding]:
    """Yield the names in *facts*; a stream that is walked twice has its own count each time."""
    if not isinstance(facts, PickleFacts) or facts.carried:
        return
    for need in needs_of(facts):
        yield Finding(
            rule=_RULE,
            severity=_SEVERITIES[need.status],
            confidence=Confidence.HIGH,
            path=need.path,
            member=need.member,
            message=str(need.status),
            evidence=(need.pack or "", str(need.count), shorten(need.name)),
        )
