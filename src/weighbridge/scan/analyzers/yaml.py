"""
YAML, read lexically: this version has no YAML parser, and needs none for what it looks for.

What makes a YAML file run something is a tag of a language (`!!python/object/apply:`) or a
key that a configuration system acts on (`_target_:`). Both have to be written out, apart from
the escapes of double-quoted strings, percent escapes in tags and tag prefixes, which are
resolved or reported. Whatever else the file says is data. Files in UTF-16 and UTF-32, which YAML
readers take too, are read as such; what is none of these is a gap.
"""

import re
from collections.abc import Iterator
from typing import Final
from urllib.parse import unquote

from weighbridge.core.values import frozen
from weighbridge.scan.configuration import (
    CONTEXT_KEYS,
    DOTTED_KEYS,
    PICKLED_MODEL,
    LoadedCodeFacts,
    SettingFacts,
    TargetFacts,
    is_dotted,
    known_keys,
    setting_facts,
)
from weighbridge.scan.dependencies import dependencies_in, lists_dependencies
from weighbridge.scan.interface import Analysis, Facts, Subject
from weighbridge.scan.keras.facts import KerasLambdaFacts
from weighbridge.scan.templates import template_facts
from weighbridge.scan.text import as_utf8, read_text
from weighbridge.scan.yolo import DOWNLOAD, download_facts, model_facts


@frozen
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
_KEYS: Final = "|".join(sorted(re.escape(key) for key in known_keys() if "/" not in key))
_KEY: Final = re.compile(rf"""["']?(?<![\w./-])({_KEYS})["']?\s*:\s*["']?([^\s"',}}\]#]*)""")
_BARE_KEY: Final = re.compile(
    r"""\b(_target_|loader_module|auto_map|trust_remote_code)\b(?!["']?\s*:)"""
)
_CODE_KEY: Final = re.compile(r"^[ \t]*code[ \t]*:[ \t]*([^\s#]+)", re.MULTILINE)
_PICKLED_KEY: Final = re.compile(
    r"""["']?(?<![\w./-])python_model["']?\s*:\s*(?:&\w+\s+)?["']?([^\s"',}\]#]+)"""
)
# HyperPyYAML, which speechbrain reads its hyperparameters with: what follows the colon is
# imported, and for most of these called.
_OBJECT_TAG: Final = re.compile(r"!(new|name|apply|applyref|module):(.+)")
_PREFIX_CHARS: Final = 256
# Keras wrote the architecture of a model as YAML, code of Lambda layers included.
_LAMBDA_LAYER: Final = re.compile(r"""\bclass_name["']?\s*:\s*["']?Lambda\b""")
_TEMPLATE_KEY: Final = re.compile(
    r"^([ \t]*)(?:- )?[\"']?\w*chat_template[\"']?[ \t]*:[ \t]*(.*)$", re.MULTILINE
)
_BLOCK: Final = re.compile(r"[|>][-+0-9]*[ \t]*(?:#.*)?")


def analyze(subject: Subject) -> Analysis:
    """
    Yield language tags and settings that make a framework run something.

    Raises:
        MalformedContentError: Not UTF-8.
        LimitExceededError: Larger than the limit for text.
    """
    text = read_text(as_utf8(subject))
    text = _ESCAPE.sub(lambda m: chr(int(m.group(1) or m.group(2) or m.group(3), 16)), text)
    text = _FOLD.sub("", text)
    tags = []
    for match in _TAG.finditer(text):
        subject.check_time()
        tag = unquote(match.group())
        if built := _OBJECT_TAG.fullmatch(tag):
            where = f"character {match.start()}"
            yield TargetFacts(
                subject=subject, where=where, key=f"!{built.group(1)}", value=built.group(2)
            )
        elif _LANGUAGE.search(tag):
            tags.append((match.start(), tag))
    prefixes = tuple((m.start(), m.group()) for m in _PREFIX.finditer(text))
    if tags or prefixes:
        yield YamlTagsFacts(subject=subject, tags=tuple(tags), prefixes=prefixes)
    yield from _settings(subject, text)
    yield from _bare_keys(subject, text)
    for match in _TEMPLATE_KEY.finditer(text):
        yield template_facts(subject, _scalar(text, match), where=f"character {match.start()}")
    yield from model_facts(subject, text)
    for match in _LAMBDA_LAYER.finditer(text):
        yield KerasLambdaFacts(subject=subject, where=f"character {match.start()}", names=())
    for match in DOWNLOAD.finditer(text):
        yield from download_facts(subject, text, _scalar(text, match))
    if lists_dependencies(subject.name):
        yield from dependencies_in(subject, text)


def _scalar(text: str, match: re.Match[str]) -> str:
    """
    Return the text of a chat template's scalar: a block, or what stands on the key's line.

    A block goes on as long as lines are indented more than the key, or empty. A template in
    quotes may go on over lines as well; then all that is indented belongs to it.
    """
    first = match.group(2)
    lines = []
    for line in text[match.end() + 1 :].split("\n"):
        if line.strip() and len(line) - len(line.lstrip(" \t")) <= len(match.group(1)):
            break
        lines.append(line.strip("\r"))
    if _BLOCK.fullmatch(first.strip()):
        return "\n".join(lines)
    whole = "\n".join([first, *lines]).strip()
    quote = whole[:1]
    if quote not in ("'", '"') or len(whole) == 1:
        return whole
    inner = whole[1:].rpartition(quote)[0]
    return inner.replace("''", "'") if quote == "'" else _unquoted(inner)


def _unquoted(text: str) -> str:
    """Return what a double-quoted scalar stands for; the numeric escapes are resolved already."""
    plain = {"n": "\n", "t": "\t", "r": "\r", "0": "\0", "_": "\u00a0"}
    return re.sub(r"\\(.)", lambda m: plain.get(m.group(1), m.group(1)), text)


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
    arguments = frozenset(re.findall(r"\b(\w+)[\"']?\s*:", text))
    for match in _KEY.finditer(text):
        subject.check_time()
        line += text.count("\n", counted, match.start())
        counted = match.start()
        key, value = match.groups()
        if key in CONTEXT_KEYS and arguments.isdisjoint(CONTEXT_KEYS[key]):
            continue
        if (key in DOTTED_KEYS or key in CONTEXT_KEYS) and not is_dotted(value):
            continue
        yield setting_facts(subject, key, value, where=f"line {line}", line=line)
    if subject.name.lower() == "mlmodel":
        for match in _CODE_KEY.finditer(text):
            where = f"character {match.start()}"
            yield setting_facts(subject, "code_paths", match.group(1), where=where)
        for match in _PICKLED_KEY.finditer(text):
            where = f"character {match.start()}"
            yield LoadedCodeFacts(
                subject=subject, where=where, key=PICKLED_MODEL, value=match.group(1)
            )
