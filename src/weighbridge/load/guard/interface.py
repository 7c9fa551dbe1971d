"""What the guard asks, and whom: the decision is made above (`pipeline.guard.gate`)."""

from typing import Protocol

from weighbridge.core.values import frozen
from weighbridge.load.held import HeldFile, HeldFiles


@frozen
class Admission:
    """
    A file that the policy allows to be loaded.

    Attributes:
        path: As the program named it.
        root: The artifact that it belongs to: the directory or the single file.
        relative: The file in the artifact; `.` for a single-file artifact.
        name: Base name of the file.
        held: The verified bytes.
        files: All files of the artifact.
        rule: The label of the rule that allows it.
        code_allowed: Whether that rule admits code that the model brings along.
    """

    path: str
    root: str
    relative: str
    name: str
    held: HeldFile
    files: HeldFiles
    rule: str
    code_allowed: bool = False


class Gate(Protocol):
    """Decides about files."""

    def admit(self, path: str, /) -> Admission:
        """
        Return the verified bytes of the file at *path*.

        Raises:
            WeighbridgeError: The policy does not allow the artifact, or nobody can tell.
            OSError: The file cannot be looked at.
        """
        ...

    def after_fork(self) -> None:
        """Go on in a child of the process: what another thread had locked is free here."""
        ...

    def is_of_model(self, path: str, /) -> bool:
        """Tell whether code at *path* lies in a directory that is a model's."""
        ...

    def is_metadata(self, path: str, /) -> bool:
        """Tell whether *path* is a signature or claims beside a model, or of a version control."""
        ...


@frozen
class Event:
    """
    What the guard did, for the record.

    Attributes:
        entry: The entry point, such as `torch.load`.
        decision: `allow`, `deny` or `indeterminate`.
        path: The file; None for bytes in memory.
        artifact: What it belongs to, where that is known.
        rule: The deciding rule, where there is one.
        code: Stable code of a denial.
        reason: One sentence, for people.
        enforced: Whether the decision was carried out.
    """

    entry: str
    decision: str
    path: str | None = None
    artifact: str | None = None
    rule: str | None = None
    code: str | None = None
    reason: str | None = None
    enforced: bool = True


class Recorder(Protocol):
    """Keeps what the guard did."""

    def __call__(self, event: Event, /) -> None:
        """Keep *event*."""
        ...
