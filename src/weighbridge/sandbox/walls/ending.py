"""How a program behind walls ended, and what is to be said of that. Imports next to nothing."""

from weighbridge.sandbox.groups.interface import MEMORY, PROCESSES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

TIME_OVER = 124
"""Exit code of a program whose time was over, as of timeout(1)."""

_MIB = 1 << 20


class End:
    """
    How a program ended.

    Args:
        code: Its exit code; 128 + N where signal N ended it, `TIME_OVER` where its time was over.
        over: Whether it was ended since its time was over.
        exceeded: What a control group refused it more of, or ended a process of it for.
    """

    __slots__ = ("code", "exceeded", "over")

    def __init__(
        self, code: int, *, over: bool = False, exceeded: frozenset[str] = frozenset()
    ) -> None:
        self.code = code
        self.over = over
        self.exceeded = exceeded

    def complaints(self, shares: "Mapping[str, int]", /) -> "Iterator[str]":
        """
        Yield why it ended, or failed, where its exit code does not tell; each with what to do.

        Args:
            shares: What all of its processes might use together.
        """
        if self.over:
            yield "its time was over: it was ended, with all that it had started"
        if MEMORY in self.exceeded:
            yield (
                "the kernel killed a process of it for memory: all together may use "
                f"{shares[MEMORY] // _MIB} MiB, unless the machine has none left before; raise "
                "isolation.memory-mib, or have it use less"
            )
        if PROCESSES in self.exceeded:
            yield (
                f"it was refused a process: there may be {shares[PROCESSES]} at a time, threads "
                "included; raise isolation.processes, or have it start fewer"
            )
