"""Rule `chat-template`."""

import json

import pytest

from support.rule_vectors import assert_vector_holds, findings_of
from support.scanning import examined
from weighbridge.core.artifact import FileFormat
from weighbridge.core.evidence import Confidence, Finding, Severity

RULE = "chat-template"


def test_vector() -> None:
    """A template that climbs to classes is found, a method of strings is not."""
    assert_vector_holds(RULE)


def _found(template: str) -> list[Finding]:
    data = json.dumps({"chat_template": template}).encode()
    return findings_of(RULE, examined(data, format=FileFormat.JSON))


@pytest.mark.parametrize(
    "template",
    [
        "{{ x.__class__ }}",
        "{{ x['__class__'] }}",
        "{{ x['\\x5f_class_\\137'] }}",
        "{{ x|attr('a') }}",
        "{{ x . _private }}",
        "{{ {'a': {}}.__class__ }}",
        "{{ '}}'.__class__ }}",
        "{# {{ #}{{ x.__init__ }}",
        "{%- if x.__class__ -%}{% endif %}",
        "{{ cycler }}",
        "{{ lipsum }}",
        "{{ self }}",
        "{% import 'x' as y %}",
        "{%- include 'x' -%}",
        "{% from 'x' import y %}",
        "{% extends 'x' %}",
        "{{ os.popen('x') }}",
        "{{ x.gi_frame }}",
        "{{ x.mro() }}",
        "{{ x.system('y') }}",
        "{{ x",
        "{{ 'x",
        "{# x",
        "{% raw %}{{ x.__class__ }}{% endraw %}",
    ],
)
def test_found(template: str) -> None:
    """Each way to Python internals, to other templates or to an unreadable end is found."""
    assert [f for f in _found(template) if f.severity.at_least(Severity.MEDIUM)]


@pytest.mark.parametrize(
    "template",
    [
        "__class__ {{ x }}",
        "{# x.__class__ #}{{ x }}",
        "{{ myself }}",
        "{{ message.self_name + sys.content + tool.func_name + render_system('x') }}",
        "{{ {'a': {'b': 1}} }} __class__",
        "{{ x['\\\\UFFFFFFFF'] }}",
        (
            "{% set ns = namespace(x=0) %}{% for m in messages %}{{ m['role'] + ns.x|string }}"
            "{%- if loop.first and m.content[-1:] == '\\n' %}{{ raise_exception('a {{ }}') }}{% endif %}"
            "{% endfor %}{{ tools|map(attribute='function')|tojson(indent=4) }}"
        ),
        "{% macro render(x) %}{{ caller() }}{% endmacro %}{{ render(1) }}",
    ],
)
def test_not_found(template: str) -> None:
    """What templates of real models do, and text that is not code, is not found."""
    assert _found(template) == []


@pytest.mark.parametrize("part", ["__cl", "_"])
def test_pieces(part: str) -> None:
    """Pieces from which a name could be made are found with low confidence."""
    (finding,) = _found("{{ x['" + part + "' ~ y] }}")
    assert finding.confidence is Confidence.LOW


@pytest.mark.parametrize(
    "value", [[{"name": "default", "template": "{{ x.__class__ }}"}], {"a": "{{ x.__class__ }}"}]
)
def test_named_templates(value: object) -> None:
    """Templates in lists and tables are read like single ones."""
    data = json.dumps({"chat_template": value}).encode()
    assert findings_of(RULE, examined(data, format=FileFormat.JSON))


def test_template_file() -> None:
    """A Jinja file beside the weights is read as a template."""
    data = b"{{ x.__class__ }}"
    path = "chat_template.jinja"
    assert findings_of(RULE, examined(data, format=FileFormat.TEXT, path=path))
    assert not findings_of(RULE, examined(data, format=FileFormat.TEXT, path="README.md"))


def test_template_in_yaml() -> None:
    """A template in YAML is read too."""
    data = b"chat_template: |\n  {{ x.__class__ }}\n"
    assert findings_of(RULE, examined(data, format=FileFormat.YAML))
