"""What `launcher` orders and `forkserver` answers."""

from struct import Struct
from typing import Final

CONTROL: Final = 0
"""Descriptor of the socket to whoever started this process."""

ORDER: Final = Struct("<cQII")
"""FORK with memory, CPU seconds and descriptors, or REAP with a process in the second place."""

REPLY: Final = Struct("<i")
"""A process that was forked, or how one ended as `waitpid` says; -1 where that is not known."""

FORK: Final = b"F"
REAP: Final = b"R"
HELLO: Final = b"H"
