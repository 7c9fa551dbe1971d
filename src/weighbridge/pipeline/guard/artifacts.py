"""
Which artifact does a file belong to? The directory or the single file that a rule is about.

1. Candidates are the file itself and every directory above it, by the path that the program gave
   (links in its directories followed, the file's own name kept) and by the path that it leads to.
2. Each candidate has the rule that decides about it. The one whose rule comes first in the policy
   is meant: as everywhere, the first matching rule wins, and a file cannot leave a strict rule
   about its directory for a lax one about everything.
3. Among candidates with the same rule, the nearest one that has a signature is meant; without any,
   the nearest one.
"""

import os
from collections.abc import Iterator

from weighbridge.core.artifact import CLAIMS_NAME, is_signature_name
from weighbridge.core.codes import Code
from weighbridge.core.errors import RefusedError
from weighbridge.core.limits.inventory import MAX_DEPTH
from weighbridge.core.values import frozen
from weighbridge.pipeline.policies import select_for
from weighbridge.policy.rule import Rule
from weighbridge.policy.schema import Policy

_VERSION_CONTROL = frozenset({".git", ".github", ".gitattributes", ".gitignore"})


@frozen
class Belonging:
    """
    The artifact of a file.

    Attributes:
        root: Absolute path of the directory or the single file.
        relative: The file in the artifact; `.` for a single-file artifact.
        rule: The rule that decides.
    """

    root: str
    relative: str
    rule: Rule


def find_artifact(path: str, policy: Policy, *, boundary: str) -> Belonging:
    """
    Return the artifact that the file at *path* belongs to.

    Raises:
        RefusedError: No rule is about the file or about a directory above it.
    """
    best: tuple[tuple[int, int, int], Belonging] | None = None
    for distance, (root, relative) in enumerate(candidates(path)):
        rule = select_for(root, policy, boundary=boundary).rule
        if rule is None:
            continue
        rank = (rule.index, 0 if _has_signature(root, relative) else 1, distance)
        if best is None or rank < best[0]:
            best = rank, Belonging(root=root, relative=relative, rule=rule)
    if best is None:
        raise RefusedError(
            "no rule of the policy is about this file or a directory above it",
            code=Code.POLICY_NO_MATCH,
            where=path,
            hint=f"Add a rule for the boundary {boundary} whose match names it",
        )
    return best[1]


def is_metadata(path: str) -> bool:
    """Tell whether *path* is called like a signature or claims, or is of a version control."""
    name = os.path.basename(path)
    if name == CLAIMS_NAME or is_signature_name(name) or name.endswith(".sig"):
        return True
    return not _VERSION_CONTROL.isdisjoint(path.split("/"))


def candidates(path: str) -> Iterator[tuple[str, str]]:
    """Yield each artifact that the file could belong to, with its path there; the nearest first."""
    folder, name = os.path.split(os.path.abspath(path))
    named = os.path.join(os.path.realpath(folder), name)
    seen: set[str] = set()
    for place in dict.fromkeys((named, os.path.realpath(path))):
        yield place, "."
        relative = ""
        here = place
        for _ in range(MAX_DEPTH):
            here, part = os.path.split(here)
            relative = f"{part}/{relative}" if relative else part
            if here not in seen:
                seen.add(here)
                yield here, relative
            if here == "/" or not part:
                break


def _has_signature(root: str, relative: str) -> bool:
    if relative == ".":
        return os.path.exists(root + ".sig")
    return any(map(is_signature_name, names_in(root)))


def names_in(root: str) -> list[str]:
    """Return the names in the directory *root*; none where it cannot be read."""
    try:
        return os.listdir(root)
    except OSError:
        return []
