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
from weighbridge.scan.interface import Analysis, Subject
from weighbridge.scan.templates import template_facts
from weighbridge.scan.text import read_text

SCRIPT_SUFFIXES: Final = MappingProxyType(
    {
        "bash": "bash",
        "bat": "cmd",
        "cmd": "cmd",
        "js": "JavaScript",
        "lua": "Lua",
        "mjs": "JavaScript",
        "php": "PHP",
        "pl": "Perl",
        "ps1": "PowerShell",
        "psm1": "PowerShell",
        "r": "R",
        "rb": "Ruby",
        "sh": "sh",
        "vbs": "VBScript",
        "zsh": "zsh",
    }
)
"""What runs a file of that suffix on a double click or by habit."""

_PYTHON: Final = frozenset({"py", "pyw", "pyx"})
_TEMPLATE: Final = frozenset({"jinja", "jinja2", "j2"})
_YAML: Final = frozenset({"yaml", "yml"})
_YAML_NAMES: Final = frozenset({"mlmodel"})
# `site` executes the lines of a .pth file that begin with `import` (Python docs, module site).
_SITE_IMPORT: Final = re.compile(r"^import[ \t].*", re.MULTILINE)


def analyze(subject: Subject) -> Analysis:
    """
    Yield what the text is to whoever goes by its name; nothing for prose.

    Raises:
        MalformedContentError: It is not what its name says.
        LimitExceededError: Larger than the limit for text.
    """
    stem, _, suffix = subject.name.lower().rpartition(".")
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
    elif suffix in SCRIPT_SUFFIXES:
        yield ScriptFacts(subject=subject, interpreter=SCRIPT_SUFFIXES[suffix])
    elif suffix == "pth" and _SITE_IMPORT.search(read_text(subject)):
        yield ScriptFacts(subject=subject, interpreter="Python's site module at every start")
