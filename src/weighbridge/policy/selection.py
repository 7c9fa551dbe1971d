"""Which rule decides: the first one that matches a name and the boundary."""

import posixpath
import re
from typing import Final

from weighbridge.core.limits.policy import MAX_REFERENCE_CHARS
from weighbridge.core.values import frozen
from weighbridge.policy.rule import Rule
from weighbridge.policy.schema import Policy

_SCHEME: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")


@frozen
class Considered:
    """A rule that was looked at before the deciding one, and why it is not that."""

    index: int
    label: str
    line: int
    reason: str


@frozen
class RuleSelection:
    """
    The outcome of looking for a rule.

    Attributes:
        names: The names that were matched.
        boundary: The boundary that was asked for.
        rule: The deciding rule; None when no rule matches.
        pattern: The glob that matched; None when no rule does.
        name: The name that it matched; None when no rule does.
        considered: Every rule before the deciding one.
    """

    names: tuple[str, ...]
    boundary: str
    rule: Rule | None
    pattern: str | None
    name: str | None
    considered: tuple[Considered, ...]

    @property
    def index(self) -> int | None:
        """Position of the deciding rule, from 0; None when no rule matches."""
        return None if self.rule is None else self.rule.index


def reference_names(
    reference: str, *, resolved: str | None = None, directory: str | None = None
) -> tuple[str, ...]:
    """
    Return the names of *reference* that the globs of a policy are matched against.

    1. A reference with a scheme (`hf://acme/bert`) has one name, itself, verbatim; none when the
       scheme is not in lower case or a segment is empty, `.` or `..`.
    2. A path is named as it was given, with `.` segments and repeated or final slashes taken
       out. A path with a `..` segment has no such name: where it leads depends on links.
    3. When *resolved* lies in *directory*, it is also named relative to that.

    Nothing is decoded, case-folded or normalised otherwise. Without a name no rule matches.

    Args:
        reference: As the user gave it.
        resolved: The absolute path that it leads to, every symbolic link followed.
        directory: The absolute path of the policy's directory, likewise.
    """
    if not reference or len(reference) > MAX_REFERENCE_CHARS:
        return ()
    scheme = _SCHEME.match(reference)
    if scheme is not None:  # 1
        segments = reference[scheme.end() :].split("/")
        usable = scheme.group().islower() and not {"", ".", ".."}.intersection(segments)
        return (reference,) if usable else ()
    names: list[str] = []
    if ".." not in reference.split("/"):  # 2
        # POSIX lets normpath keep two leading slashes; to every system here they mean one.
        names.append(re.sub("^//", "/", posixpath.normpath(reference)))
    if resolved is not None and directory is not None:  # 3
        relative = _relative(resolved, directory)
        if relative is not None and relative not in names:
            names.append(relative)
    return tuple(names)


def _relative(path: str, directory: str) -> str | None:
    """Return *path* relative to *directory*; None unless both are absolute and it is inside."""
    if not path.startswith("/") or not directory.startswith("/") or ".." in path.split("/"):
        return None
    top = posixpath.normpath(directory).rstrip("/")
    inner = posixpath.normpath(path)
    if inner == (top or "/"):
        return "."
    return inner.removeprefix(f"{top}/") if inner.startswith(f"{top}/") else None


def select_rule(policy: Policy, *, names: tuple[str, ...], boundary: str) -> RuleSelection:
    """Find the first rule of *policy* for *boundary* with a glob that matches one of *names*."""
    considered: list[Considered] = []
    for rule in policy.rules:
        reason: str
        if not rule.applies_at(boundary):
            reason = f"is for {', '.join(rule.boundary)}, not for {boundary}"
        else:
            hit = _first_match(rule, names)
            if hit is not None:
                return RuleSelection(
                    names=names,
                    boundary=boundary,
                    rule=rule,
                    pattern=hit[0],
                    name=hit[1],
                    considered=tuple(considered),
                )
            patterns = ", ".join(glob.pattern for glob in rule.match)
            reason = f"matches {patterns}, not {' or '.join(names) or 'a reference without a name'}"
        considered.append(
            Considered(index=rule.index, label=rule.label, line=rule.line, reason=reason)
        )
    return RuleSelection(
        names=names,
        boundary=boundary,
        rule=None,
        pattern=None,
        name=None,
        considered=tuple(considered),
    )


def _first_match(rule: Rule, names: tuple[str, ...]) -> tuple[str, str] | None:
    for glob in rule.match:
        for name in names:
            if glob.matches(name):
                return glob.pattern, name
    return None
