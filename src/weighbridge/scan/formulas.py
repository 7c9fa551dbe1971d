"""Formulas of statistical models, which patsy and formulaic evaluate as Python code."""

import re
from typing import Final

from weighbridge.core.limits.pickles import MAX_FORMULA_CHARS

_CALLED: Final = frozenset(
    [
        *("C", "I", "Q", "center", "standardize", "scale", "bs", "cr", "cc"),
        *("Treatment", "Sum", "Poly", "Diff", "Helmert"),
        *("log", "log10", "log1p", "log2", "exp", "expm1", "sqrt", "abs"),
    ]
)
"""Functions of the two libraries, of which none does anything but to compute."""

_TOKEN: Final = re.compile(
    r"\s+|(?P<name>(?:np\.|numpy\.)?[A-Za-z]\w*(?![\w.]))(?P<called>\s*\()?"
    r"|[0-9]{1,6}(?:\.[0-9]{1,6})?(?![\w.])|'[\w :/-]*'|\"[\w :/-]*\"|[-~+*/:|,()=]",
    re.ASCII,
)
"""A name behind which there is no dot, a number, a word in quotes, or an operator."""


def refuse_formula(text: str) -> str | None:
    """
    Say why evaluating *text* could do anything but compute with columns of a table, or None.

    Attributes and items are not admitted, nor a bracket behind a value, so that every function is
    called by its own name.
    """
    if len(text) > MAX_FORMULA_CHARS:
        return f"its formula is longer than {MAX_FORMULA_CHARS} characters"
    at, callable_before = 0, False
    while at < len(text):
        token = _TOKEN.match(text, at)
        if token is None:
            return f"its formula is more than names and operators: {text[at : at + 20]!r}"
        if callable_before and token[0] == "(":
            return "its formula calls what it computes"
        if not token[0].isspace():
            callable_before = token[0] == ")" or token[0][0] in "'\""
        name = (token["name"] or "").rpartition(".")
        if token["called"] and name[2] not in _CALLED:
            return f"its formula calls {token['name']}"
        if name[0] and not token["called"]:
            return f"its formula names {token['name']}"
        at = token.end()
    return None
