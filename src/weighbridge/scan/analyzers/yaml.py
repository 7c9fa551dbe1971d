"""
YAML, read lexically: this version has no YAML parser, and needs none for what it looks for.

What makes a YAML file run something is a tag of a language (`!!python/object/apply:`) or a
key that a configuration system acts on (`_target_:`). Both have to be written out, apart from
the escapes of double-quoted strings, percent escapes in tags and tag prefixes, which are
resolved or reported. Whatever else the file says is data. A file that is not UTF-8 is a gap,
since YAML readers take UTF-16 too.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote

from weighbridge.scan.configuration import SettingFacts, setting_facts
from weighbridge.scan.interface import Analysis, Facts, Subject
from weighbridge.scan.templates import template_facts
from weighbridge.scan.text import read_text


@dataclass(frozen=True, slots=True, kw_only=True)
class YamlTagsFacts(Facts):
    """
    The tags of a YAML file that name an object of some language, or could hide one.

    Attributes:
        tags: Offset in characters and tag, percent escapes resolved.
        prefixes: Offset and text of `%TAG` directives, which rename tags.
    """

    tags: tuple[tuple[int, str], ...]
    prefixes: tuple[tuple[int, str], ...]


_TAG: Final = re.compile(r"(?<![\w!.?])!(?:<[^>\s]{0,1024}>|[^\s,\[\]{}]*)")
_LANGUAGE: Final = re.compile(
    r"python|ruby|perl|java|php|script|module|object|apply", re.IGNORECASE
)
_PREFIX: Final = re.compile(r"^%TAG[^\n]*", re.MULTILINE)
_ESCAPE: Final = re.compile(
    r"\\(?:x([0-7][0-9a-fA-F])|u00([0-7][0-9a-fA-F])|U000000([0-7][0-9a-fA-F]))"
)
_FOLD: Final = re.compile(r"\\\r?\n[ \t]*")
_KEY: Final = re.compile(
    r"""["']?\b(_target_|loader_module|auto_map|trust_remote_code)["']?\s*:\s*["']?([^\s"',}\]#]*)"""
)
_BARE_KEY: Final = re.compile(
    r"""\b(_target_|loader_module|auto_map|trust_remote_code)\b(?!["']?\s*:)"""
)
_PREFIX_CHARS: Final = 256
_TEMPLATE_KEY: Final = re.compile(r"\bchat_template[\"']?\s*:")


def analyze(subject: Subject) -> Analysis:
    """
    Yield language tags and settings that make a framework run something.

    Raises:
        MalformedContentError: Not UTF-8.
        LimitExceededError: Larger than the limit for text.
    """
    text = read_text(subject)
    text = _ESCAPE.sub(lambda m: chr(int(m.group(1) or m.group(2) or m.group(3), 16)), text)
    text = _FOLD.sub("", text)
    tags = []
    for match in _TAG.finditer(text):
        subject.check_time()
        tag = unquote(match.group())
        if _LANGUAGE.search(tag):
            tags.append((match.start(), tag))
    prefixes = tuple((m.start(), m.group()) for m in _PREFIX.finditer(text))
    if tags or prefixes:
        yield YamlTagsFacts(subject=subject, tags=tuple(tags), prefixes=prefixes)
    yield from _settings(subject, text)
    yield from _bare_keys(subject, text)
    if _TEMPLATE_KEY.search(text):
        yield template_facts(subject, text, where="the whole file")


def _bare_keys(subject: Subject, text: str) -> Iterator[SettingFacts]:
    """
    Yield keys that no colon follows, and that are keys all the same.

    The colon of an explicit key (`? key`) may stand behind a comment or a block scalar, that of
    an anchored one behind its alias. The value is then not looked for, and any other than none.
    """
    for match in _BARE_KEY.finditer(text):
        subject.check_time()
        near = max(0, match.start() - _PREFIX_CHARS)
        before = text[near : match.start()].rpartition("\n")[2]
        after = text[match.end() : match.end() + _PREFIX_CHARS].partition("\n")[0]
        alone = not before.strip(" \t\"'") and not after.partition(" #")[0].strip(" \t\r\"'")
        if alone or "?" in before or "&" in before:
            where = f"character {match.start()}, without a colon"
            yield setting_facts(subject, match.group(1), "?", where=where)


def _settings(subject: Subject, text: str) -> Iterator[SettingFacts]:
    """Yield the settings that stand in *text*."""
    line, counted = 1, 0
    for match in _KEY.finditer(text):
        subject.check_time()
        line += text.count("\n", counted, match.start())
        counted = match.start()
        yield setting_facts(subject, match.group(1), match.group(2), where=f"line {line}")
