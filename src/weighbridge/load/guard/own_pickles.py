"""
Pickles that this very process made, which it may read back whatever class they name (ADR 0042).

::

    pickle.dumps(x) --> the digest of what it returned, in a bounded table
    pickle.loads(data) --> if the digest of *data* is there: unpickled as it is

To read back what was made of an object does what `copy.deepcopy` of that object does, which nobody
guards: it calls what its class says. No bytes from outside get into the table, as it takes only
what `dumps` returns. Three things keep it so:

1. Only the functions `dumps` count, of `pickle`, cloudpickle and dill. A `Pickler` writes what a
   program's `persistent_id` returns, and into files that others write to as well.
2. Only protocol 4 and later: everything in these has a length. In the older ones a name ends with
   its line, so that a name with a line break in it would go on as other opcodes.
3. What is unpickled within (bytes that an object carries) is judged on its own.
"""

import os
from collections import OrderedDict
from threading import Lock
from typing import Final

from blake3 import blake3

from weighbridge.core.limits.loading import MAX_OWN_PICKLES
from weighbridge.core.limits.pickles import MAX_PICKLE_BYTES

_PROTO: Final = 0x80
_FIRST_PROTOCOL: Final = 4
_LEAST_BYTES: Final = 3


class OwnPickles:
    """
    Digests of the pickles that were made last.

    Args:
        size: How many are kept; the one that was made or read least recently goes first.
    """

    def __init__(self, size: int = MAX_OWN_PICKLES) -> None:
        self._size = size
        self._digests: OrderedDict[bytes, None] = OrderedDict()
        self._lock = Lock()

    def keep(self, data: object) -> None:
        """Remember the pickle *data*, which `dumps` returned just now."""
        digest = _digest_of(data)
        if digest is None:
            return
        with self._lock:
            self._digests[digest] = None
            self._digests.move_to_end(digest)
            if len(self._digests) > self._size:
                self._digests.popitem(last=False)

    def made(self, data: object) -> bool:
        """Tell whether *data* is, byte for byte, a pickle that is remembered."""
        digest = _digest_of(data) if self._digests else None
        if digest is None:
            return False
        with self._lock:
            if digest not in self._digests:
                return False
            self._digests.move_to_end(digest)
            return True

    def after_fork(self) -> None:
        """Let a child go on with what its parent had; the lock may have been another thread's."""
        self._lock = Lock()


def _digest_of(data: object) -> bytes | None:
    """Return the digest of the pickle *data*; None where a name in it could become an opcode."""
    if type(data) is not bytes or not _LEAST_BYTES <= len(data) <= MAX_PICKLE_BYTES:
        return None
    if data[0] != _PROTO or data[1] < _FIRST_PROTOCOL:
        return None
    return blake3(data).digest()


own: Final = OwnPickles()
"""Those of this process."""

if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=own.after_fork)
