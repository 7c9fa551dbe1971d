"""
Names by which text is run, parsed or rendered, whatever its first bytes say.

Interpreters, shells and loaders of configuration go by the name that they are given. So these
names decide also where the bytes were told as something else: `GIF89a=1` begins a picture to
whoever sniffs, and a script to whoever runs it.
"""

from types import MappingProxyType
from typing import Final

from weighbridge.scan.dependencies import lists_dependencies

SCRIPT_SUFFIXES: Final = MappingProxyType(
    {
        "ahk": "AutoHotkey",
        "applescript": "AppleScript",
        "bash": "bash",
        "bat": "cmd",
        "cjs": "JavaScript",
        "cmd": "cmd",
        "command": "the terminal of macOS",
        "csh": "csh",
        "desktop": "the desktop, on a double click",
        "fish": "fish",
        "groovy": "Groovy",
        "hta": "Windows, as a program",
        "inf": "the installer of Windows",
        "ipy": "IPython",
        "jl": "Julia",
        "js": "JavaScript",
        "jse": "Windows Script Host",
        "ksh": "ksh",
        "lua": "Lua",
        "mjs": "JavaScript",
        "msc": "the management console of Windows",
        "php": "PHP",
        "pl": "Perl",
        "ps1": "PowerShell",
        "psd1": "PowerShell",
        "psm1": "PowerShell",
        "r": "R",
        "rb": "Ruby",
        "reg": "the registry editor of Windows",
        "scpt": "AppleScript",
        "sct": "Windows Script Host",
        "service": "systemd",
        "sh": "sh",
        "tcl": "Tcl",
        "tcsh": "tcsh",
        "url": "the shell of Windows",
        "vbe": "Windows Script Host",
        "vbs": "VBScript",
        "wsf": "Windows Script Host",
        "wsh": "Windows Script Host",
        "xsh": "xonsh",
        "zsh": "zsh",
    }
)
"""What runs a file of that suffix on a double click or by habit."""

START_FILES: Final = MappingProxyType(
    {
        ".bash_aliases": "bash when it starts",
        ".bash_login": "bash when it starts",
        ".bash_logout": "bash when it ends",
        ".bash_profile": "bash when it starts",
        ".bashrc": "bash when it starts",
        ".cshrc": "csh when it starts",
        ".emacs": "Emacs when it starts",
        ".envrc": "direnv when the folder is entered",
        ".exrc": "vi when it starts in the folder",
        ".gdbinit": "gdb when it starts in the folder",
        ".irbrc": "Ruby's shell when it starts",
        ".kshrc": "ksh when it starts",
        ".lldbinit": "lldb when it starts in the folder",
        ".login": "csh when it starts",
        ".logout": "csh when it ends",
        ".nvimrc": "Neovim when it starts in the folder",
        ".octaverc": "Octave when it starts in the folder",
        ".pdbrc": "Python's debugger when it starts in the folder",
        ".profile": "the shell when it starts",
        ".pythonrc": "Python when it starts",
        ".renviron": "R when it starts in the folder",
        ".rprofile": "R when it starts in the folder",
        ".tcshrc": "tcsh when it starts",
        ".vimrc": "Vim when it starts",
        ".xinitrc": "the desktop when it starts",
        ".xprofile": "the desktop when it starts",
        ".xsession": "the desktop when it starts",
        ".zlogin": "zsh when it starts",
        ".zlogout": "zsh when it ends",
        ".zprofile": "zsh when it starts",
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

PYTHON: Final = frozenset({"py", "pyw", "pyx"})
TEMPLATE: Final = frozenset({"jinja", "jinja2", "j2", "template", "tmpl"})
YAML: Final = frozenset({"yaml", "yml"})
HTML: Final = frozenset({"htm", "html", "shtml", "xhtml"})
SITE: Final = "pth"
"""Python's module `site` reads such a file wherever packages are installed."""

BUILD_FILES: Final = frozenset({"pyproject.toml", "setup.cfg"})
JSON: Final = frozenset({"code-workspace", "json"})
GIT_FILES: Final = frozenset({"config", "config.worktree", ".gitconfig", ".gitmodules"})
_YAML_NAMES: Final = frozenset({"mlmodel"})


def suffix_of(name: str) -> str:
    """Return the suffix by which *name*, in lower case, is read; empty where it has none."""
    stem, _, suffix = name.rpartition(".")
    if stem:
        return suffix
    return "yaml" if suffix in _YAML_NAMES else ""


def is_read_by_name(name: str) -> bool:
    """Tell whether a file of this name is run, parsed or rendered whatever it begins with."""
    name = name.lower()
    suffix = suffix_of(name)
    return (
        suffix in SCRIPT_SUFFIXES
        or suffix in PYTHON | TEMPLATE | YAML
        or suffix == "dockerfile"
        or name in START_FILES
        or name in BUILD_FILES
        or name.partition(".")[0] in RECIPES
        or lists_dependencies(name)
    )
