"""Orders and reports as JSON between our own two processes."""

import json
from typing import Any

from weighbridge.sandbox.steps.interface import (
    Isolation,
    Observation,
    StepMeasure,
    StepOrder,
    StepReport,
)


def encode_order(order: StepOrder, /) -> bytes:
    """Return *order* as bytes; names that are no text survive it."""
    isolation = order.isolation
    return json.dumps(
        {
            "program": order.program,
            "command": order.command,
            "environment": order.environment,
            "isolation": None
            if isolation is None
            else {
                "readable": isolation.readable,
                "writable": isolation.writable,
                "devices": isolation.devices,
                "listable": isolation.listable,
                "ports": isolation.ports,
            },
            "observe": order.observe,
            "expected": order.expected,
            "quiet_output": order.quiet_output,
            "grace_seconds": order.grace_seconds,
        }
    ).encode()


def decode_order(data: bytes, /) -> StepOrder:
    """Return the order in *data*."""
    fields: dict[str, Any] = json.loads(data)
    isolation = fields.pop("isolation")
    return StepOrder(
        program=fields["program"],
        command=tuple(fields["command"]),
        environment=tuple((name, value) for name, value in fields["environment"]),
        isolation=None
        if isolation is None
        else Isolation(**{name: tuple(values) for name, values in isolation.items()}),
        observe=fields["observe"],
        expected=tuple(fields["expected"]),
        quiet_output=fields["quiet_output"],
        grace_seconds=fields["grace_seconds"],
    )


def encode_report(report: StepReport, /) -> bytes:
    """Return *report* as bytes."""
    seen = report.observation
    return json.dumps(
        {
            "exit_code": report.exit_code,
            "signal": report.signal,
            "failure": report.failure,
            "enforced": report.enforced,
            "observation": None
            if seen is None
            else {"files": seen.files, "network": seen.network, "blind": seen.blind},
            "unobserved": report.unobserved,
            "ended": report.ended,
            "stubborn": report.stubborn,
        }
    ).encode()


def decode_report(data: bytes, /) -> StepReport:
    """Return the report in *data*."""
    fields: dict[str, Any] = json.loads(data)
    seen = fields.pop("observation")
    enforced = tuple(StepMeasure(name) for name in fields.pop("enforced"))
    observation = seen and Observation(
        files=tuple(seen["files"]), network=seen["network"], blind=tuple(seen["blind"])
    )
    return StepReport(enforced=enforced, observation=observation or None, **fields)
