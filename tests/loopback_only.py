"""
Run a command with no network but the loopback interface.

`unshare --user --map-root-user --net python tests/loopback_only.py COMMAND...`: the new network
has a loopback interface that is down.
"""

import fcntl
import os
import socket
import struct
import sys
from typing import Final

_SET_FLAGS: Final = 0x8914
"""SIOCSIFFLAGS; see netdevice(7)."""

_UP: Final = 0x1


def main() -> None:
    """Bring the loopback interface up and become the command."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as talk:
        fcntl.ioctl(talk, _SET_FLAGS, struct.pack("16sH14x", b"lo", _UP))
    os.execvp(sys.argv[1], sys.argv[1:])


if __name__ == "__main__":
    main()
