"""Tell text from other bytes, and what it is the text of."""

import re
from typing import Final

from weighbridge.core.artifact import FileFormat
from weighbridge.formats.json.detection import is_json, is_json_start
from weighbridge.formats.sniff.suffixes import is_textual
from weighbridge.formats.sniff.window import Window

_CONTROLS: Final = {*range(0x20), 0x7F} - set(b"\t\n\r\f")
_TEXT_BYTES: Final = bytes(sorted(set(range(256)) - _CONTROLS))
_BOM: Final = b"\xef\xbb\xbf"
_LFS: Final = b"version https://git-lfs.github.com/spec/v1"
_PYTHON_SUFFIXES: Final = frozenset({"py", "pyi", "pyw"})
_SCRIPT_SUFFIXES: Final = frozenset({"sh", "bash", "bat", "cmd", "ps1", "js", "rb", "pl", "lua"})
_YAML_SUFFIXES: Final = frozenset({"yaml", "yml"})
_PROTOBUF_SUFFIXES: Final = frozenset({"pbtxt", "prototxt"})
_PYTHON_SHEBANG: Final = re.compile(rb"#![^\n]*\bpython[0-9.]*w?\b")
_YAML_LINE: Final = re.compile(
    rb"^(?:- |- *$|---|%YAML|[^\s#:][^\n:]*:(?:\s|$)|['\"?{\[!&])", re.MULTILINE
)
_YAML_START: Final = re.compile(rb"(?:---(?:\s|$)|%YAML)")
_LONGEST_UTF8: Final = 4
_MARKUP_BYTES: Final = 4096
_HTML_SUFFIXES: Final = frozenset({"html", "htm", "xhtml", "hta"})
_PROSE_SUFFIXES: Final = frozenset({"md", "markdown", "rst", "vocab"})
_OLD_PROSE: Final = frozenset({"csv", "md", "rst", "tsv", "txt"})
_XML_SUFFIXES: Final = frozenset({"xml", "svg", "pmml", "xsl", "xslt"})
_HTML_START: Final = re.compile(rb"<(?:!doctype\s+html|html|head|body|script|iframe)[\s>/]")
_XML_START: Final = re.compile(
    rb"<(?:\?xml[\s?]|!doctype\s|!entity\s|!element\s|(?:\w+:)?(?:svg|pmml|xsl|net)[\s>/])"
)
_MARKUP: Final = re.compile(rb"<[a-z!?]")


def is_text(window: Window) -> bool:
    """Tell whether what is seen of the file is UTF-8 without control characters."""
    head = window.head
    if head.translate(None, _TEXT_BYTES):
        return False
    try:
        head.decode("utf-8")
    except UnicodeDecodeError as error:
        # A character that the end of the head cuts is no fault of the file.
        cut = error.reason == "unexpected end of data" and len(head) - error.start < _LONGEST_UTF8
        return cut and not window.whole
    return True


def is_old_prose(window: Window) -> bool:
    """
    Tell whether the file is prose in an encoding of eight bits: mostly ASCII, and no controls.

    By its name as well: what a program reads is UTF-8, and anything else about it is unknown.
    """
    if window.suffix not in _OLD_PROSE or window.head.translate(None, _TEXT_BYTES):
        return False
    return sum(byte >= 0x80 for byte in window.head) * 4 < len(window.head)  # noqa: PLR2004  ASCII


def classify_text(window: Window) -> FileFormat:
    """Return what the text of a file, known to be text, is."""
    head = window.head.removeprefix(_BOM)
    if head.startswith(_LFS):
        return FileFormat.LFS_POINTER
    markup = _markup(window.suffix, head)
    if markup is not None:
        return markup
    if window.suffix in _PYTHON_SUFFIXES:
        return FileFormat.PYTHON_SOURCE
    if head.startswith(b"#!"):
        is_python = _PYTHON_SHEBANG.match(head)
        return FileFormat.PYTHON_SOURCE if is_python else FileFormat.SCRIPT
    if window.suffix in _SCRIPT_SUFFIXES:
        return FileFormat.SCRIPT
    if window.suffix in _PROTOBUF_SUFFIXES:
        return FileFormat.PROTOBUF_TEXT
    if head.lstrip(b" \t\r\n")[:1] in (b"{", b"["):
        found = is_json(head) if window.whole else is_json_start(head)
        if found:
            return FileFormat.NOTEBOOK if _is_notebook(window.suffix, head) else FileFormat.JSON
    return FileFormat.YAML if _is_yaml(window.suffix, head) else FileFormat.TEXT


def _markup(suffix: str, head: bytes) -> FileFormat | None:
    """
    Return which markup *head* begins, by what no other text begins with.

    An angle bracket alone does not do: vocabularies begin with `<s>`, model cards with `<div>`.
    """
    start = head[:_MARKUP_BYTES].lstrip(b" \t\r\n").lower()
    if not start.startswith(b"<") or suffix in _PROSE_SUFFIXES:
        return None
    if (suffix != "txt" and _HTML_START.match(start)) or (
        suffix in _HTML_SUFFIXES and _MARKUP.match(start)
    ):
        return FileFormat.HTML
    if _XML_START.match(start) or (suffix in _XML_SUFFIXES and _MARKUP.match(start)):
        return FileFormat.XML
    return None


def _is_notebook(suffix: str, head: bytes) -> bool:
    """Tell whether JSON is a Jupyter notebook (nbformat 4): cells, of which each has a type."""
    return suffix == "ipynb" or (b'"cells"' in head and b'"cell_type"' in head)


def _is_yaml(suffix: str, head: bytes) -> bool:
    """
    Tell whether *head* is YAML: nearly any text is, so only where it or its name says so.

    Model cards are Markdown with a YAML front matter, and stay text.
    """
    if suffix in _YAML_SUFFIXES:
        return _YAML_LINE.search(head) is not None
    return _YAML_START.match(head) is not None and not is_textual(suffix)
