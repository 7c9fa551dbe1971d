"""Explain a code: its section of `docs/errors.md` or `docs/rules.md`."""

import re
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Final

from weighbridge.core.codes import Code
from weighbridge.core.errors import OperationError, UsageError

CATALOGUES: Final = ("errors.md", "rules.md")

_MEANING: Final = "**What it means.**"
_WHAT_TO_DO: Final = "**What to do.**"
_ADVICE_CHARS: Final = 200
_SCANNER: Final = re.compile(r"[a-z][a-z0-9-]{0,31}")
_OTHERS: Final = """\
**Means.** Another scanner, {scanner}, found this; the rule's name and the message are its own.

**Why.** It was asked as further evidence (`--also`, or `scan.also` in a policy). It can only add.

**Do.** Look at what this tool says of the same file, and at the documents of {scanner}. A finding
that is wrong can be suppressed in the policy under this very name, with a reason and a last day."""


def explanation(code: str, /) -> str:
    """
    Return the catalogues' section about *code*.

    Raises:
        UsageError: No catalogue has it.
        OperationError: The installation lacks the catalogues.
    """
    # A code of the verdict and a rule may share a name; then both have something to say.
    found = [sections(_catalogue(name).read_text("utf-8")).get(code) for name in CATALOGUES]
    texts = [text for text in found if text is not None]
    if texts:
        return "\n\n".join((code, *texts))
    scanner, colon, rule = code.partition(":")
    if colon and _SCANNER.fullmatch(scanner) and rule:
        return f"{code}\n\n{_OTHERS.format(scanner=scanner)}"
    raise UsageError(
        "no such code",
        where=code,
        expected="the code in brackets at the end of a message, or a rule's id",
    )


def rule_helps() -> dict[str, str]:
    """Return the catalogue's text for each rule, by id; for reports that carry it along."""
    return sections(_catalogue("rules.md").read_text("utf-8"))


def code_helps() -> dict[str, str]:
    """Return the catalogue's text for each code, by code."""
    return sections(_catalogue("errors.md").read_text("utf-8"))


def rule_advice() -> dict[str, str]:
    """Return what to do about a finding of each rule: the first sentences of its section's end."""
    advice: dict[str, str] = {}
    for rule, text in rule_helps().items():
        _, marker, rest = text.partition(_WHAT_TO_DO)
        if marker:
            advice[rule] = _begin(" ".join(rest.split("\n\n", 1)[0].split()))
    return advice


def rule_titles() -> dict[str, str]:
    """Return what a finding of each rule means, in one sentence."""
    titles: dict[str, str] = {}
    for rule, text in rule_helps().items():
        meaning = " ".join(text.split("\n\n", 1)[0].removeprefix(_MEANING).split())
        titles[rule] = meaning.partition(". ")[0].rstrip(".") + "."
    return titles


def _begin(text: str) -> str:
    """Return as many whole sentences of *text* as fit, but at least one."""
    kept, _, rest = text.partition(". ")
    while rest and len(kept) + len(rest.partition(". ")[0]) <= _ADVICE_CHARS:
        sentence, _, rest = rest.partition(". ")
        kept += f". {sentence}"
    return kept.rstrip(".") + "."


def sections(markdown: str, /) -> dict[str, str]:
    """Return the text under each second-level heading of *markdown*, by heading."""
    found: dict[str, list[str]] = {}
    lines: list[str] | None = None
    for line in markdown.splitlines():
        if line.startswith("## "):
            lines = found.setdefault(line[3:].strip().strip("`"), [])
        elif line.startswith("# "):
            lines = None
        elif lines is not None:
            lines.append(line)
    return {heading: "\n".join(body).strip() for heading, body in found.items()}


def _catalogue(name: str) -> Traversable:
    """Return the catalogue *name*: in the package, or in the tree that it is run from."""
    installed = files("weighbridge") / "docs" / name
    if installed.is_file():
        return installed
    source = Path(__file__).parents[3] / "docs" / name
    if source.is_file():
        return source
    raise OperationError(
        "the installation lacks its catalogue of codes", code=Code.INTERNAL, where=name
    )
