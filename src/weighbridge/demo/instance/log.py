"""
The transparency log of the test instance: what is logged, proofs of it, signed checkpoints.

Source: RFC 6962; C2SP signed-note and tlog-checkpoint.
"""

import hashlib
from dataclasses import replace
from datetime import UTC, datetime
from typing import Final

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256

from weighbridge.core.values import frozen
from weighbridge.demo.instance.authority import new_key, public_der
from weighbridge.demo.instance.encoding import to_base64
from weighbridge.demo.instance.faults import Conduct, LogFault
from weighbridge.demo.instance.tree import Inclusion, Tree

ORIGIN: Final = "loopback.weighbridge.invalid"
"""The log's name in its checkpoints; a name that nobody can own (RFC 2606)."""


@frozen
class Logged:
    """
    An entry of the log with its proof.

    Attributes:
        body: The entry in its canonical form.
        log: The log's name: what its key hashes to.
        inclusion: That the entry is in the log; None where that is not said.
        checkpoint: The tree's root, signed; None where that is not said.
    """

    body: bytes
    log: bytes
    inclusion: Inclusion | None
    checkpoint: str | None


class TransparencyLog:
    """
    A log in memory with a key of its own.

    Args:
        conduct: How it misbehaves.
    """

    def __init__(self, conduct: Conduct) -> None:
        self.key: Final = new_key()
        self._stranger: Final = new_key()
        self._tree: Final = Tree()
        self._conduct: Final = conduct

    def append(self, body: bytes) -> Logged:
        """Append *body* and prove it, as well as the instance wants to."""
        fault = self._conduct.faults.log
        if fault is LogFault.NOT_LOGGED:
            leaf = hashlib.sha256(b"\x00" + body).digest()
            inclusion = Inclusion(index=0, size=1, root=leaf, path=())
            checkpoint = self.checkpoint()
        else:
            if fault in {LogFault.BROKEN_PROOF, LogFault.WRONG_INDEX}:
                # In a tree of one leaf there is no path to break and no other index; and where
                # the neighbour is the same entry, its index is right, too.
                self._tree.append(b"another entry")
            inclusion = self._tree.append(body)
            checkpoint = self._note(inclusion.size, inclusion.root)
        return Logged(
            body=body,
            log=log_id(self._stranger if fault is LogFault.OTHER_KEY else self.key),
            inclusion=None if fault is LogFault.NO_PROOF else _spoiled(inclusion, fault),
            checkpoint=None if fault is LogFault.NO_CHECKPOINT else checkpoint,
        )

    def checkpoint(self) -> str:
        """Return the signed note about the tree as it is now."""
        return self._note(*self._tree.head())

    def promise(self, message: bytes) -> bytes:
        """Return a signature over *message*, which promises to log something."""
        strange = self._conduct.faults.log in {LogFault.OTHER_KEY, LogFault.OTHER_PROMISE}
        key = self._stranger if strange else self.key
        return key.sign(message, ec.ECDSA(SHA256()))

    def time(self) -> datetime:
        """Return the log's time."""
        return datetime.now(UTC) + self._conduct.faults.log_shift

    def _note(self, size: int, root: bytes) -> str:
        fault = self._conduct.faults.log
        claimed = self._stranger if fault is LogFault.OTHER_KEY else self.key
        signer = self._stranger if fault is LogFault.OTHER_CHECKPOINT else claimed
        note = f"{ORIGIN}\n{size}\n{to_base64(root)}\n"
        signature = signer.sign(note.encode(), ec.ECDSA(SHA256()))
        line = to_base64(log_id(claimed)[:4] + signature)
        return f"{note}\n\u2014 {ORIGIN} {line}\n"


def log_id(key: ec.EllipticCurvePrivateKey) -> bytes:
    """Return how a log with this *key* is called: RFC 6962 section 3.2."""
    return hashlib.sha256(public_der(key)).digest()


def _spoiled(inclusion: Inclusion, fault: LogFault | None) -> Inclusion:
    """Return the proof, with something wrong in it where that is asked for."""
    if fault is LogFault.BROKEN_PROOF:
        first = bytes([inclusion.path[0][0] ^ 1]) + inclusion.path[0][1:]
        return replace(inclusion, path=(first, *inclusion.path[1:]))
    if fault is LogFault.WRONG_INDEX:
        return replace(inclusion, index=inclusion.index - 1)
    return inclusion
