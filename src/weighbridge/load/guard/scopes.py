"""
What a thread is loading: who answers for the names that an unpickler asks for.

A scope is entered around a load and left after it. The net (`guard.Guard.found_class`) looks at the
innermost one.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from weighbridge.core.values import frozen
from weighbridge.load.guard.watch import local


@frozen
class Scope:
    """
    A load that is going on.

    Attributes:
        what: What is loaded, for messages.
        names: The names that the scan saw in these bytes; None where the policy decided about
            the artifact, or where the interpreter talks to a process of its own.
        verified: Whether the bytes are those of an artifact that the policy allows.
        whole: Whether whatever is unpickled within was judged already, as a part of these bytes.
    """

    what: str
    names: frozenset[str] | None = None
    verified: bool = False
    whole: bool = False


EXCHANGE = Scope(what="an exchange between processes of this program")


@contextmanager
def entered(scope: Scope) -> Iterator[None]:
    """Be within *scope*, in this thread."""
    before = local.scopes
    local.scopes = (*before, scope)
    try:
        yield
    finally:
        local.scopes = before


@contextmanager
def working() -> Iterator[None]:
    """Do the guard's own work, in which nothing is guarded."""
    local.working += 1
    try:
        yield
    finally:
        local.working -= 1


def current() -> Scope | None:
    """Return the innermost scope of this thread."""
    return local.scopes[-1] if local.scopes else None


def in_verified() -> bool:
    """Tell whether this thread is loading verified bytes, so that what is in them is verified."""
    scope = current()
    return scope is not None and scope.verified
