"""Lists of packages that are installed for a model: where they come from."""

import re
from collections.abc import Iterator
from enum import StrEnum
from typing import Final

from weighbridge.core.values import frozen
from weighbridge.scan.interface import Facts, Subject


class Origin(StrEnum):
    """Where a package comes from, if not from the index that the user has chosen."""

    INDEX = "another package index"
    ADDRESS = "an address"
    REPOSITORY = "a repository"
    FILES = "files of the model"


@frozen
class DependencyFacts(Facts):
    """
    A package that does not come from the index that the user has chosen.

    Attributes:
        origin: Where it comes from instead.
        line: Line number, from 1.
        text: The line.
    """

    origin: Origin
    line: int
    text: str


_NAMES: Final = re.compile(
    r"(?:.*[-_.])?(?:requirements|constraints)(?:[-_.].*)?\.(?:txt|in)"
    r"|(?:conda|python_env|environment)(?:[-_.].*)?\.ya?ml|pip\.conf|pip\.ini"
)
_ORIGINS: Final = (
    (
        re.compile(
            r"(?:^|[\s'\"-])(?:--?(?:extra-)?index-url|-i|--find-links|-f|--trusted-host)[\s=]"
            r"|^(?:extra-)?index-url\s*=|^find-links\s*="
        ),
        Origin.INDEX,
    ),
    (re.compile(r"\b(?:git|hg|svn|bzr)\+\w+://"), Origin.REPOSITORY),
    (re.compile(r"\b(?:https?|ftp|file|s3)://|@\s*file:"), Origin.ADDRESS),
    (
        re.compile(r"^[\s'\"-]*(?:-e|--editable)[\s=]|^[\s'\"-]*\.{0,2}/[\w.]|\.(?:whl|tar\.gz)\b"),
        Origin.FILES,
    ),
)


def lists_dependencies(name: str) -> bool:
    """Tell whether a file of this name says what is installed for a model."""
    return _NAMES.fullmatch(name.lower()) is not None


def dependencies_in(subject: Subject, text: str) -> Iterator[DependencyFacts]:
    """Yield the packages of *text* that come from elsewhere."""
    for number, line in enumerate(text.splitlines(), start=1):
        # A comment begins at the start or behind white space; `#egg=` belongs to an address.
        code = re.split(r"(?:^|\s)#", line, maxsplit=1)[0]
        for pattern, origin in _ORIGINS:
            if pattern.search(code):
                yield DependencyFacts(
                    subject=subject, origin=origin, line=number, text=code.strip()
                )
                break
