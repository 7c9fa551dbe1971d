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
from weighbridge.scan.interface import Analysis, Subject
from weighbridge.scan.templates import template_facts
from weighbridge.scan.text import as_utf8, read_text

SCRIPT_SUFFIXES: Final = MappingProxyType(
    {
        "applescript": "AppleScript",
        "bash": "bash",
        "bat": "cmd",
        "cmd": "cmd",
        "command": "the terminal of macOS",
        "csh": "csh",
        "desktop": "the desktop, on a double click",
        "fish": "fish",
        "hta": "Windows, as a program",
        "inf": "the installer of Windows",
        "js": "JavaScript",
        "jse": "Windows Script Host",
        "ksh": "ksh",
        "lua": "Lua",
        "mjs": "JavaScript",
        "php": "PHP",
        "pl": "Perl",
        "ps1": "PowerShell",
        "psm1": "PowerShell",
        "r": "R",
        "rb": "Ruby",
        "reg": "the registry editor of Windows",
        "scpt": "AppleScript",
        "sct": "Windows Script Host",
        "service": "systemd",
        "sh": "sh",
        "url": "the shell of Windows",
        "vbe": "Windows Script Host",
        "vbs": "VBScript",
        "wsf": "Windows Script Host",
        "zsh": "zsh",
    }
)
"""What runs a file of that suffix on a double click or by habit."""

START_FILES: Final = MappingProxyType(
    {
        ".bash_login": "bash when it starts",
        ".bash_profile": "bash when it starts",
        ".bashrc": "bash when it starts",
        ".envrc": "direnv when the folder is entered",
        ".profile": "the shell when it starts",
        ".renviron": "R when it starts in the folder",
        ".rprofile": "R when it starts in the folder",
        ".zshenv": "zsh when it starts",
        ".zshrc": "zsh when it starts",
    }
)
"""What is run without anybody asking for it, by names."""

RECIPES: Final = MappingProxyType(
    {
        "containerfile": "a container builder",
        "dockerfile": "a container builder",
        "gnumakefile": "make",
        "jenkinsfile": "Jenkins",
        "justfile": "just",
        "makefile": "make",
        "procfile": "a process manager",
        "rakefile": "rake",
        "vagrantfile": "vagrant",
    }
)
"""What is run when somebody asks for it."""

_PYTHON: Final = frozenset({"py", "pyw", "pyx"})
_TEMPLATE: Final = frozenset({"jinja", "jinja2", "j2", "template", "tmpl"})
_YAML: Final = frozenset({"yaml", "yml"})
_YAML_NAMES: Final = frozenset({"mlmodel"})
# `site` executes the lines of a .pth file that begin with `import` (Python docs, module site).
_SITE_IMPORT: Final = re.compile(r"^import[ \t].*", re.MULTILINE)
_GIT_FILES: Final = frozenset({"config", "config.worktree", ".gitconfig", ".gitmodules"})
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
    stem, _, suffix = name.rpartition(".")
    if not stem:  # no suffix, or nothing but one
        suffix = "yaml" if suffix in _YAML_NAMES else ""
    if suffix in _PYTHON:
        yield from python_source.analyze(subject)
    elif suffix in _TEMPLATE:
        yield template_facts(subject, read_text(subject), where="the file")
    elif suffix in _YAML:
        yield from yaml.analyze(subject)
    elif suffix == "json":
        yield from json.analyze(subject)
    elif lists_dependencies(name):
        yield from dependencies_in(subject, read_text(subject))
    elif suffix == "pth" and _SITE_IMPORT.search(read_text(subject)):
        yield ScriptFacts(subject=subject, interpreter="Python's site module at every start")
    else:
        yield from _scripts(subject, name, suffix)
        if _has_tag(subject, only_head=suffix in _PROSE):
            yield from yaml.analyze(subject)


def _scripts(subject: Subject, name: str, suffix: str) -> Analysis:
    """Yield what would run the text, by its name."""
    recipe = RECIPES.get(name.partition(".")[0]) or (
        "a container builder" if suffix == "dockerfile" else None
    )
    if suffix in SCRIPT_SUFFIXES:
        yield ScriptFacts(subject=subject, interpreter=SCRIPT_SUFFIXES[suffix])
    elif name in START_FILES:
        yield ScriptFacts(subject=subject, interpreter=START_FILES[name])
    elif name in _GIT_FILES and _GIT_COMMAND.search(read_text(subject)):
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
