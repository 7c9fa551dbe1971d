"""What a group can hold, and what a program met."""

from enum import StrEnum

from weighbridge.core.values import frozen


class Resource(StrEnum):
    """What a group can limit for all of its processes together."""

    MEMORY = "memory"
    """What they take of the machine's memory, files in memory and caches of files included."""

    PROCESSES = "pids"
    """How many processes and threads there are."""


@frozen
class Shares:
    """
    What a group may have; None for no limit.

    Attributes:
        memory_bytes: Memory, without any that is swapped out.
        processes: Processes and threads.
    """

    memory_bytes: int | None = None
    processes: int | None = None

    @property
    def resources(self) -> frozenset[Resource]:
        """What is limited."""
        memory = {Resource.MEMORY} if self.memory_bytes is not None else set[Resource]()
        processes = {Resource.PROCESSES} if self.processes is not None else set[Resource]()
        return frozenset(memory | processes)
