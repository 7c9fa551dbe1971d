"""What a file needs, as a value: who asks for a list has no use for what makes it."""

from collections.abc import Iterable
from enum import StrEnum

from weighbridge.core.evidence import Finding
from weighbridge.core.values import frozen


class NeedStatus(StrEnum):
    """What is known of a name."""

    LISTED = "listed"
    UNKNOWN = "unknown"
    DANGEROUS = "dangerous"


@frozen
class Need:
    """
    A name that a pickle refers to.

    Attributes:
        path: The file, relative to the artifact's root.
        member: The member within it; None for the file itself.
        name: `module.qualname`, as the unpickler imports it.
        count: How often the stream refers to it.
        status: What is known of it.
        pack: The framework whose entry it is; None where it is not listed.
    """

    path: str
    member: str | None
    name: str
    count: int
    status: NeedStatus
    pack: str | None


def read_needs(findings: Iterable[Finding]) -> tuple[Need, ...]:
    """Return what `needs.list_needs` said; what has another form is left out."""
    return tuple(need for finding in findings if (need := _read(finding)) is not None)


def _read(finding: Finding) -> Need | None:
    """Return the need that *finding* stands for."""
    match finding.evidence:
        case (pack, count, name) if finding.message in set(NeedStatus) and count.isdecimal():
            return Need(
                path=finding.path,
                member=finding.member,
                name=name,
                count=int(count),
                status=NeedStatus(finding.message),
                pack=pack or None,
            )
        case _:
            return None
