"""The reader of templates ends in a tree or in one of its two errors, whatever it is given."""

from hypothesis import example, given
from hypothesis import strategies as st

from weighbridge.core.errors import LimitExceededError, MalformedContentError
from weighbridge.formats.jinja import parse_template, walk

TEMPLATE = (
    "{%- set ns = namespace(x=0) %}{% macro f(a, b=1) %}{{ a ~ b }}{% endmacro %}"
    "{% for m in messages if m.role != 'x' %}{% if loop.first and not m['content'][1:-1] is none %}"
    "{{ m.content | trim | replace('a', \"b\") }}{% elif 1 < 2 <= 3 %}{% set ns.x = ns.x + 1 %}"
    "{% else %}{# no #}{% raw %}{{ x }}{% endraw %}{% endif %}{% else %}-{% endfor %}"
    "{% call(y) f(*a, **b) %}{% generation %}z{% endgeneration %}{% endcall %}"
    "{% set c %}t_t{% endset %}{{ {'a': [1, 2.5, (3,)]}['a'][-1] if c else none }}"
)
PIECES = st.sampled_from(
    [
        "{{", "}}", "{%", "%}", "{#", "#}", "if", "endif", "for", "in", "else", "set", "(", ")",
        "[", "]", "{", "}", "'", '"', "\\", "|", ".", ",", ":", "=", "==", "not", "is", "a", "1",
        " ", "\n", "raw", "endraw", "endfor", "macro", "endmacro", "~", "*", "**", "-", "_", "é",
    ]
)  # fmt: skip


def parses(template: str) -> bool:
    """Tell whether *template* parses; any other error than the two fails the test."""
    try:
        body = parse_template(template)
    except (MalformedContentError, LimitExceededError):
        return False
    assert all(0 <= node.offset <= len(template) for node in walk(body))
    return True


def test_the_template_parses() -> None:
    """The template that the others are made from uses the grammar and is accepted."""
    assert parses(TEMPLATE)


@given(st.text())
@example("{{ " + "(" * 100_000)
@example("{{ " + "- " * 100_000)
@example("{{ " + "not " * 100_000)
@example("{% if a %}" * 10_000)
@example("{{ '" + "a" * 100_000)
@example("{{ 1" + "0" * 10_000 + " }}")
@example("{{ '\\N{no such}' }}")
@example("{{ ²3 }}")
def test_any_text(text: str) -> None:
    """Any text is a template or is refused."""
    parses(text)


@given(st.lists(PIECES, max_size=40).map("".join))
def test_any_pieces(text: str) -> None:
    """Pieces of the grammar in any order are a template or are refused."""
    parses(text)


@given(st.integers(0, len(TEMPLATE)), st.integers(0, 5), PIECES)
def test_mutations(at: int, cut: int, piece: str) -> None:
    """A template that differs in one place is a template or is refused."""
    parses(TEMPLATE[:at] + piece + TEMPLATE[at + cut :])


@given(st.integers(0, len(TEMPLATE) - 1))
def test_beginnings(at: int) -> None:
    """A template that was cut within a block is refused; one that was cut between them is not."""
    start = TEMPLATE[:at]
    if start.count("{{") + start.count("{%") > start.count("}}") + start.count("%}") + 3:
        assert not parses(start)
    else:
        parses(start)
