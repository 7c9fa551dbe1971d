"""
An interrupt that cannot be raised where it came is raised a moment later.

Python runs some code where no exception can come out: callbacks of weak references, such as those
of the locks that every import takes, and finalizers. A `KeyboardInterrupt` in there is printed and
forgotten, and the command goes on.
"""

import signal
import sys
from typing import TYPE_CHECKING, Final, NoReturn

if TYPE_CHECKING:
    from sys import UnraisableHookArgs

EXIT_INTERRUPTED: Final = 130
"""128 + SIGINT, as shells report it."""

_MOMENT_SECONDS: Final = 0.01

_SIGNALLED: Final = 128
"""What shells add to the number of the signal that ended a process."""


def insist(unraisable: "UnraisableHookArgs", /) -> None:
    """Interrupt again if it was an interrupt that was lost; a `sys.unraisablehook`."""
    if sys.platform == "win32" or not issubclass(unraisable.exc_type, KeyboardInterrupt):
        sys.__unraisablehook__(unraisable)
        return
    # By a timer: a signal now would be raised in here, where nothing can be raised either.
    signal.signal(signal.SIGALRM, signal.default_int_handler)
    signal.setitimer(signal.ITIMER_REAL, _MOMENT_SECONDS)


def heed_termination() -> None:
    """
    Have a request to end, SIGTERM or SIGHUP, leave the command as an interrupt does.

    For commands that would leave gigabytes behind. Whoever asks sees that it was the signal. What
    was started to outlive its terminal (`nohup`) does.
    """

    def leave(number: int, _frame: object) -> NoReturn:
        # Once: a second request ends the process on the spot, as it would have anyway.
        signal.signal(number, signal.SIG_DFL)
        sys.exit(_SIGNALLED + number)

    for name in ("SIGTERM", "SIGHUP"):  # some systems have no SIGHUP
        number = getattr(signal, name, None)
        if number is not None and signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, leave)
