"""Globs: the one kind of pattern that a policy knows, matched in time linear in the text."""

import re
from typing import Final

from weighbridge.core.limits.policy import MAX_PATTERN_CHARS
from weighbridge.core.values import frozen

_STARS: Final = re.compile(r"\*+")
_IDENTITY_CHARS: Final = frozenset(
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~+=,/"
)
_OTHER_SYNTAX: Final = frozenset("?[]{}\\")


@frozen(kw_only=False)
class Glob:
    """
    A pattern for names.

    `*` stands for any run of characters without `/`, `**` for any run of characters at all;
    both also for none. Every other character stands for itself: matching is case-sensitive,
    compares code points without Unicode normalisation, and decodes nothing. A leading dot is
    not special. The whole name has to match.
    """

    pattern: str

    @property
    def has_wildcard(self) -> bool:
        """Whether the pattern can match more than one name."""
        return "*" in self.pattern

    @property
    def is_unbounded(self) -> bool:
        """Whether no letter or digit narrows the pattern down."""
        return not any(c.isalnum() for c in self.pattern)

    def matches(self, name: str, /) -> bool:
        """
        Tell whether the whole of *name* matches.

        Bit i of the state says that the tokens before i have matched what was read so far: a
        simulation of the automaton, so no pattern makes it backtrack.
        """
        literals, stars, double_stars, end = self._compile()
        any_star = stars | double_stars
        state = 1 | (1 & any_star) << 1
        for character in name:
            moved = (state & literals.get(character, 0)) << 1
            stay = state & (double_stars if character == "/" else any_star)
            state = moved | stay
            state |= (state & any_star) << 1
            if not state:
                return False
        return bool(state & end)

    def _compile(self) -> tuple[dict[str, int], int, int, int]:
        """Return the bit masks of each literal, of `*`, of `**`, and of the end."""
        literals: dict[str, int] = {}
        stars = double_stars = 0
        bit = 1
        position = 0
        while position < len(self.pattern):
            character = self.pattern[position]
            if self.pattern.startswith("**", position):
                double_stars |= bit
                position += 1
            elif character == "*":
                stars |= bit
            else:
                literals[character] = literals.get(character, 0) | bit
            position += 1
            bit <<= 1
        return literals, stars, double_stars, bit


@frozen(kw_only=False)
class IdentityGlob:
    """
    A pattern for who signed, in which a wildcard stands for no more than it seems to.

    As `Glob`, and with a wildcard in it narrower: what a wildcard stands for has only letters,
    digits and `-._~+=,` (`**` also `/`), all of ASCII. So it never reaches over an `@` into a
    domain or into a reference of a repository, over `?`, `#` or `%` into another part of a URI,
    or over a line break. A name with an empty segment or one of dots matches no wildcard.
    """

    pattern: str

    @property
    def is_unbounded(self) -> bool:
        """Whether no letter or digit narrows the pattern down."""
        return Glob(self.pattern).is_unbounded

    def matches(self, name: str, /) -> bool:
        """Tell whether the whole of *name* matches."""
        if "*" not in self.pattern:
            return name == self.pattern
        if "*" in name or not Glob(self.pattern).matches(name):
            return False
        # A character that the pattern has as often as the name is matched by itself only.
        foreign = set(name) - _IDENTITY_CHARS
        if any(name.count(each) != self.pattern.count(each) for each in foreign):
            return False
        segments = name.partition("://")[2].split("/") if "://" in name else name.split("/")
        return not {"", ".", ".."}.intersection(segments)


def glob_problem(pattern: str) -> str | None:
    """
    Say what is wrong with *pattern* as a glob, or return None.

    Syntax of other tools is refused instead of taken literally: a rule that silently matches
    less than its author meant lets a later, laxer rule decide.
    """
    if not pattern:
        return "is empty"
    if len(pattern) <= MAX_PATTERN_CHARS:
        foreign = sorted(_OTHER_SYNTAX.intersection(pattern))
        if foreign:
            return (
                f"has {' '.join(foreign)}: only * (within a name) and ** (across /) have a meaning"
            )
    return wildcard_problem(pattern)


def wildcard_problem(pattern: str) -> str | None:
    """
    Say what is wrong with *pattern* as a glob for any text, or return None.

    The syntax of other tools stands for itself then: the text may well have such characters.
    """
    if len(pattern) > MAX_PATTERN_CHARS:
        return f"has {len(pattern)} characters; at most {MAX_PATTERN_CHARS} are allowed"
    if any(len(run) > len("**") for run in _STARS.findall(pattern)):
        return "has more than two * in a row: only * and ** have a meaning"
    return None
