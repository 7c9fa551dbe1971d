"""Collecting everything that is wrong before raising once."""

from collections.abc import Sequence
from typing import Final

from weighbridge.core.codes import Code
from weighbridge.core.errors import ArtifactRefusedError, SignatureRejectedError, one_line
from weighbridge.core.limits.records import MAX_NAMED_PROBLEMS
from weighbridge.core.values import frozen


@frozen
class Problem:
    """
    One thing that is wrong.

    Attributes:
        code: Its kind.
        path: The file or directory, relative to the artifact's root.
        message: One sentence.
        advice: What a verifier's caller can do, in the words of the command line.
    """

    code: Code
    path: str
    message: str
    advice: str | None = None


class CoverageRejectedError(SignatureRejectedError):
    """
    The files are not what was signed.

    `problems` has every one; the message names the first `MAX_NAMED_PROBLEMS`, one a line, and
    counts the rest. The code is the first problem's.
    """

    def __init__(self, problems: Sequence[Problem], *, where: str) -> None:
        super().__init__(
            _summary("the files are not what was signed", problems, name=where),
            code=problems[0].code,
            where=where,
        )
        self.problems: Final = tuple(problems)


class NotSignableError(ArtifactRefusedError):
    """The artifact holds what a signature cannot cover; `problems` has every one."""

    def __init__(self, problems: Sequence[Problem], *, where: str) -> None:
        super().__init__(
            _summary("a signature cannot cover this artifact", problems, name=where),
            code=problems[0].code,
            where=where,
        )
        self.problems: Final = tuple(problems)


class ManifestMismatchError(ArtifactRefusedError):
    """The files are not what a manifest says of them; `problems` has every one."""

    def __init__(self, problems: Sequence[Problem], *, where: str) -> None:
        super().__init__(
            _summary("the files are not those of the manifest", problems, name=where),
            code=problems[0].code,
            where=where,
        )
        self.problems: Final = tuple(problems)


def _summary(headline: str, problems: Sequence[Problem], *, name: str) -> str:
    lines = [f"{headline} ({len(problems)} problem{'s' if len(problems) > 1 else ''}):"]
    # A single problem's code is the error's, which ends the message anyway.
    coded = len(problems) > 1
    lines += [_line(p, name=name, coded=coded) for p in problems[:MAX_NAMED_PROBLEMS]]
    if len(problems) > MAX_NAMED_PROBLEMS:
        lines.append(f"  and {len(problems) - MAX_NAMED_PROBLEMS} more")
    return "\n".join(lines)


def _line(problem: Problem, *, name: str, coded: bool) -> str:
    """Return the line of *problem*; the file of a single-file artifact goes by its name."""
    path = name if problem.path == "." else problem.path
    message = f"{problem.message}; {problem.advice}" if problem.advice else problem.message
    return f"  {one_line(path)}: {message}{f' [{problem.code}]' if coded else ''}"
