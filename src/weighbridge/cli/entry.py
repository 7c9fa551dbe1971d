"""
The start of the command: repeat a run that was run before, or go on to everything else.

`weighbridge run` is the start of a server. Where nothing has changed since the same call, it is
started before anything else is imported.
"""

import _signal  # type: ignore[import-not-found]  # `signal` imports enumerations
import gc
import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn

_COLLECT_AFTER = 50_000


def main() -> "NoReturn":
    """Run the command line and leave the process."""
    # Until somebody can catch it, an interrupt ends the process on the spot, without a trace.
    interrupted = _signal.getsignal(_signal.SIGINT)
    if interrupted is _signal.default_int_handler:
        _signal.signal(_signal.SIGINT, _signal.SIG_DFL)
    ended = getattr(_signal, "SIGCHLD", None)  # not on Windows
    if ended is not None and _signal.getsignal(ended) == _signal.SIG_IGN:
        # Inherited of whoever started this: then nobody is told how another program has ended, and
        # that passes for success.
        _signal.signal(ended, _signal.SIG_DFL)
    if sys.argv[1:2] == ["run"] and sys.platform == "linux":
        from weighbridge.pipeline.again.running import run_again  # noqa: PLC0415  see the module

        code = run_again(sys.argv[2:])
        if code is not None:
            os._exit(code)
    # A command makes a few hundred thousand objects, modules above all, and few cycles: looking for
    # those after every 700 objects is a tenth of its start-up.
    gc.set_threshold(_COLLECT_AFTER)
    from weighbridge.cli.main import main as run_everything  # noqa: PLC0415  see the module

    if interrupted is _signal.default_int_handler:
        _signal.signal(_signal.SIGINT, interrupted)
    run_everything()
