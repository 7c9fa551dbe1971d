"""Rule `torch-storage-size`: a checkpoint's storage is smaller than its pickle says, or missing."""

from collections.abc import Iterator
from typing import ClassVar

from weighbridge.core.evidence import Severity
from weighbridge.scan.interface import Facts, Match, Rule
from weighbridge.scan.torch_storages import StorageFacts


class TorchStorageSize(Rule[StorageFacts]):
    """A storage is smaller than the pickle says (CVE-2026-24747); medium where it is missing."""

    id: ClassVar[str] = "torch-storage-size"
    severity: ClassVar[Severity] = Severity.HIGH
    consumes: ClassVar[type[Facts]] = StorageFacts

    def check(self, facts: StorageFacts, /) -> Iterator[Match]:
        """Yield each storage."""
        for mismatch in facts.mismatches:
            if mismatch.actual is None:
                yield Match(
                    message=f"The checkpoint has no member {mismatch.member}, which its pickle "
                    "names as a storage.",
                    severity=Severity.MEDIUM,
                )
            else:
                yield Match(
                    message=f"The storage {mismatch.member} is smaller than the pickle says; "
                    "readers take what lies behind it in memory for its numbers.",
                    evidence=(f"{mismatch.actual} bytes, the pickle says {mismatch.claimed}",),
                )
