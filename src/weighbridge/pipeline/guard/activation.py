"""`weighbridge.guard`: from here on this process loads nothing that the policy does not allow."""

import os

from weighbridge.core.errors import UsageError
from weighbridge.load.guard import watch
from weighbridge.load.guard.children import Heritage
from weighbridge.load.guard.guard import Guard
from weighbridge.load.guard.interface import Recorder
from weighbridge.pipeline.check import DEFAULT_BOUNDARY
from weighbridge.pipeline.guard.folders import bases_of
from weighbridge.pipeline.guard.gate import PolicyGate
from weighbridge.pipeline.guard.order import read_order
from weighbridge.pipeline.guard.recording import LineRecorder, Silence
from weighbridge.policy.schema import Policy


def guard(
    policy: Policy,
    *,
    boundary: str = DEFAULT_BOUNDARY,
    audit: bool = False,
    log: str | os.PathLike[str] | None = None,
) -> None:
    """
    Let this process deserialize nothing from now on that *policy* does not allow.

    The entry points of frameworks, imported already or later, get the verified bytes of what the
    policy allows; everything else is a `GuardDeniedError` in the program's own call. A process has
    one guard and keeps it. Children by fork have it as well; others do not: start the program with
    `weighbridge exec` for those. docs/guard.md says what is covered and what is not.

    Args:
        policy: What has to hold.
        boundary: Where it is applied.
        audit: Only record what would have been denied; on standard error without *log*.
        log: A file to which a line of JSON is appended for each decision.

    Raises:
        UsageError: This process has a guard already, or *policy* is none.
    """
    if not isinstance(policy, Policy):
        raise UsageError(
            "a policy is read before it is used",
            expected="a Policy",
            found=type(policy).__name__,
            hint="Say policy=weighbridge.Policy.from_file(PATH)",
        )
    with watch.state.lock:
        if watch.is_active():
            raise UsageError("this process has a guard already, and keeps it")
        watch.state.guard = Guard(
            PolicyGate(policy, boundary=boundary),
            recorder=_recorder(None if log is None else os.path.abspath(log), audit=audit),
            audit=audit,
        )
        watch.state.bases = bases_of(policy)
    watch.install()


def build(reference: str, start: str) -> Guard:
    """
    Build the guard of an interpreter that was started with the order *reference*.

    Args:
        reference: Names the order.
        start: The directory of the start-up hook; empty where the guard is installed.

    Raises:
        OperationError: The order cannot be used.
        PolicyError: Its policy is not valid.
    """
    order = read_order(reference)
    heritage = Heritage(order=reference if start else "", start=start) if order.children else None
    return Guard(
        PolicyGate(order.parse_policy(), boundary=order.boundary),
        recorder=_recorder(order.log, audit=order.audit),
        audit=order.audit,
        heritage=heritage,
    )


def _recorder(log: str | None, *, audit: bool) -> Recorder:
    if log is None and not audit:
        return Silence()
    return LineRecorder(log, denials_only=audit and log is None)
