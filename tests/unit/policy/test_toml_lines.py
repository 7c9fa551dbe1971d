"""The locator finds the line of every key of a document that tomllib accepts."""

import tomllib

import pytest

from weighbridge.policy.toml_lines import KeyPath, LineMap, locate_keys

DOCUMENT = '''# a comment with [brackets] = "and quotes"
version = 1

[trust.hsm]  # trailing
method = "key" # [[not a table]]
"quoted key" = 'lit # eral'
text = """
[inside.a.string]
key = "x" \\""" still
"""""
raw = \'\'\'
[[rule]]
\'\'\'\'

[[rule]]
match = [
  "a", # first
  "b,]",
  [ 1, { deep = 2 } ],
]
scan = { fail-on = "high", suppress = [{ rule = "x" },
  { rule = "y", when.then = 2031-01-01 }] }

[rule.formats]
allow = []

[[rule]]
a.b."c.d" = -1.5e3
[[rule.sub]]
x = 1
[[rule.sub]]
x = 2
'''

LINES: dict[KeyPath, int] = {
    ("version",): 2,
    ("trust",): 4,
    ("trust", "hsm"): 4,
    ("trust", "hsm", "method"): 5,
    ("trust", "hsm", "quoted key"): 6,
    ("trust", "hsm", "text"): 7,
    ("trust", "hsm", "raw"): 11,
    ("rule",): 15,
    ("rule", 0): 15,
    ("rule", 0, "match"): 16,
    ("rule", 0, "match", 0): 17,
    ("rule", 0, "match", 1): 18,
    ("rule", 0, "match", 2, 1, "deep"): 19,
    ("rule", 0, "scan", "fail-on"): 21,
    ("rule", 0, "scan", "suppress", 0, "rule"): 21,
    ("rule", 0, "scan", "suppress", 1): 22,
    ("rule", 0, "scan", "suppress", 1, "when", "then"): 22,
    ("rule", 0, "formats"): 24,
    ("rule", 0, "formats", "allow"): 25,
    ("rule", 1): 27,
    ("rule", 1, "a", "b", "c.d"): 28,
    ("rule", 1, "sub", 0, "x"): 30,
    ("rule", 1, "sub", 1, "x"): 32,
}


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
@pytest.mark.parametrize(("path", "line"), LINES.items())
def test_line_of_key(path: KeyPath, line: int, newline: str) -> None:
    """Tables, arrays of tables, inline tables, dotted and quoted keys have their own lines."""
    text = DOCUMENT.replace("\n", newline)
    tomllib.loads(text)
    assert locate_keys(text).line(path) == line


def test_unknown_key_has_the_line_of_its_parent() -> None:
    """A key that is not there is reported where its table starts."""
    lines = locate_keys(DOCUMENT)
    assert lines.line(("trust", "hsm", "absent", "deeper")) == 4
    assert lines.line(("absent",)) == 1


def test_comment_at_the_very_end() -> None:
    """A last line without a newline, be it a comment, ends the scan."""
    assert locate_keys("a = 1\nb = 2 # end").line(("b",)) == 2


@pytest.mark.parametrize(
    "text",
    [
        "a",
        "a = ",
        "a = [",
        "a = { b",
        "[a",
        "[[a]",
        "= 1",
        "a = [1, 2",
        '"\\q" = 1',
        '"x',
        "a = 'x",
        "[a] b = }",
    ],
)
def test_text_that_is_not_toml_ends_the_scan(text: str) -> None:
    """What is no TOML makes the scanner stop and keep the lines that it has."""
    assert locate_keys("first = 1\n" + text).line(("first",)) == 1


def test_first_line_of_a_parent_stands() -> None:
    """A table that is extended later keeps the line on which it began."""
    lines = LineMap()
    lines.add(("a", "b"), line=3)
    lines.add(("a", "c"), line=9)
    assert (lines.line(("a",)), lines.line(("a", "c"))) == (3, 9)
