"""Formulas of models: what patsy and formulaic would evaluate."""

import pytest

from weighbridge.core.limits.pickles import MAX_FORMULA_CHARS
from weighbridge.scan.formulas import refuse_formula

HARMLESS = (
    "y ~ a + C(g)",
    "y ~ np.log(x) * b:c - 1",
    "y ~ Q('some column') + I(a + b)**2",
    "y ~ bs(x, df=3) | z",
    "y ~ C(g, Treatment(reference='x'))",
    "",
)
HARMFUL = (
    "y ~ f(x)",
    "y ~ np.load(x)",
    "y ~ np.log",
    "y ~ x.__class__",
    "y ~ x.real",
    "y ~ a[0]",
    "y ~ {a}",
    "y ~ `a`",
    "y ~ __import__('os')",
    "y ~ (exec)('x')",
    "y ~ C (x) (y)",
    "y ~ 'a'(x)",
    "y ~ f (x)",
    "y ~ a; b",
    "y ~ 'a\\x28'",
    'y ~ f"{a}"',
    "y ~ \u0434(x)",
)


@pytest.mark.parametrize("text", HARMLESS)
def test_what_only_computes_passes(text: str) -> None:
    """Names, operators and calls of the libraries' own functions are admitted."""
    assert refuse_formula(text) is None


@pytest.mark.parametrize("text", HARMFUL)
def test_what_may_do_more_is_refused(text: str) -> None:
    """Other calls, attributes, items and brackets behind values are refused with a reason."""
    assert refuse_formula(text)


def test_a_formula_has_an_end() -> None:
    """A formula is read up to a bound."""
    assert refuse_formula("a" * MAX_FORMULA_CHARS) is None
    assert "longer" in (refuse_formula("a" * (MAX_FORMULA_CHARS + 1)) or "")
