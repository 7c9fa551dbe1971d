"""Run a process and say what it took; compare two kinds of process in pairs."""

import os
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from typing import Final

_TAIL_CHARS: Final = 2000


class BenchmarkError(Exception):
    """A process did not do what it was measured for; its numbers would mean nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """
    One run of a process.

    Attributes:
        wall: Seconds from start to end.
        cpu: Seconds of user and system time, of its finished children too.
        peak: Bytes of the largest resident set; no less than this process had when it forked.
        output: What it wrote to standard output.
    """

    wall: float
    cpu: float
    peak: int
    output: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Contender:
    """
    A process to measure.

    Attributes:
        name: Label in the results.
        command: Program and arguments.
        before: Called before each run, outside the measured time.
        cpus: The processors that it may use; None for all.
        exit_code: What it has to end with.
    """

    name: str
    command: Sequence[str]
    before: Callable[[], None] | None = None
    cpus: frozenset[int] | None = None
    exit_code: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Ratio:
    """
    What one contender took over what another did, pair by pair.

    Attributes:
        what: One line for people.
        median: Median of the pairs.
        least: The smallest of the pairs.
        most: The largest of the pairs.
        aim: What the project promises, such as `<= 1.10`; empty where there is no promise.
    """

    what: str
    median: float
    least: float
    most: float
    aim: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """An absolute number with its unit."""

    what: str
    value: float
    unit: str
    aim: str = ""


@dataclass(slots=True, kw_only=True)
class Result:
    """What one case found."""

    case: str
    title: str
    samples: dict[str, list[Sample]] = field(default_factory=dict)
    ratios: list[Ratio] = field(default_factory=list)
    figures: list[Figure] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)

    def as_json(self) -> dict[str, object]:
        """Return the result as JSON values, without the processes' output."""
        values = asdict(self)
        for samples in values["samples"].values():
            for sample in samples:
                del sample["output"]
        return values


def run(contender: Contender) -> Sample:
    """
    Run *contender* once.

    Raises:
        BenchmarkError: It ended with another exit code than it should.
    """
    if contender.before is not None:
        contender.before()
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
        begun = time.perf_counter()
        with _confined(contender.cpus):
            process = subprocess.Popen(
                list(contender.command), stdin=subprocess.DEVNULL, stdout=out, stderr=err
            )
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - begun
        process.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        err.seek(0)
        output = out.read()
        if process.returncode != contender.exit_code:
            raise BenchmarkError(
                f"{contender.name}: expected exit code {contender.exit_code}, found "
                f"{process.returncode}: {' '.join(contender.command)}\n"
                f"{(output + err.read())[-_TAIL_CHARS:]}"
            )
    return Sample(
        wall=wall,
        cpu=usage.ru_utime + usage.ru_stime,
        peak=usage.ru_maxrss * 1024,
        output=output,
    )


@contextmanager
def _confined(cpus: frozenset[int] | None) -> Iterator[None]:
    """Let a child inherit the processors *cpus*; this process only waits for it."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, before if cpus is None else cpus)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def alternate(contenders: Sequence[Contender], *, rounds: int) -> dict[str, list[Sample]]:
    """Run all once unmeasured, then *rounds* times in turn: A B C A B C."""
    samples: dict[str, list[Sample]] = {contender.name: [] for contender in contenders}
    for contender in contenders:
        run(contender)
    for _ in range(rounds):
        for contender in contenders:
            samples[contender.name].append(run(contender))
    return samples


def ratio(
    what: str,
    *,
    over: Sequence[Sample],
    under: Sequence[Sample],
    of: Callable[[Sample], float] = lambda sample: sample.wall,
    aim: str = "",
) -> Ratio:
    """Divide pair by pair."""
    quotients = [of(a) / of(b) for a, b in zip(over, under, strict=True)]
    return Ratio(
        what=what,
        median=statistics.median(quotients),
        least=min(quotients),
        most=max(quotients),
        aim=aim,
    )


def median(samples: Sequence[Sample], of: Callable[[Sample], float]) -> float:
    """Return the median of one number over *samples*."""
    return statistics.median(of(sample) for sample in samples)


def least(samples: Sequence[Sample], of: Callable[[Sample], float]) -> float:
    """Return the smallest of one number over *samples*."""
    return min(of(sample) for sample in samples)
