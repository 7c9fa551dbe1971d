"""
Writes the packs of the allow-list from what was curated, probed and reviewed.

`python tools/allowlist/generate.py [PROBE.json ...]`, in this project's environment. See
`README.md` in this folder. Without probes only the curated groups are written anew, and the
groups that were generated before are kept.
"""

import json
import sys
import tomllib
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, cast

from inert import why_not_inert

HERE: Final = Path(__file__).parent
PACKS: Final = HERE.parents[1] / "src" / "weighbridge" / "scan" / "allowlist"
HEADER: Final = "# Written by tools/allowlist/generate.py. Groups written by hand come first.\n"
WIDTH: Final = 30
"""Refused classes that are shown at the end."""

ITEM_HOOKS: Final = {"append", "extend", "add", "__setitem__", "__setattr__"}
"""Hooks that are reached only where the state admits items; a state of slots is refused."""

COMPILED: Final = {"__new__", "__eq__", "__hash__"}
"""Hooks that need no reading where they have no source."""

Json = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Family:
    """
    Classes that are alike.

    Attributes:
        pack: Where they are listed.
        below: Modules, with all below them.
        bases: One of these has to be among a class's bases; none for any class.
        without: Modules and classes that are left out.
        trusted: What methods of theirs may run; each was read.
        args: As in a pack.
        state: As in a pack.
        reason: As in a pack.
        kind: As in a pack.
        methods: As in a pack.
    """

    pack: str
    below: tuple[str, ...]
    bases: frozenset[str]
    without: tuple[str, ...]
    trusted: frozenset[str]
    args: str
    state: str
    reason: str
    kind: str = "class"
    methods: tuple[str, ...] = ()


@dataclass
class Seen:
    """The versions in which a class passed, and the reasons for which it did not."""

    passed: list[str] = field(default_factory=list)
    refused: set[str] = field(default_factory=set)


def version_key(version: str) -> tuple[int, ...]:
    """Return *version* for sorting."""
    parts = version.split("+", maxsplit=1)[0].split(".")
    return tuple(int("".join(c for c in part if c.isdigit()) or 0) for part in parts)


def span(versions: Iterable[str]) -> str:
    """Return the first and the last of *versions* as text."""
    ordered = sorted(set(versions), key=version_key)
    return ordered[0] if len(ordered) == 1 else f"{ordered[0]} to {ordered[-1]}"


def read_families() -> tuple[Family, ...]:
    """Return the families in `families.toml`."""
    document = tomllib.loads((HERE / "families.toml").read_text("utf-8"))
    return tuple(
        Family(
            pack=item["pack"],
            below=tuple(item["below"]),
            bases=frozenset(item.get("bases", ())),
            without=tuple(item.get("without", ())),
            trusted=frozenset(item.get("trusted", ())),
            args=item["args"],
            state=item["state"],
            reason=item["reason"],
            kind=item.get("kind", "class"),
            methods=tuple(item.get("methods", ())),
        )
        for item in document["family"]
    )


def read_reviewed() -> frozenset[str]:
    """Return the hooks that were read and found harmless, as `module:Class.hook`."""
    document = tomllib.loads((HERE / "reviewed.toml").read_text("utf-8"))
    return frozenset(hook for group in document["reviewed"] for hook in group["hooks"])


def within(name: str, modules: Iterable[str]) -> bool:
    """Tell whether the class *name* (`module:qualname`) is one of, or below, *modules*."""
    dotted = name.replace(":", ".")
    return any(dotted == m or dotted.startswith(m + ".") or name == m for m in modules)


def refusal(
    facts: Json, family: Family, reviewed: frozenset[str], sources: Mapping[str, Mapping[str, str]]
) -> str | None:
    """Return why the class is not listed, or None."""
    for hook, (where, digest) in facts["hooks"].items():
        if where in reviewed or (hook in ITEM_HOOKS and family.state != "both"):
            continue
        # A compiled __new__ makes an empty instance, and what compares is generated.
        if digest == "compiled":
            if hook in COMPILED:
                continue
            return f"hook {where} is compiled"
        why = why_not_inert(sources[where][digest])
        if why is not None:
            return f"hook {where} calls {why}"
    if facts["exception"] or facts["type"]:
        return "an exception or a metaclass"
    if facts["container"] and family.state == "attributes":
        return f"a {facts['container'][0]}"
    reach = [r for r in facts["reach"] if r.partition(" ")[0] not in family.trusted]
    return f"reach {reach[0]}" if reach else None


def belongs(name: str, facts: Json, family: Family) -> bool:
    """Tell whether the class *name* is one of *family*."""
    if not within(name, family.below) or within(name, family.without) or "<locals>" in name:
        return False
    if facts["enum"] != (family.kind == "enum"):
        return False
    return not family.bases or bool(family.bases & {name, *facts["mro"]})


def collect(
    probes: Iterable[Json], families: tuple[Family, ...], reviewed: frozenset[str]
) -> dict[tuple[Family, str], Seen]:
    """Return what the probes say of each class of each family."""
    found: dict[tuple[Family, str], Seen] = defaultdict(Seen)
    for probe in probes:
        for name, facts in probe["classes"].items():
            version = probe["versions"].get(name.partition(".")[0].partition(":")[0], "0")
            for family in families:
                if belongs(name, facts, family):
                    seen = found[family, name]
                    why = refusal(facts, family, reviewed, probe["sources"])
                    if why is None:
                        seen.passed.append(version)
                    else:
                        seen.refused.add(why)
                    break
    return found


def generated(found: Mapping[tuple[Family, str], Seen], curated: frozenset[str]) -> list[Json]:
    """Return groups for what passed in every version in which it was seen."""
    groups: dict[tuple[Family, str], dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for (family, name), seen in sorted(found.items(), key=lambda item: item[0][1]):
        module, _, qualname = name.partition(":")
        if seen.refused or f"{module}.{qualname}" in curated:
            continue
        groups[family, span(seen.passed)][module].append(qualname)
    order = {family: index for index, (family, _) in enumerate(groups)}
    return [
        {
            "pack": family.pack,
            "kind": family.kind,
            "args": family.args,
            "state": family.state,
            "versions": versions,
            "reason": family.reason,
            "names": {m: " ".join(sorted(set(n))) for m, n in sorted(names.items())},
            "generated": True,
            **({"methods": list(family.methods)} if family.methods else {}),
        }
        for (family, versions), names in sorted(
            groups.items(), key=lambda item: (order[item[0][0]], version_key(item[0][1].split()[0]))
        )
    ]


def write_group(group: Json) -> str:
    """Return *group* as TOML."""
    lines = ["[[allow]]"]
    keys = ("kind", "args", "state", "forbids", "methods", "versions", "reason")
    lines += [f"{key} = {json.dumps(group[key])}" for key in keys if key in group]
    lines.append("[allow.names]")
    lines += [f'"{module}" = "{names}"' for module, names in group["names"].items()]
    return "\n".join(lines) + "\n"


def write_pack(name: str, curated: Json, groups: list[Json], versions: str) -> None:
    """Write the file of a pack."""
    start = (
        f'pack = "{name}"\npackages = {json.dumps(curated["packages"])}\nversions = "{versions}"\n'
    )
    own = [{"versions": versions, **group} for group in curated["allow"]]
    if not own and not groups:
        start += "allow = []\n"
    text = "\n".join([HEADER + start, *map(write_group, own), *map(write_group, groups)])
    (PACKS / f"{name}.toml").write_text(text)


def previous(name: str, curated: frozenset[str]) -> tuple[list[Json], str]:
    """Return the generated groups and the versions of the pack as it is on disk."""
    path = PACKS / f"{name}.toml"
    document = tomllib.loads(path.read_text("utf-8")) if path.exists() else {"allow": []}
    families = {(f.pack, f.reason) for f in read_families()}
    groups = [
        group
        for group in document.get("allow", [])
        if (name, group["reason"]) in families and isinstance(group["names"], dict)
    ]
    for group in groups:
        group["names"] = {
            module: " ".join(n for n in names.split() if f"{module}.{n}" not in curated)
            for module, names in group["names"].items()
        }
        group["names"] = {module: names for module, names in group["names"].items() if names}
    return [g for g in groups if g["names"]], document.get("versions", "any")


def write_index(packs: Mapping[str, Json]) -> None:
    """Write into `catalogue.py` which package's names are in which pack."""
    path = PACKS / "catalogue.py"
    text = path.read_text("utf-8")
    start, end = text.index("    {\n") + 6, text.index("    }\n)")
    pairs = sorted((package, name) for name, pack in packs.items() for package in pack["packages"])
    lines = "".join(f'        "{package}": "{name}",\n' for package, name in pairs)
    path.write_text(text[:start] + lines + text[end:])


def main() -> None:
    """Write every pack and say what was refused."""
    probes = [cast("Json", json.loads(Path(path).read_text())) for path in sys.argv[1:]]
    packs = {p.stem: tomllib.loads(p.read_text("utf-8")) for p in (HERE / "curated").glob("*.toml")}
    curated = frozenset(
        f"{module}.{name}"
        for pack in packs.values()
        for group in pack["allow"]
        for module, names in group["names"].items()
        for name in names.split()
    )
    found = collect(probes, read_families(), read_reviewed())
    groups = generated(found, curated)
    for name, pack in packs.items():
        if probes:
            versions = (
                span(
                    v
                    for p in probes
                    for package, v in p["versions"].items()
                    if package == pack.get("package", pack["packages"][0])
                )
                if any(pack.get("package", pack["packages"][0]) in p["versions"] for p in probes)
                else pack.get("versions", "any")
            )
            write_pack(name, pack, [g for g in groups if g["pack"] == name], versions)
        else:
            kept, versions = previous(name, curated)
            write_pack(name, pack, kept, versions)
    write_index(packs)
    reasons: dict[str, list[str]] = defaultdict(list)
    for (_, name), seen in found.items():
        for why in seen.refused:
            reasons[why].append(name)
    for why, names in sorted(reasons.items(), key=lambda item: -len(item[1])):
        print(f"{len(names):5} {why}: {', '.join(sorted(names)[:3])}")
    passed = sum(not seen.refused for seen in found.values())
    print(f"{passed} classes listed, {len(found) - passed} refused")


if __name__ == "__main__":
    main()
