"""
Measure detection and false alarms: `python -m benchmarks.scan [--only PART]... [--write]`.

Parts: `attacks` (samples made here, and which of them execute; their twins), `benign` (real model
files that packages ship), `made` (what frameworks save), `bombs`. Every scanner is its own command in its own
environment. With `--write`, the tables go into `docs/detection.md`.
"""

import argparse
import datetime as dt
import json
import platform
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from benchmarks.measure import BenchmarkError
from benchmarks.scan import benign, bombs, report
from benchmarks.scan.environments import ROOT, Environment, frameworks, peer, victims
from benchmarks.scan.peers import PEERS

PARTS: Final = ("attacks", "benign", "made", "bombs")
OURS: Final = "weighbridge"
MAKERS: Final = ("scikit-learn", "scipy", "pandas", "pyarrow", "xgboost", "lightgbm", "catboost")
_AT_ONCE: Final = 100
_CODES: Final = {"clean": 0, "findings": 10, "indeterminate": 11}


def parser() -> argparse.ArgumentParser:
    """Describe the arguments."""
    described = argparse.ArgumentParser(prog="python -m benchmarks.scan", description=__doc__)
    described.add_argument("--only", action="append", choices=PARTS, help="measure this part")
    described.add_argument(
        "--peer",
        action="append",
        choices=sorted(PEERS),
        help="compare with this scanner; default all",
    )
    described.add_argument("--no-peers", action="store_true", help="measure weighbridge alone")
    described.add_argument(
        "--environments",
        type=Path,
        default=ROOT / ".scanners",
        help="where the environments are made",
    )
    described.add_argument(
        "--place", type=Path, help="where samples are written; kept when it is given"
    )
    described.add_argument(
        "--real", type=Path, help="where wheels are downloaded to; default below --environments"
    )
    described.add_argument(
        "--output", type=Path, default=ROOT / "benchmarks" / "results" / "scan.json"
    )
    described.add_argument("--write", action="store_true", help="write docs/detection.md")
    return described


def main() -> int:
    """Measure what the arguments name; 0 when everything could be measured."""
    arguments = parser().parse_args()
    parts = arguments.only or list(PARTS)
    peers = [] if arguments.no_peers else arguments.peer or list(PEERS)
    # What other scanners said in an earlier run stays, so that ours can be measured again alone.
    results: dict[str, Any] = {}
    if arguments.output.exists():
        results = json.loads(arguments.output.read_text())
    try:
        with tempfile.TemporaryDirectory(prefix="weighbridge-scan-") as temporary:
            place = arguments.place or Path(temporary)
            environments = {name: peer(arguments.environments, name) for name in peers}
            for part in parts:
                measure(part, results, arguments, place, environments)
        before = results.get("setting", {}).get("peers", {})
        results["setting"] = setting(environments, victims(arguments.environments))
        results["setting"]["peers"] = {**before, **results["setting"]["peers"]}
    except BenchmarkError as error:
        sys.stderr.write(f"error: {error}\n")
        return 1
    arguments.output.parent.mkdir(parents=True, exist_ok=True)
    arguments.output.write_text(json.dumps(results, indent=1) + "\n")
    text = report.page(results)
    print(text)
    if arguments.write:
        (ROOT / "docs" / "detection.md").write_text(text)
    return 0


def measure(
    part: str,
    results: dict[str, Any],
    arguments: argparse.Namespace,
    place: Path,
    peers: dict[str, Environment],
) -> None:
    """Put what is measured for *part* into *results*, beside what others said there before."""
    old = results.get(part, [])
    match part:
        case "attacks":
            found = attacks(place, victims(arguments.environments), peers)
            results[part] = _beside(old, found, ("id",), "codes", "twin codes")
        case "benign":
            found = files(arguments.real or arguments.environments / "real", peers)
            results[part] = _beside(old, found, ("package", "version", "member"), "codes")
        case "made":
            maker = frameworks(arguments.environments)
            found = saved(place, maker, peers)
            results[part] = _beside(old, found, ("family", "name"), "codes")
            results["makers"] = maker.versions(*MAKERS)
        case _:
            results[part] = cost()


def _beside(
    old: list[dict[str, Any]], new: list[dict[str, Any]], names: tuple[str, ...], *codes: str
) -> list[dict[str, Any]]:
    """Return *new* with the codes that *old* has of scanners that were not asked now."""
    known = {tuple(each[name] for name in names): each for each in old}
    for each in new:
        before = known.get(tuple(each[name] for name in names), {})
        for key in codes:
            each[key] = {**before.get(key, {}), **each[key]}
    return new


def attacks(
    place: Path, victim: Environment, peers: dict[str, Environment]
) -> list[dict[str, Any]]:
    """Make the corpus, load it, and scan it and its twins with everything."""
    corpus = place / "corpus"
    if not corpus.exists():
        sys.stderr.write("making the corpus ...\n")
        victim.run("-m", "benchmarks.scan.corpus", str(corpus))
    samples = [json.loads(line) for line in (corpus / "index.jsonl").read_text().splitlines()]
    tasks = [
        json.dumps(
            {
                "id": s["id"],
                "loader": loader,
                "path": str(corpus / "attack" / s["id"] / s["opened"]),
            }
        )
        for s in samples
        for loader in s["loaders"]
    ]
    sys.stderr.write(f"loading {len(tasks)} samples ...\n")
    acts: dict[str, list[str]] = {}
    for line in victim.run("-m", "benchmarks.scan.victims", lines=tasks, alone=True).splitlines():
        answer = json.loads(line)
        acts.setdefault(answer["id"], []).extend(answer["acts"])
    for sample in samples:
        sample["acts"] = acts.get(sample["id"], [])
        sample["codes"], sample["twin codes"] = {}, {}
    # A twin may need a file more than its attack, such as the weights that are beside a model.
    for kind, key, count in (("attack", "codes", "files"), ("twin", "twin codes", "twin files")):
        chosen = [s for s in samples if kind == "attack" or s["twin"]]
        folders = [corpus / kind / s["id"] for s in chosen]
        single = [
            f if s[count] > 1 else f / s["opened"] for f, s in zip(folders, chosen, strict=True)
        ]
        opened = [f / s["opened"] for f, s in zip(folders, chosen, strict=True)]
        for name, codes in everything(single, opened, peers).items():
            for sample, code in zip(chosen, codes, strict=True):
                if code is not None:
                    sample[key][name] = code
    low = [s for s in samples if s["low"]]
    paths = [corpus / "attack" / s["id"] for s in low]
    for sample, code in zip(low, ours(paths, "--fail-on", "low"), strict=True):
        sample["code at low"] = code
    return samples


def files(real: Path, peers: dict[str, Environment]) -> list[dict[str, Any]]:
    """Scan the model files that packages ship."""
    listed: list[dict[str, Any]] = [dict(each) for each in benign.collect(real)]
    (ROOT / "benchmarks" / "scan" / "benign.json").write_text(json.dumps(listed, indent=1) + "\n")
    opened = [benign.path_of(real, each) for each in listed]
    paths = [benign.place_of(real, each) for each in listed]
    formats = told(opened)
    for each, name in zip(listed, formats, strict=True):
        each["format"] = name
        each["codes"] = {}
    for name, codes in everything(paths, opened, peers).items():
        for each, code in zip(listed, codes, strict=True):
            if code is not None:
                each["codes"][name] = code
    return listed


def saved(place: Path, maker: Environment, peers: dict[str, Environment]) -> list[dict[str, Any]]:
    """Have frameworks save what they have, and scan it with everything."""
    folder = place / "made"
    if not folder.exists():
        sys.stderr.write("saving what frameworks have ...\n")
        maker.run("-W", "ignore", "-m", "benchmarks.scan.made", str(folder))
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    listed: list[dict[str, Any]] = [
        {"family": path.parent.name, "name": path.name, "codes": {}} for path in paths
    ]
    for name, codes in everything(paths, paths, peers).items():
        for each, code in zip(listed, codes, strict=True):
            if code is not None:
                each["codes"][name] = code
    return listed


def everything(
    paths: list[Path], opened: list[Path], peers: dict[str, Environment]
) -> dict[str, list[int | None]]:
    """Return the exit code of each scanner for each path; *opened* where it takes files only."""
    found: dict[str, list[int | None]] = {OURS: list(ours(paths))}
    for name, environment in peers.items():
        step = PEERS[name].every
        given = (paths if PEERS[name].directories else opened)[::step]
        sys.stderr.write(f"{name}: {len(given)} paths ...\n")
        lines = environment.run(
            "-m", "benchmarks.scan.peers", name, lines=[str(p) for p in given]
        ).splitlines()
        codes = [json.loads(line)["code"] for line in lines]
        found[name] = [codes[n // step] if n % step == 0 else None for n in range(len(paths))]
    return found


def ours(paths: list[Path], *options: str) -> list[int]:
    """Return our exit code for each path; one process takes many."""
    sys.stderr.write(f"{OURS}: {len(paths)} paths ...\n")
    return [
        _CODES[document["verdict"]]
        for document in _documents(paths, lambda code: code in {0, 10, 11}, *options)
    ]


def told(paths: list[Path]) -> list[str]:
    """Return the format of each file as we tell it."""
    return [
        document["files"][0]["format"] or "unknown"
        for document in _documents(paths, lambda code: code in {0, 10, 11})
    ]


def _documents(
    paths: list[Path], accepts: Callable[[int], bool], *options: str
) -> list[dict[str, Any]]:
    command = Path(sys.executable).with_name("weighbridge")
    documents: list[dict[str, Any]] = []
    for start in range(0, len(paths), _AT_ONCE):
        chunk = [str(p) for p in paths[start : start + _AT_ONCE]]
        done = subprocess.run(
            [str(command), "scan", "--format", "json", *options, *chunk],
            capture_output=True,
            text=True,
            check=False,
        )
        if not accepts(done.returncode):
            raise BenchmarkError(f"weighbridge scan: exit {done.returncode}\n{done.stderr[-2000:]}")
        documents += [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    if len(documents) != len(paths):
        raise BenchmarkError(f"weighbridge scan answered {len(documents)} of {len(paths)} times")
    return documents


def cost() -> list[dict[str, Any]]:
    """Scan the files that cost whoever reads them."""
    command = Path(sys.executable).with_name("weighbridge")
    found = []
    for name in bombs.BOMBS:
        each = bombs.measure(name, command=command)
        found.append(
            {
                "name": name,
                "seconds": each.seconds,
                "peak": each.peak,
                "code": each.code,
                "within": each.within,
            }
        )
    return found


def setting(peers: dict[str, Environment], victim: Environment) -> dict[str, Any]:
    """Return the date and the versions."""
    names = {name.partition(" ")[0] for name in peers}
    versions = {n: peers[n].versions(n)[n] for n in sorted(names & set(peers))}
    return {
        "date": dt.datetime.now(tz=dt.UTC).date().isoformat(),
        "python": platform.python_version(),
        "peers": versions,
        "victims": victim.versions(
            "torch", "numpy", "joblib", "pandas", "keras", "tensorflow-cpu", "onnx", "dill", "h5py"
        ),
    }


if __name__ == "__main__":
    sys.exit(main())
