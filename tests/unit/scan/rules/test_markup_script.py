"""Rule `markup-script`."""

import json

import pytest

from support.rule_vectors import assert_vector_holds, findings_of
from support.scanning import examined, rules_of
from weighbridge.core.artifact import FileFormat
from weighbridge.core.evidence import Severity

RULE = "markup-script"
SVG = '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink">{}</svg>'


def test_vector() -> None:
    """A drawing with a handler is found, one without is not."""
    assert_vector_holds(RULE)


@pytest.mark.parametrize(
    "inner",
    [
        "<script>alert(1)</script>",
        "<x:SCRIPT xmlns:x='http://www.w3.org/2000/svg'/>",
        "<a href='javascript:alert(1)'/>",
        "<a xlink:href=' &#x6a;avascript:alert(1)'/>",
        "<a xlink:href='data:text/html,x'/>",
        "<set attributeName='href' to='javascript:alert(1)'/>",
        "<rect onclick='alert(1)'/>",
        "<foreignObject><iframe src='x'/></foreignObject>",
    ],
)
def test_drawings(inner: str) -> None:
    """Each way to script in a drawing is found, with medium gravity."""
    found = findings_of(RULE, examined(SVG.format(inner).encode(), format=FileFormat.XML))
    assert [finding.severity for finding in found] == [Severity.MEDIUM]


@pytest.mark.parametrize(
    "inner",
    [
        "<a href='https://example.org/javascript'/>",
        "<image xlink:href='data:image/png;base64,AA=='/>",
        "<text>onclick javascript:</text>",
        "<!-- <script/> -->",
        "<style>a { color: red }</style>",
    ],
)
def test_harmless_drawings(inner: str) -> None:
    """Links, pictures, words and comments are not script."""
    assert examined(SVG.format(inner).encode(), format=FileFormat.XML) == ()


def test_style_sheets() -> None:
    """A style sheet that transforms a document is found, one that only styles it is not."""
    text = '<?xml version="1.0"?><?xml-stylesheet type="{}" href="x"?><a/>'
    assert findings_of(RULE, examined(text.format("text/xsl").encode(), format=FileFormat.XML))
    assert not examined(text.format("text/css").encode(), format=FileFormat.XML)


@pytest.mark.parametrize(
    "text",
    [
        "<html><script>x</script></html>",
        "<p ONCLICK='x'>",
        "<a href=javascript:x>",
        "<meta http-equiv='refresh' content='0'>",
        "<IFRAME src=x>",
    ],
)
def test_pages(text: str) -> None:
    """Script in a page is found, and of low gravity: that is what pages are made of."""
    (finding,) = findings_of(RULE, examined(text.encode(), format=FileFormat.HTML))
    assert finding.severity is Severity.LOW
    assert examined(b"<html><p class='x'>on = 1</p></html>", format=FileFormat.HTML) == ()


@pytest.mark.parametrize(
    "cell",
    [
        {"cell_type": "code", "outputs": [{"data": {"text/html": ["<b>", "<script>x</script>"]}}]},
        {"cell_type": "code", "outputs": [{"data": {"application/javascript": "x"}}]},
        {"cell_type": "markdown", "source": "<iframe src='x'>"},
    ],
)
def test_notebooks(cell: dict[str, object]) -> None:
    """Script in what a notebook shows is found, and pictures and tables are not."""
    data = json.dumps({"cells": [cell]}).encode()
    (finding,) = findings_of(RULE, examined(data, format=FileFormat.NOTEBOOK))
    assert finding.severity is Severity.LOW
    shown = {"data": {"text/html": "<table></table>", "image/png": "AA=="}}
    twin = json.dumps({"cells": [{"cell_type": "code", "outputs": [shown, None]}]}).encode()
    assert examined(twin, format=FileFormat.NOTEBOOK) == ()


def test_many() -> None:
    """A document full of script is named up to a bound, and ends as a bounded list."""
    text = SVG.format("<script/>" * 3000).encode()
    assert len(findings_of(RULE, examined(text, format=FileFormat.XML))) == 100


def test_broken() -> None:
    """A document that is not well-formed is not passed."""
    assert rules_of(examined(b"<svg><script></svg>", format=FileFormat.XML)) == {"scan-malformed"}
