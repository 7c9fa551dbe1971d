"""Rule `chat-template`."""

import json

import pytest

from support.rule_vectors import assert_vector_holds, findings_of
from support.scanning import examined, subject_of
from weighbridge.core.artifact import FileFormat
from weighbridge.core.codes import Code
from weighbridge.core.evidence import Confidence, Finding, Gap, Severity
from weighbridge.scan import template_strings
from weighbridge.scan.rules.chat_template import ChatTemplate
from weighbridge.scan.templates import template_facts

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
        "{{ x['__cla' 'ss__'] }}",
        "{% set a = '__cla' %}{% set b = 'ss__' %}{{ x[a ~ b] }}",
        "{{ x['__ssalc__'|reverse] }}",
        "{{ x['__CLASS__'|lower] }}",
        "{{ x['XXclassXX'|replace('X', '_')] }}",
        "{{ x[['_', '_class_', '_']|join] }}",
        "{{ x['_'.join(['', '', 'class', '', ''])] }}",
        "{{ x[dict(__cl=a, ass__=a)|join] }}",
        "{{ x['a__class__b'[1:10]] }}",
        "{{ x['%s%s' % ('__cla', 'ss__')] }}",
        "{{ x['__cl{}__'.format('ass')] }}",
        "{{ x|map(attribute='__class__')|list }}",
        "{{ x|map(attribute=y)|list }}",
        "{{ x|map('attr', 'a')|list }}",
        "{{ x|map(**y)|list }}",
        "{{ x|groupby('a.__class__') }}",
        "{{ x|selectattr(y) }}",
        "{{ x|sort(attribute='a.__class__') }}",
        "{% filter attr('a') %}{% endfilter %}",
        "{{ '{0.__self__}'.format(x) }}",
        "{{ '{0.a}'.format(x) }}",
        "{{ (a ~ b).format(x) }}",
        "{{ '%c' % 95 }}",
        "{{ '%c'|format(95) }}",
        "{{ '{:c}'.format(95) }}",
        "{{ (()|select|string|list)[24] }}",
        "{{ (()|select) ~ '' }}",
        "{{ '%s' % [()|select] }}",
        "{{ {1: 'a'.format_map}|string }}",
        "{% macro _() %}{% endmacro %}{{ _|string }}",
        "{{ namespace(_=1)|string }}",
        "{{ '\\N{LOW LINE}' }}",
        "{% set x %}__class__{% endset %}{{ y[x] }}",
        "{% macro a() %}{{ '__cla' }}ss__{% endmacro %}{{ y[a()] }}",
        "{% for k in ['__class__'] %}{{ x[k] }}{% endfor %}",
        "{% set ns.a = '__class__' %}{{ x[ns.a] }}",
        "{% set a, b = '__cla', 'ss__' %}{{ x[a + b] }}",
        "{{ x[('__class__' if y else 'a')] }}",
        "{% macro f(k) %}{{ x[k] }}{% endmacro %}{{ f('__class__') }}",
        "{{ open('x').read() }}",
        "{{ x[y ~ '_'] }}",
        "{% set ns.k = ns.k ~ '_' %}{{ x[ns.k] }}",
        "{% for i in range(1000000) %}{% endfor %}",
        "{% for i in range(1000) %}{% for i in range(1000) %}{% endfor %}{% endfor %}",
        "{% for i in x %}{% set ns.x = ns.x ~ ns.x %}{% endfor %}",
        "{% for i in x %}{% set ns.x = ns.x * 2 %}{% endfor %}",
        "{% macro a() %}{{ a() }}{% endmacro %}",
        "{% macro a() %}{% set x = a() %}{% endmacro %}",
        "{{ 'a' * 1000000 }}",
        "{{ 'a' * (10 ** 9) }}",
        "{{ 9 ** 9 ** 9999 }}",
        "{{ '%09999999d' % 1 }}",
        "{{ x|center(1000000) }}",
        "{{ x|tojson(indent=1000000) }}",
        "{{ x[('%c' * 9)|format(95, 95, 99, 108, 97, 115, 115, 95, 95)] }}",
        "{{ ('%c' * n)|format(95, 95) }}",
        "{{ x['_' * 2 ~ 'class' ~ '_' * 2] }}",
        "{{ x['&#95;&#95;class&#95;&#95;'|striptags] }}",
        "{{ ('&lowbar;'|safe).unescape() }}",
        "{{ 'xxclassxx'.translate({120: 95}) }}",
        "{{ ''.encode().fromhex('5f5f').decode() }}",
        "{{ (95).to_bytes(1, 'big') }}",
        "{{ x['class'.center(9, '_')] }}",
        "{{ x['class'.ljust(7, '_')] }}",
        "{{ x['class'|center(9)|replace(' ', '_')] }}",
        "{{ x[y|d('XXclassXX')|replace('XX', '__')] }}",
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
        "{% if x != '__sentinel__' %}<__media__>{% endif %}",
        "{% macro f(x, n=1) %}{% if n %}{{ f(x, n - 1) }}{% endif %}{% endmacro %}{{ f(x) }}",
        "{% set code = x|replace('_', '-') %}{{ languages[code] }}",
        "{% set pair = a ~ '-' ~ b %}{{ languages[pair] }}",
        "{{ 'image_%02d' % n }}{{ '{} of {}'.format(a, b) }}{{ '%s'|format(a) }}",
        "{{ x|map(attribute='text')|map('trim')|join(', ') }}{{ x|map('upper')|list|string }}",
        "{{ x|selectattr('function.name', 'defined')|list }}{{ x|sum(attribute='n') }}",
        "{{ x|selectattr(1)|list }}{{ x|unique|list }}{{ x|map('tojson')|join(', ') }}",
        "{{ '\\u200b\\n\\x00' }}",
        "{% macro type(x) %}{% endmacro %}{{ type(1) }}{{ open }}",
        "{% for i in range(100) %}{% set ns.x = ns.x + 1 %}{% set ns.y = ns.y ~ '  ' * i %}{% endfor %}",
        "{% set x %}some_text{% endset %}{{ x }}{{ x[-1] }}{{ x[1:][::2] }}",
        "{% set self = 1 %}{{ self }}",
        "{{ 2 ** 10 * 3 }}{{ true * 2 }}{{ -1 ** -2 }}",
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
    "value",
    [
        ["{{ x.", "__class__ }}"],
        [{"name": "default", "template": "{{ x.__class__ }}"}],
        {"a": "{{ x.__class__ }}"},
    ],
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


def test_a_template_that_cannot_be_read_is_found_for_what_is_seen_of_it() -> None:
    """What does not parse is of medium gravity, and high where it names Python internals."""
    (plain,) = _found("{{ x y }}")
    (grave,) = _found("{{ x.__class__ y }}")
    assert plain.severity is Severity.MEDIUM
    assert grave.severity is Severity.HIGH


def test_a_template_that_is_too_long_is_not_passed(monkeypatch: pytest.MonkeyPatch) -> None:
    """A template over the limit is found as one that cannot be read."""
    monkeypatch.setattr("weighbridge.formats.jinja.parser.MAX_TEMPLATE_CHARS", 10)
    assert not _found("{{ 12345 }")[1:]
    (finding,) = _found("{{ 123456 }}")
    assert finding.severity is Severity.MEDIUM


def test_following_strings_has_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    """A template whose constants take too long to follow is a gap."""
    monkeypatch.setattr(template_strings, "MAX_TEMPLATE_WORK", 100)
    parts = " ~ ".join(["'aaaaaaaa'"] * 30)
    data = json.dumps({"chat_template": "{{ x[" + parts + "] }}"}).encode()
    (gap,) = (e for e in examined(data, format=FileFormat.JSON) if isinstance(e, Gap))
    assert gap.code is Code.SCAN_LIMIT


def test_a_concern_is_said_once() -> None:
    """The same thing in many places of a template is one finding."""
    assert len(_found("{{ x.__class__ }}" * 50)) == 1


@pytest.mark.parametrize(
    "text",
    [
        "chat_template: |\n  {{ x.__class__ }}\n",
        "a:\n  chat_template: >-\n    text\n\n    {{ x.__class__ }}\nb: 1\n",
        'chat_template: "{{ x[\\"__cl\\" \\\n  \\"ass__\\"] }}"\n',
        "chat_template: '{{ x[''__class__''] }}'\n",
        "- chat_template: {{ x.__class__ }}\n",
        '"chat_template": "{{ x.__class__"\n',
    ],
)
def test_template_in_yaml(text: str) -> None:
    """A template in YAML is read in every way to write a scalar."""
    assert findings_of(RULE, examined(text.encode(), format=FileFormat.YAML))


@pytest.mark.parametrize(
    "text",
    [
        "chat_template: |\n  {% for m in messages %}\n  {{ m['role'] }}\n  {% endfor %}\nb: 1\n",
        'chat_template: "{{ m[\\"role\\"] }}\\n{# {{ #}"\n',
        "chat_template: '{{ m[''role''] }}'\nb: \"'\"\n",
        "chat_template:\nchat_template_file: x.jinja\n",
    ],
)
def test_harmless_template_in_yaml(text: str) -> None:
    """A template without concern in YAML, and what stands around it, is not found."""
    assert not findings_of(RULE, examined(text.encode(), format=FileFormat.YAML))


def test_prompts_of_other_libraries() -> None:
    """A template that a library renders because the document says so is read, others are not."""
    document = {"template_format": "jinja2", "template": "{{ x.__class__ }}"}
    assert findings_of(RULE, examined(json.dumps(document).encode(), format=FileFormat.JSON))
    document["template_format"] = "f-string"
    assert not examined(json.dumps(document).encode(), format=FileFormat.JSON)


def test_a_piece_of_several_strings_is_followed() -> None:
    """A name is found that is cut out of one of several strings, within a macro."""
    template = (
        "{% macro v() %}{{ (('q', 'abXXclassXXcd')[1])[2:-2] }}{% endmacro %}"
        "{{ x[(v()|replace('X','_'))] }}"
    )
    facts = template_facts(subject_of(b"", format=FileFormat.JSON), template, where="x")
    assert list(ChatTemplate().check(facts))
    harmless = template_facts(
        subject_of(b"", format=FileFormat.JSON), template.replace("'_'", "'y'"), where="x"
    )
    assert list(ChatTemplate().check(harmless)) == []
