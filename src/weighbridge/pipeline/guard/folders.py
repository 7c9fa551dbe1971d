"""
Which directories are models', so that code in them is no program's but theirs.

That is one with a signature, or with a file as only models' directories have it (`MODEL_MARKS`),
unless it is above the program (`watch.folders_above`); and one that a rule names: by a last segment
that is more than a wildcard, or, where a file in it is called like a model, by any segment. A rule
about everything (`**`) makes no directory a model's, so that programs may lie beside a checkpoint.
"""

import os

from weighbridge.core.artifact import is_signature_name
from weighbridge.load.guard.names import MODEL_MARKS, MODEL_SUFFIXES
from weighbridge.load.guard.watch import folders_above, is_settled
from weighbridge.pipeline.guard.artifacts import candidates, names_in
from weighbridge.pipeline.policies import select_for
from weighbridge.policy.schema import Policy

_MOST_FOLDERS = 4096


def bases_of(policy: Policy) -> tuple[str, ...]:
    """
    Return the directories at or below which a rule of *policy* can name one, each with a slash.

    A light filter for the watch: code elsewhere is a model's only where its directory says so.
    """
    home = os.path.realpath(policy.directory) if policy.path is not None else None
    found: dict[str, None] = {}
    for rule in policy.rules:
        for glob in rule.match:
            if glob.is_unbounded or "://" in glob.pattern:
                continue
            literal = glob.pattern.partition("*")[0]
            if glob.has_wildcard:
                literal = literal.rpartition("/")[0]
            if glob.pattern.startswith("**"):
                found["/"] = None
            elif glob.pattern.startswith("/"):
                found[os.path.join(literal, "")] = None
            elif home is not None:
                found[os.path.join(os.path.normpath(os.path.join(home, literal)), "")] = None
    return tuple(found)


class Folders:
    """
    Tells models' directories, each once until it changes: programs import hundreds of files.

    Args:
        policy: Whose rules name directories.
        boundary: Where it is applied.
    """

    def __init__(self, policy: Policy, *, boundary: str) -> None:
        self._policy = policy
        self._boundary = boundary
        self._known: dict[str, tuple[tuple[int, int, int], bool, bool]] = {}

    def have(self, path: str) -> bool:
        """Tell whether the file at *path* lies in a model's directory, or below one."""
        near: set[str] = set()
        for place in (os.path.abspath(path), os.path.realpath(path)):
            near.update(folders_above(os.path.dirname(place)))
        for root, relative in candidates(path):
            if relative == ".":
                continue
            marked, named = self._look_at(root)
            if named or (marked and root in near):
                return True
        return False

    def _look_at(self, root: str) -> tuple[bool, bool]:
        """Tell whether something in *root* marks it as a model's, and whether a rule names it."""
        try:
            found = os.stat(root)
        except OSError:
            return False, False
        stamp = (found.st_dev, found.st_ino, found.st_mtime_ns)
        known = self._known.get(root)
        if known is None or known[0] != stamp:
            names = names_in(root)
            marked = not MODEL_MARKS.isdisjoint(names) or any(map(is_signature_name, names))
            if len(self._known) >= _MOST_FOLDERS:
                self._known.clear()
            known = (stamp, marked, self._is_named(root, names))
            if is_settled(found.st_mtime_ns):
                self._known[root] = known
        return known[1], known[2]

    def _is_named(self, root: str, names: list[str]) -> bool:
        pattern = select_for(root, self._policy, boundary=self._boundary).pattern
        if pattern is None:
            return False
        segments = [part.strip("*") for part in pattern.split("/")]
        return bool(segments[-1]) or (any(segments) and any(map(_is_called_like_model, names)))


def _is_called_like_model(name: str) -> bool:
    return name.rpartition(".")[2].lower() in MODEL_SUFFIXES
