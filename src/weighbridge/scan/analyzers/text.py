"""
Text whose content does not say what it is: the name decides, as it does for those who read it.

Source, configuration and templates are told from prose by content only up to a point. So text
that by its name would be run, parsed or rendered is read as what it would be taken for;
other text (readme, licence, vocabulary) is not interpreted by any loader.
"""

import re
from types import MappingProxyType
from typing import Final

from weighbridge.scan.analyzers import json, python_source, yaml
from weighbridge.scan.analyzers.script import ScriptFacts
from weighbridge.scan.dependencies import dependencies_in, lists_dependencies
from weighbridge.scan.folder_programs import build_programs_in
from weighbridge.scan.interface import Analysis, Subject
from weighbridge.scan.templates import template_facts
from weighbridge.scan.text import as_utf8, read_text
from weighbridge.scan.text_names import (
    BUILD_FILES,
    GIT_FILES,
    JSON,
    PYTHON,
    RECIPES,
    SCRIPT_SUFFIXES,
    SITE,
    START_FILES,
    TEMPLATE,
    YAML,
    suffix_of,
)

# `site` executes the lines of a .pth file that begin with `import` (Python docs, module site), and
# breaks lines as `str.splitlines` does. It calls what a .start file names (PEP 829).
_SITE: Final = MappingProxyType(
    {
        SITE: re.compile(rb"(?:\A|[\n\r\x0b\x0c\x1c-\x1e]|\xc2\x85|\xe2\x80[\xa8\xa9])import[ \t]"),
        "start": re.compile(rb"^[ \t]*[A-Za-z_][\w.]*:[A-Za-z_][\w.]*[ \t\r]*$", re.MULTILINE),
    }
)
_SITE_BYTES: Final = 1024 * 1024
# A folder that holds `HEAD`, `config`, `objects` and `refs` is a repository to git, whatever it is
# called, and these settings name programs (git-config; safe.bareRepository).
_GIT_COMMAND: Final = re.compile(
    r"^[ \t]*(?:askpass|fsmonitor|gitproxy|hookspath|sshcommand)[ \t]*="
    r"(?![ \t]*(?:true|false|1|0|yes|no|on|off)?[ \t]*$)",
    re.MULTILINE | re.IGNORECASE,
)
_PROSE: Final = frozenset({"md", "markdown", "rst"})
_BLOCK: Final = 1024 * 1024
_OVERLAP: Final = 256
# A tag with a name space, where YAML has one: at the start of a value. The names of languages
# may be escaped, so any such tag will do; the analyzer of YAML says what it is.
_TAG: Final = re.compile(
    rb"(?:^|[\s\[{,:?\xbf-])!{1,2}<?[\w%:.,-]{0,64}[/:]\S|^%TAG\s|tag:yaml\.org,2002:\w{1,16}/",
    re.MULTILINE,
)


def analyze(subject: Subject) -> Analysis:
    """
    Yield what the text is to whoever goes by its name, and YAML that no name announces.

    Raises:
        MalformedContentError: It is not what its name says.
        LimitExceededError: Larger than the limit for text.
    """
    subject = as_utf8(subject)
    name = subject.name.lower()
    suffix = suffix_of(name)
    if suffix in PYTHON:
        yield from python_source.analyze(subject)
    elif suffix in TEMPLATE:
        yield template_facts(subject, read_text(subject), where="the file")
    elif suffix in YAML:
        yield from yaml.analyze(subject)
    elif suffix in JSON:
        yield from json.analyze(subject)
    elif lists_dependencies(name):
        yield from dependencies_in(subject, read_text(subject))
    elif suffix in _SITE and _SITE[suffix].search(_start(subject)):
        yield ScriptFacts(subject=subject, interpreter="Python's site module at every start")
    else:
        yield from _scripts(subject, name, suffix)
        if _has_tag(subject, only_head=suffix in _PROSE):
            yield from yaml.analyze(subject)


def _start(subject: Subject) -> bytes:
    """Return the text where it is one, and otherwise far more of it than Python would decode."""
    start = subject.source.read_at(0, _SITE_BYTES)
    return start if b"\0" in start else read_text(subject).encode()


def _scripts(subject: Subject, name: str, suffix: str) -> Analysis:
    """Yield what would run the text, by its name."""
    recipe = RECIPES.get(name.partition(".")[0]) or (
        "a container builder" if suffix == "dockerfile" else None
    )
    if suffix in SCRIPT_SUFFIXES:
        yield ScriptFacts(subject=subject, interpreter=SCRIPT_SUFFIXES[suffix])
    elif name in START_FILES:
        yield ScriptFacts(subject=subject, interpreter=START_FILES[name])
    elif name in BUILD_FILES:
        yield from build_programs_in(subject, read_text(subject))
    elif name in GIT_FILES and _GIT_COMMAND.search(read_text(subject)):
        yield ScriptFacts(subject=subject, interpreter="git when it runs in the folder")
    elif recipe is not None and suffix not in _PROSE:
        yield ScriptFacts(subject=subject, interpreter=recipe, on_request=True)


def _has_tag(subject: Subject, *, only_head: bool) -> bool:
    """
    Tell whether the text has a tag of YAML that names something of a language.

    Read in blocks: word vectors and corpora are text of any size. Prose may show such tags; of
    it only a front matter is read by anybody.
    """
    if only_head:
        head = subject.source.read_at(0, _BLOCK)
        end = head.find(b"\n---", 3) if head.startswith(b"---") else 0
        return _TAG.search(head[: max(end, 0)]) is not None
    for start in range(0, subject.source.size, _BLOCK):
        subject.check_time()
        block = subject.source.read_at(start, _BLOCK + _OVERLAP)
        if (b"!" in block or b"tag:" in block or b"%TAG" in block) and _TAG.search(block):
            return True
    return False
