"""The results as a page of the documents."""

from collections import Counter
from collections.abc import Iterable
from typing import Any, Final

from benchmarks.scan.peers import PEERS

_OURS: Final = "weighbridge"
_OUR_BLOCKING: Final = frozenset({10, 11})


def blocks(name: str, code: int) -> bool:
    """Tell whether a careful caller of the scanner *name* does not load a file after *code*."""
    return code in (_OUR_BLOCKING if name == _OURS else PEERS[name].blocking) or code == -1


def page(results: dict[str, Any]) -> str:
    """Return the whole page."""
    parts = [_HEAD]
    setting = results.get("setting")
    if setting:
        peers = ", ".join(f"{n} {v}" for n, v in setting["peers"].items()) or "no other scanner"
        loaders = ", ".join(f"{n} {v}" for n, v in setting["victims"].items())
        parts.append(
            f"Measured on {setting['date']} with Python {setting['python']}, {peers}; samples are written and loaded by {loaders}.\n"
        )
    if "attacks" in results:
        parts.append(attacks(results["attacks"]))
    if "benign" in results:
        parts.append(real(results["benign"]))
    if "made" in results:
        parts.append(made(results["made"], results["makers"]))
    if "bombs" in results:
        parts.append(cost(results["bombs"]))
    return "\n".join(parts)


def attacks(samples: list[dict[str, Any]]) -> str:
    """Return the tables about samples and their twins."""
    names = _names(s["codes"] for s in samples)
    executed = [s for s in samples if s["acts"]]
    passed = [s for s in samples if not blocks(_OURS, s["codes"][_OURS])]
    # An old result does not say which samples deserve no more than a low finding.
    low = [s for s in passed if s.get("low") and blocks(_OURS, s["code at low"])]
    missed = [s for s in passed if s not in low]
    lines = [
        "## Attacks\n",
        (
            f"{len(samples)} samples; {sum(bool(s['loaders']) for s in samples)} were loaded by their victims, and {len(executed)} of those "
            "executed something. The others attack when the model is used, or a program that was not at hand.\n"
        ),
        "Blocked, of those that executed:\n",
        *_table(executed, names),
        "\nBlocked, of all samples:\n",
        *_table(samples, names),
        "\n`weighbridge` lets these samples pass:\n",
        *([f"- `{s['id']}`{' (executes)' if s['acts'] else ''}" for s in missed] or ["- none"]),
        *_reported(low),
        "\n## Benign twins\n",
        "The same files without the attack; fewer is better.\n",
        *_table([{**s, "codes": s["twin codes"]} for s in samples if s["twin codes"]], names),
        "",
    ]
    return "\n".join(lines)


def _reported(low: list[dict[str, Any]]) -> list[str]:
    """Return the samples that are reported, and pass by default since they deserve no more."""
    if not low:
        return []
    return [
        "\nIt reports these with low severity, by design, and blocks them with `--fail-on low`:\n",
        *(f"- `{s['id']}`: {s['low']}" for s in low),
    ]


def _table(samples: list[dict[str, Any]], names: list[str]) -> list[str]:
    groups = sorted({s["group"] for s in samples})
    lines = [f"| class | samples | {' | '.join(names)} |", f"|---|---:|{'---:|' * len(names)}"]
    for group in [*groups, "all"]:
        chosen = [s for s in samples if group in {s["group"], "all"}]
        cells = [_share(n, chosen) for n in names]
        lines.append(f"| {group} | {len(chosen)} | {' | '.join(cells)} |")
    return lines


def real(listed: list[dict[str, Any]]) -> str:
    """Return the table about real files."""
    names = _names(each["codes"] for each in listed)
    formats = Counter(each["format"] for each in listed)
    packages = {each["package"] for each in listed}
    lines = [
        "## Real model files\n",
        f"{len(listed)} files of {len(formats)} formats, shipped by {len(packages)} packages (`benchmarks/scan/benign.json` lists package, version and member). Blocked; fewer is better.\n",
        f"| format | files | {' | '.join(names)} |",
        f"|---|---:|{'---:|' * len(names)}",
    ]
    for kind in [*sorted(formats), "all"]:
        chosen = [each for each in listed if kind in {each["format"], "all"}]
        cells = [_share(n, chosen) for n in names]
        lines.append(f"| {kind} | {len(chosen)} | {' | '.join(cells)} |")
    lines.append("\n`weighbridge` blocks:\n")
    lines += [
        f"- {each['package']} {each['version']}: `{each['member']}`{_why(each['package'])}"
        for each in listed
        if blocks(_OURS, each["codes"][_OURS])
    ]
    return "\n".join([*lines, ""])


def _why(what: str) -> str:
    """Return why files of a package, or objects of a framework, are blocked, where that is known."""
    return f" ({_REASONS[what]})" if what in _REASONS else ""


def made(listed: list[dict[str, Any]], makers: dict[str, str]) -> str:
    """Return the table about what frameworks save."""
    names = _names(each["codes"] for each in listed)
    versions = ", ".join(f"{name} {version}" for name, version in makers.items())
    blocked: dict[str, dict[str, None]] = {}
    for each in listed:
        if blocks(_OURS, each["codes"][_OURS]):
            what = each["name"].partition(".")[0]
            blocked.setdefault(each["family"], {})[what] = None
    lines = [
        "## What frameworks save\n",
        f"{len(listed)} files: every estimator of scikit-learn, fitted, every module and optimizer of PyTorch, and what the others have, each saved in the ways that there are (`benchmarks/scan/made.py`), by {versions}, and by what samples are written by. Blocked; fewer is better.\n",
        *_table([{**each, "group": each["family"]} for each in listed], names),
        "\n`weighbridge` blocks:\n",
        *(
            f"- of {family}: {', '.join(f'`{what}`{_why(what)}' for what in found)}"
            for family, found in blocked.items()
        ),
        *([] if blocked else ["- none"]),
        _NOT_LISTED,
    ]
    return "\n".join(lines)


def cost(found: list[dict[str, Any]]) -> str:
    """Return the table about hostile cost."""
    lines = [
        "## Files that cost\n",
        f"{sum(each['within'] for each in found)} of {len(found)} end within 30 s and 1 GiB with exit code 10 or 11, or with 0 where the file is only large.\n",
        "| file | seconds | MiB | exit |",
        "|---|---:|---:|---:|",
        *(
            f"| {each['name']}{'' if each['within'] else ' **not within bounds**'} | {each['seconds']:.1f} | {each['peak'] / 1024**2:.0f} | {each['code']} |"
            for each in found
        ),
        "",
    ]
    return "\n".join(lines)


def _share(name: str, chosen: list[dict[str, Any]]) -> str:
    """Return how much the scanner *name* blocked of those that it was given."""
    codes = [each["codes"][name] for each in chosen if name in each["codes"]]
    blocked = sum(blocks(name, code) for code in codes)
    if not codes:
        return "-"
    part = "" if len(codes) == len(chosen) else f" of {len(codes)}"
    return f"{blocked}{part} ({100 * blocked / len(codes):.1f} %)"


def _names(codes: Iterable[dict[str, int]]) -> list[str]:
    known = {name for each in codes for name in each}
    return [name for name in (_OURS, *PEERS) if name in known]


_OWN: Final = "a class of the author's own, whose code nobody has read here"
_REASONS: Final = {
    "BeatNet": "a class of a module called `model`, which is any file of that name",
    "deepbrain": "a graph that reads record files",
    "granite_qc": _OWN,
    "natasha": "words and vectors of navec, which no analyzer reads",
    "thyroid_model_damir_bogdan": "functions of the program that saved it",
    "linregress": "protocol 2 has a class made by a function that the stream looks up",
}
"""Why what is blocked of real files and of frameworks is, as far as somebody has looked."""

_NOT_LISTED: Final = """
Other pickles of known frameworks are blocked as well, each for a reason:

- spaCy's `Doc` and pipelines: unpickling unpickles bytes within, and calls functions that they name.
  `nlp.to_disk()` has no pickle.
- skorch's nets: they keep `print` and other functions, to be called later. `save_params()` has weights only.
- Prophet's models: they keep the path of a program that fitting runs. `model_to_json()` has neither.
- NGBoost's models: unpickling makes classes out of those that the state names.
- whole modules of PyTorch Geometric, and batches: their inspector looks types up by subscription. State
  dicts pass.
- modules of `torch.ao.quantization` with packed recurrent layers, and `torch.Generator`: programs and states
  that compiled code reads.
- tables of pyarrow, and columns with lists, dictionaries or decimals in them: only plain columns are held to
  their buffers.
- estimators of scikit-learn around a function or class of your own.
- graph modules of `torch.fx` whose source takes trees of arguments apart (`concrete_args`, `torch.export`), uses
  `torch.ops` or functions of other packages, or that hold modules of others than PyTorch and onnx2torch.

What such a file needs can be approved by its digest and its names: see [policy.md](policy.md).
"""

_HEAD: Final = """# Detection

`make bench-scan` writes this page. It makes a corpus of attacks, whose payloads touch one file at
most; has the victims' own loaders really load them in confined children, to see which execute; and
gives all of it, the same files without the attack, and real model files to each scanner's command.

A file counts as blocked when the command says that something is wrong or that it could not look:
exit code 10 or 11 of `weighbridge scan`, 1 or 2 of the others. Fickling's command is made for pickles
and ends with 2 for whatever else it is given, attack or not: its second and third table say what that
is worth. ModelAudit takes seconds for a file and got every 25th. How the pickle engine is fuzzed
against the unpicklers themselves is in [fuzzing.md](fuzzing.md).
"""
