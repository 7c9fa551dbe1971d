"""
A name of Python's internals is found however a template puts it together.

The expressions are built so that they evaluate to the name; none is rendered.
"""

from random import Random

from hypothesis import given
from hypothesis import strategies as st

from support.scanning import subject_of
from weighbridge.core.artifact import FileFormat
from weighbridge.core.evidence import Severity
from weighbridge.scan.rules.chat_template import ChatTemplate
from weighbridge.scan.templates import template_facts

NAME = "__class__"
SINKS = (
    "{{{{ x[{0}] }}}}",
    "{{{{ x|attr({0}) }}}}",
    "{{{{ [x]|map(attribute={0})|list }}}}",
    "{{{{ [x]|groupby({0})|list }}}}",
    "{{% for k in [{0}] %}}{{{{ x[k] }}}}{{% endfor %}}",
    "{{% macro g(k) %}}{{{{ x[k] }}}}{{% endmacro %}}{{{{ g({0}) }}}}",
    "{{% with k = {0} %}}{{{{ x[k] }}}}{{% endwith %}}",
    "{{% set ns.q = {0} %}}{{{{ x[ns.q] }}}}",
)


class Builder:
    """Builds expressions, and the statements that they need before them."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)
        self.before: list[str] = []

    def build(self, text: str, depth: int = 0) -> str:
        """Return an expression that evaluates to *text*."""
        ways = (self._joined, self._changed, self._kept)
        if depth > 3 or not text:
            return f"'{text}'"
        return self.random.choice(ways)(text, depth + 1)

    def _joined(self, text: str, depth: int) -> str:
        """Put *text* together of two pieces."""
        at = self.random.randrange(len(text) + 1)
        first, second = self.build(text[:at], depth), self.build(text[at:], depth)
        form = self.random.choice(
            (
                "({} ~ {})", "({} + {})", "[{},{}]|join", "''.join([{},{}])",
                "('%s%s' % ({},{}))", "'{{}}{{}}'.format({},{})",
            )
        )  # fmt: skip
        return form.format(first, second)

    def _changed(self, text: str, depth: int) -> str:
        """Make *text* of another string."""
        ways = (
            (text[::-1], "({}|reverse)"),
            (text[::-1], "({})[::-1]"),
            (f"ab{text}cd", "({})[2:-2]"),
            (f"{text}  ", "({}|trim)"),
            (text.replace("_", "X"), "({}|replace('X','_'))"),
        )
        other, form = self.random.choice(ways)
        return form.format(self.build(other, depth))

    def _kept(self, text: str, depth: int) -> str:
        """Keep *text* somewhere and take it from there."""
        name = f"v{len(self.before)}x{depth}"
        inner = self.build(text, depth)
        kept = self.random.choice(
            (
                ("{{% set {0} = {1} %}}", "{0}"),
                ("{{% set ns.{0} = {1} %}}", "ns.{0}"),
                ("{{% set {0} %}}{{{{ {1} }}}}{{% endset %}}", "{0}"),
                ("{{% macro {0}() %}}{{{{ {1} }}}}{{% endmacro %}}", "{0}()"),
                ("{{% macro {0}(y) %}}{{{{ y }}}}{{% endmacro %}}", "{0}({1})"),
                ("", "{{'a': {1}}}.a"),
                ("", "('q', {1})[1]"),
                ("", "({1} if 1 else 'x')"),
            )
        )
        self.before.append(kept[0].format(name, inner))
        return kept[1].format(name, inner)


@given(st.integers(0, 2**32), st.sampled_from(SINKS))
def test_names_are_found(seed: int, sink: str) -> None:
    """An expression that comes to such a name, and is used as one, is of medium gravity or more."""
    builder = Builder(seed)
    expression = builder.build(NAME)
    template = "".join(builder.before) + sink.format(expression)
    facts = template_facts(subject_of(b"", format=FileFormat.JSON), template, where="x")
    assert facts.problem is None
    found = list(ChatTemplate().check(facts))
    assert any((f.severity or ChatTemplate.severity).at_least(Severity.MEDIUM) for f in found)


@given(st.integers(0, 2**32))
def test_words_are_not_found(seed: int) -> None:
    """An expression that comes to an ordinary word, in the same ways, is not found."""
    builder = Builder(seed)
    expression = builder.build("content")
    template = "".join(builder.before) + f"{{{{ {expression} }}}}"
    facts = template_facts(subject_of(b"", format=FileFormat.JSON), template, where="x")
    assert facts.problem is None
    assert list(ChatTemplate().check(facts)) == []
