"""
Mutates pickle streams, really unpickles each, and fails when the scanner let one pass that did something.

Run it as `make fuzz-differential`, or `PYTHONPATH=src:tests python -m fuzz.differential --seconds 60`.
Two things are checked of every mutant:

- *miss*: the scan is clean, and an unpickler looked up a name that the allow-list does not have,
  tripped the tripwire, or tried to reach out of the process;
- *unseen*: an unpickler looked up a name that the scan does not mention, whatever its outcome.
"""

import _compat_pickle
import argparse
import importlib
import pickle
import sys
import time
from collections import Counter, OrderedDict
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Final

from fuzz.mutation import TRIPWIRE, Program, mutate, random_program, tokens_of
from fuzz.victims import Reached, reach
from weighbridge.core.content import BytesSource
from weighbridge.core.evidence import Finding, Gap, Severity
from weighbridge.formats.pickle.machine import run
from weighbridge.formats.sniff import sniff
from weighbridge.scan.allowlist import find_entry
from weighbridge.scan.examination import examine
from weighbridge.scan.interface import Subject

_BATCH: Final = 64
_BAR: Final = Severity.MEDIUM.rank
_FRESH: Final = 0.3


@dataclass(slots=True)
class Tally:
    """What a run of the fuzzer met."""

    streams: int = 0
    executed: int = 0
    blocked: int = 0
    passed: int = 0
    died: int = 0
    misses: list[tuple[bytes, list[str], list[str]]] = field(default_factory=list)
    unseen: list[bytes] = field(default_factory=list)
    kinds: Counter[str] = field(default_factory=Counter)

    def line(self) -> str:
        """Return the figures for people."""
        return (
            f"{self.streams} streams, {self.executed} of them did something; {self.blocked} blocked, "
            f"{self.passed} passed; {self.died} ended their victim; {len(self.misses)} misses, "
            f"{len(self.unseen)} names unseen"
        )


def allowed(module: str, name: str) -> bool:
    """Tell whether the allow-list has a name, as a stream of any protocol spells it."""
    new_module, new_name = _compat_pickle.NAME_MAPPING.get(
        (module, name), (_compat_pickle.IMPORT_MAPPING.get(module, module), name)
    )
    return bool(find_entry(f"{module}.{name}") or find_entry(f"{new_module}.{new_name}"))


def scan(data: bytes) -> tuple[Finding | Gap, ...]:
    """Return what the scan says of a file that holds *data*."""
    source = BytesSource(data)
    told = sniff(source, name="model.pkl")
    return examine(
        Subject(
            path="model.pkl",
            name="model.pkl",
            format=told.format,
            suffix_format=told.suffix_format,
            source=source,
            siblings=frozenset({"model.pkl"}),
        )
    )


def blocks(evidence: tuple[Finding | Gap, ...]) -> bool:
    """Tell whether the default gate keeps such a file out."""
    return any(isinstance(e, Gap) or e.severity.rank >= _BAR for e in evidence)


def seeds() -> list[Program]:
    """Return programs to start from: benign objects, and every way to trip the wire."""
    objects = [
        {"weights": [1.0, 2.0], "name": "model", "bias": None, "n": 1 << 70},
        OrderedDict(a=(1, 2), b={"c": {1, 2}}, d=frozenset({"x"})),
        [b"bytes", bytearray(b"array"), "text", True, 1.5, complex(1, 2), range(3)],
    ]
    programs = [tokens_of(pickle.dumps(o, protocol)) for o in objects for protocol in range(6)]
    wire = TRIPWIRE.encode()
    texts = (
        b"c%s\ntouch\n(X\x01\0\0\0atR." % wire,
        b"\x80\x04\x8c\x14%s\x8c\x05touch\x93)R." % wire,
        b"\x80\x04\x8c\x14%s\x94\x8c\x05touch\x94\x93\x94)R\x94." % wire,
        b"(i%s\ntouch\n." % wire,
        b"(c%s\ntouch\no." % wire,
        b"c%s\nTrip\n)\x81}b." % wire,
        b"c%s\nTrip\n)\x81Na." % wire,
        b"c%s\nTrip\n)\x81(NNu." % wire,
        b"\x80\x02c%s\ntouch\nq\x000h\x00)R0]." % wire,
        b"\x80\x04\x8c\x14%s\x8c\x0aTrip.touch\x93)R." % wire,
        b"\x80\x02]q\0(K\x01K\x02e0h\0c%s\ntouch\n)R\x86." % wire,
    )
    return programs + [tokens_of(text) for text in texts]


def mutants(rng: Random) -> Iterator[bytes]:
    """Yield mutants for ever."""
    pool = seeds()
    while True:
        program = random_program(rng) if rng.random() < _FRESH else rng.choice(pool)
        yield mutate(program, rng, rng.choice(pool) if rng.random() < 0.5 else random_program(rng))


def fuzz(*, seed: int, seconds: float | None = None, streams: int | None = None) -> Tally:
    """Fuzz until the time is over or the number of streams is reached."""
    _import_frameworks()
    tally = Tally()
    source = mutants(Random(seed))
    end = None if seconds is None else time.monotonic() + seconds
    while (end is None or time.monotonic() < end) and (streams is None or tally.streams < streams):
        batch = [next(source) for _ in range(_BATCH)]
        for data, reached in zip(batch, reach(batch, allowed=allowed), strict=True):
            judge(data, reached, tally)
        if sys.stderr.isatty() or tally.streams % (_BATCH * 500) == 0:
            sys.stderr.write(
                f"\r{tally.line()}\n" if not sys.stderr.isatty() else f"\r{tally.line()}"
            )
    return tally


def _import_frameworks() -> None:
    """Import what the allow-list names, so that victims find it loaded; what is missing is left out."""
    for module in (
        "numpy",
        "numpy.random",
        "scipy.sparse",
        "sklearn.linear_model",
        "joblib",
        "torch",
    ):
        with suppress(ImportError):
            importlib.import_module(module)


def judge(data: bytes, reached: Reached, tally: Tally) -> None:
    """Compare what the scanner says with what was reached."""
    tally.streams += 1
    tally.died += reached.died
    evidence = scan(data)
    blocked = blocks(evidence)
    tally.blocked += blocked
    tally.passed += not blocked
    unknown = {f"{module}.{name}" for module, name in reached.names if not allowed(module, name)}
    if unknown or reached.acts:
        tally.executed += 1
        tally.kinds.update(reached.acts)
        if not blocked:
            tally.misses.append((data, sorted(unknown), sorted(reached.acts)))
            sys.stderr.write(f"missed {sorted(unknown)} {sorted(reached.acts)}: {data.hex()}\n")
    if unknown and not _mentions(data, unknown):
        tally.unseen.append(data)


def _mentions(data: bytes, names: set[str]) -> bool:
    """
    Tell whether the machine's walk of *data* meets all *names*, or one that is computed.

    Only for files of one stream in which unpicklers do not part ways: for others a miss counts.
    """
    trace = run(data)
    nodes = list(trace.globals)
    parted = any(a.kind in {"frame", "divergence", "reading"} for a in trace.anomalies)
    if not trace.complete and b"\x95" in data:
        # The C unpickler may lose bytes of a frame that is wrong, and goes on elsewhere.
        return True
    if parted or (trace.complete and trace.end < len(data)) or any(n.computed for n in nodes):
        return True
    return names <= {spelled for n in nodes for spelled in (n.dotted, n.spelled or n.dotted)}


def main() -> int:
    """Fuzz; 1 when something got through."""
    described = argparse.ArgumentParser(prog="python -m fuzz.differential", description=__doc__)
    described.add_argument("--seconds", type=float, default=60.0)
    described.add_argument("--seed", type=int, default=int(time.time()))
    described.add_argument("--keep", type=Path, help="folder for what got through")
    arguments = described.parse_args()
    begun = time.monotonic()
    tally = fuzz(seed=arguments.seed, seconds=arguments.seconds)
    print(f"seed {arguments.seed}, {time.monotonic() - begun:.0f} s: {tally.line()}")  # noqa: T201  the result
    for data, names, acts in tally.misses[:50]:
        print("missed", *names, *acts, data)  # noqa: T201  the result
    for kind, found in (("miss", [data for data, _, _ in tally.misses]), ("unseen", tally.unseen)):
        for number, data in enumerate(found[:50]):
            print(kind, data.hex())  # noqa: T201  the result
            if arguments.keep is not None:
                arguments.keep.mkdir(parents=True, exist_ok=True)
                (arguments.keep / f"{kind}-{arguments.seed}-{number}.pkl").write_bytes(data)
    return 1 if tally.misses or tally.unseen else 0


if __name__ == "__main__":
    sys.exit(main())
