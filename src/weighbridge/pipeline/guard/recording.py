"""What the guard did, one JSON object a line, in a file or on standard error."""

import json
import os
import sys
from datetime import UTC, datetime

from weighbridge.load.guard.interface import Event
from weighbridge.load.guard.scopes import working

SCHEMA = "weighbridge.guard/v1"


class LineRecorder:
    """
    Appends each event as one line, in one write: lines of several processes do not mix.

    Args:
        place: The file; None for standard error.
        denials_only: Whether what was allowed is left out.
    """

    def __init__(self, place: str | None, *, denials_only: bool) -> None:
        self._place = place
        self._denials_only = denials_only

    def __call__(self, event: Event, /) -> None:
        """Keep *event*."""
        if self._denials_only and event.decision == "allow":
            return
        line = json.dumps(_document(event), separators=(",", ":")) + "\n"
        if self._place is None:
            sys.stderr.write(line)
            return
        with working():
            flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC
            descriptor = os.open(self._place, flags, 0o600)
            try:
                os.write(descriptor, line.encode())
            finally:
                os.close(descriptor)


class Silence:
    """Keeps nothing: the error in the program's own call says it."""

    def __call__(self, event: Event, /) -> None:
        """Do nothing."""


def _document(event: Event) -> dict[str, object]:
    known = {
        "schema": SCHEMA,
        "time": datetime.now(UTC).isoformat(timespec="milliseconds"),
        "process": os.getpid(),
        "entry": event.entry,
        "decision": event.decision,
        "enforced": event.enforced,
        "path": event.path,
        "artifact": event.artifact,
        "rule": event.rule,
        "code": event.code,
        "reason": event.reason,
    }
    return {key: value for key, value in known.items() if value is not None}
