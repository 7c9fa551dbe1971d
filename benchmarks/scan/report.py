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
        f"- {each['package']} {each['version']}: `{each['member']}`"
        for each in listed
        if blocks(_OURS, each["codes"][_OURS])
    ]
    return "\n".join([*lines, ""])


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
