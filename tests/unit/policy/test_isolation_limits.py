"""How much a rule gives to a program: read strictly, and shown as it was written."""

import pytest

from support.policies import policy_of
from weighbridge.core.errors import PolicyError
from weighbridge.pipeline import running
from weighbridge.policy.rule import IsolationControl, LimitsControl
from weighbridge.policy.schema import Policy
from weighbridge.policy.view import policy_toml
from weighbridge.sandbox.walls.interface import Limits

ALL = (
    "memory-mib = 1, processes = 2, cpu-seconds = 3, seconds = 4, file-mib = 5, tmp-mib = 6, "
    "open-files = 7, together = true"
)


def isolation(text: str) -> IsolationControl:
    """Return the isolation of a rule that has this."""
    policy = policy_of("signature = { required = false }", f"isolation = {{ {text} }}")
    found = policy.rules[0].isolation
    assert found is not None
    return found


def control(text: str) -> LimitsControl:
    """Return the limits of a rule with this isolation."""
    return isolation(text).limits


def test_every_limit() -> None:
    """Each key is the limit of its name."""
    assert control(ALL) == LimitsControl(
        memory_mib=1,
        processes=2,
        cpu_seconds=3,
        seconds=4,
        file_mib=5,
        tmp_mib=6,
        open_files=7,
        together=True,
    )


def test_none() -> None:
    """Without keys there are no limits."""
    assert control("") == LimitsControl()
    assert running._limits(isolation("")) == Limits()


def test_units() -> None:
    """The kernel is told bytes, seconds and numbers."""
    assert running._limits(isolation(ALL)) == Limits(
        memory_bytes=1 << 20,
        processes=2,
        cpu_seconds=3,
        seconds=4,
        file_bytes=5 << 20,
        temporary_bytes=6 << 20,
        open_files=7,
        together=True,
    )


@pytest.mark.parametrize("text", [ALL, "seconds = 4", "together = true"])
def test_shown(text: str) -> None:
    """A policy that is spelled out has the same limits."""
    policy = policy_of("signature = { required = false }", f"isolation = {{ {text} }}")
    again = Policy.from_toml(policy_toml(policy).encode(), path="again.toml")
    assert again.rules[0].isolation == policy.rules[0].isolation


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("seconds = 0", "'seconds': expected 1 to"),
        ("seconds = 1.5", "'seconds'"),
        ("cpu-seconds = -1", "'cpu-seconds': expected 1 to"),
        ("file-mib = 99999999999", "'file-mib': expected 1 to"),
        ("tmp-mib = 'all'", "'tmp-mib'"),
        ("open-files = 1048577", "'open-files': expected 1 to 1048576"),
        ("together = 1", "'together'"),
        ("memory = 1", "unknown key 'memory'"),
    ],
)
def test_problems(text: str, problem: str) -> None:
    """What is no limit is a problem of the policy."""
    with pytest.raises(PolicyError, match=problem):
        control(text)
