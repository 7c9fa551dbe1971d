"""Templates are read as Jinja reads them."""

import pytest

from weighbridge.core.errors import LimitExceededError, MalformedContentError
from weighbridge.core.limits.documents import MAX_TEMPLATE_CHARS, MAX_TEMPLATE_DEPTH
from weighbridge.formats.jinja import nodes, parse_template, walk
from weighbridge.formats.jinja.nodes import Node


def shown(node: Node | None) -> str:
    """Return a node in a short form."""
    match node:
        case nodes.Name(name=name):
            return name
        case nodes.Literal(value=value):
            return repr(value)
        case nodes.Attribute(owner=owner, name=name):
            return f"{shown(owner)}.{name}"
        case nodes.Item(owner=owner, index=index):
            return f"{shown(owner)}[{shown(index)}]"
        case nodes.Sequence(items=items) | nodes.Table(items=items):
            return f"[{', '.join(shown(item) for item in items)}]"
        case nodes.Slice(parts=parts):
            return ":".join("" if part is None else shown(part) for part in parts)
        case _:
            return operation(node)


def operation(node: Node | None) -> str:
    """Return an operation in a short form."""
    match node:
        case nodes.Binary(operator=operator, left=left, right=right):
            return f"({shown(left)} {operator} {shown(right)})"
        case nodes.Unary(operator=operator, operand=operand):
            return f"({operator} {shown(operand)})"
        case nodes.Choice(test=test, body=body, orelse=orelse):
            return f"({shown(body)} if {shown(test)} else {shown(orelse)})"
        case nodes.Call(function=function, arguments=arguments):
            return f"{shown(function)}({passed(arguments)})"
        case nodes.Filter(value=value, name=name, arguments=arguments):
            return f"{shown(value)}|{name}({passed(arguments)})"
        case nodes.Test(value=value, name=name, arguments=arguments):
            return f"({shown(value)} is {name}({passed(arguments)}))"
        case _:
            return repr(node)


def passed(arguments: nodes.Arguments) -> str:
    """Return arguments in a short form."""
    parts = [shown(each) for each in arguments.positional]
    parts += [f"{name}={shown(value)}" for name, value in arguments.keywords]
    return ", ".join([*parts, *(f"*{shown(each)}" for each in arguments.spread)])


def expression(text: str) -> str:
    """Return how the expression *text* is read."""
    (output,) = parse_template("{{ " + text + " }}")
    assert isinstance(output, nodes.Output)
    return ", ".join(shown(value) for value in output.values)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a.b[c].d", "a.b[c].d"),
        ("a.0", "a[0]"),
        ("a[1:]", "a[1:]"),
        ("a[::-1]", "a[::(- 1)]"),
        ("a[1, 2]", "a[[1, 2]]"),
        ("1 + 2 * 3", "(1 + (2 * 3))"),
        ("1 + 2 ~ 3", "(1 + (2 ~ 3))"),
        ("2 ** 3 * 4", "((2 ** 3) * 4)"),
        ("-a|abs", "(- a)|abs()"),
        ("a or b and not c", "(a or (b and (not c)))"),
        ("a not in b", "(a not in b)"),
        ("a < b <= c", "((a < b) <= c)"),
        ("a if b", "(a if b else None)"),
        ("a if b else c if d else e", "(a if b else (c if d else e))"),
        ("a is not none", "(not (a is none()))"),
        ("a is divisibleby 3", "(a is divisibleby(3))"),
        ("a is sameas(b)", "(a is sameas(b))"),
        ("a is defined and b", "((a is defined()) and b)"),
        ("a|b|c(1, d=2)", "a|b()|c(1, d=2)"),
        ("a|b.c", "a|b.c()"),
        ("(a|b)(1)", "a|b()(1)"),
        ("f(*a, **b)", "f(*a, *b)"),
        ("'a' \"b\"", "'ab'"),
        (r"'\x5f\137\u005f\n'", r"'___\n'"),
        ("{'a': {'b': 1}}", "['a', ['b', 1]]"),
        ("[1, 2,]", "[1, 2]"),
        ("()", "[]"),
        ("a,", "[a]"),
        ("1_000 + 0x1f + 0b1 + 1.5e3", "(((1000 + 31) + 1) + 1500.0)"),
        ("true, False, none", "[True, False, None]"),
        ("007", "7"),
    ],
)
def test_expressions(text: str, expected: str) -> None:
    """Operators bind, and names are attached to values, as in Jinja."""
    assert expression(text) == expected


@pytest.mark.parametrize(
    ("template", "kinds"),
    [
        ("text {{ a }} text", ["Output"]),
        ("{% for a, b in c if d recursive %}{% break %}{% else %}{% endfor %}", ["For"]),
        ("{% if a %}{% elif b %}{% else %}{% endif %}", ["If"]),
        ("{% set a, ns.b = 1, 2 %}", ["Assignment"]),
        ("{% set a | upper %}x{% endset %}", ["Assignment"]),
        ("{% macro f(a, b=1) -%} {%- endmacro %}", ["Macro"]),
        ("{% call(a) f() %}{% endcall %}", ["Block"]),
        ("{% filter upper | trim %}{% endfilter %}", ["Block"]),
        ("{% with a = 1, b = 2 %}{% endwith %}", ["Block"]),
        ("{% autoescape true %}{% endautoescape %}", ["Block"]),
        ("{% block a scoped %}{% endblock a %}", ["Block"]),
        ("{% generation %}{% endgeneration %}", ["Block"]),
        ("{% from 'a' import b as c with context %}", ["Load"]),
        ("{% include ['a', 'b'] ignore missing %}", ["Load"]),
        ("{% do a.append(1) %}{% print a, b %}", ["Output", "Output"]),
        ("{#- {{ a #}", []),
        ("{%- raw -%}{{ a }}{%- endraw %}", ["Raw"]),
        ("a_b{{ c }}d_e", ["Text", "Output", "Text"]),
    ],
)
def test_statements(template: str, kinds: list[str]) -> None:
    """Each statement is read with its body."""
    assert [type(node).__name__ for node in parse_template(template)] == kinds


@pytest.mark.parametrize(
    "template",
    [
        "{{ a",
        "{{ a }",
        "{{ 'a }}",
        "{{ (a }}",
        "{{ a) }}",
        "{{ (a] }}",
        "{{ }}",
        "{{ a b }}",
        "{{ a. }}",
        "{{ a ? b }}",
        "{{ ²a }}",
        "{{ '\\xz' }}",
        "{{ [1 2] }}",
        "{{ {1} }}",
        "{# a",
        "{% raw %}",
        "{% if a %}",
        "{% if %}{% endif %}",
        "{% for a in b %}{% endif %}",
        "{% for a of b %}{% endfor %}",
        "{% endif %}",
        "{% nonsense %}",
        "{% 1 %}",
        "{% set 1 = 2 %}",
        "{{ " + "1" * 65 + " }}",
    ],
)
def test_refused(template: str) -> None:
    """What Jinja would not accept is refused."""
    with pytest.raises(MalformedContentError):
        parse_template(template)


@pytest.mark.parametrize("pair", ["()", "[]"])
def test_nesting(pair: str) -> None:
    """Nesting up to the limit is read, and one level more is refused."""
    levels = MAX_TEMPLATE_DEPTH // (2 if pair == "()" else 1) - 1
    assert parse_template("{{ " + pair[0] * levels + "1" + pair[1] * levels + " }}")
    with pytest.raises(LimitExceededError):
        parse_template("{{ " + pair[0] * (levels + 2) + "1" + pair[1] * (levels + 2) + " }}")


def test_length() -> None:
    """A template of too many characters is not read."""
    assert parse_template(" " * MAX_TEMPLATE_CHARS) == ()
    with pytest.raises(LimitExceededError):
        parse_template(" " * (MAX_TEMPLATE_CHARS + 1))


def test_many_tokens(monkeypatch: pytest.MonkeyPatch) -> None:
    """A template of too many tokens is refused."""
    monkeypatch.setattr("weighbridge.formats.jinja.lexer.MAX_TEMPLATE_TOKENS", 6)
    assert parse_template("{{ a + b }}")
    with pytest.raises(LimitExceededError):
        parse_template("{{ a + b + c }}")


def test_walk() -> None:
    """Every node is visited once, outermost first, with its offset."""
    template = "{% if a %}{{ b.c(d=[e]) }}{% endif %}"
    found: list[Node] = list(walk(parse_template(template)))
    names = [node.name for node in found if isinstance(node, nodes.Name)]
    assert names == ["a", "b", "e"]
    assert all(
        template.startswith(node.name, node.offset)
        for node in found
        if isinstance(node, nodes.Name)
    )
