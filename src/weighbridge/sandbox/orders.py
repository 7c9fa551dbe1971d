"""What `launcher` orders and `forkserver` answers."""

from struct import Struct
from typing import Final

CONTROL: Final = 0
"""Descriptor of the socket to whoever started this process."""

ORDER: Final = Struct("<cQIIQ")
"""FORK with memory, CPU seconds, descriptors and bytes of a file; REAP with a process in the second
place; LIMIT with a process and, in the last place, bytes of a file."""

REPLY: Final = Struct("<i")
"""A process that was forked, or how one ended as `waitpid` says; -1 where that is not known."""

FORK: Final = b"F"
REAP: Final = b"R"
LIMIT: Final = b"L"
HELLO: Final = b"H"
