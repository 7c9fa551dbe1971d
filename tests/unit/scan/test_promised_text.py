"""Bytes whose name has something run, parse or render them, whatever they were told as."""

import pytest

from support.scanning import examined, rules_of
from weighbridge.core.artifact import FileFormat

PICTURE = b"GIF89a"
"""Letters, so that what begins with them can be text all the same."""


@pytest.mark.parametrize(
    ("name", "rest", "rule"),
    [
        ("modeling_x.py", b" = 1\nimport os\nos.system('touch marker')\n", "python-dangerous-call"),
        ("setup.sh", b"=1\ntouch marker\n", "script-file"),
        ("x.js", b"=1;f()", "script-file"),
        (".bashrc", b"=1\ntouch marker\n", "script-file"),
        ("Makefile", b"=1\nall:\n\ttouch marker\n", "script-file"),
        ("config.yaml", b": !!python/object/apply:os.system []\n", "yaml-python-tag"),
        ("chat_template.jinja", b"{{ x.__class__ }}", "chat-template"),
        ("requirements.txt", b" @ git+https://packages.example/x\n", "dependency-source"),
        ("report.html", b"<script>f()</script>", "markup-script"),
        ("a.pth", b"\nimport os\n", "script-file"),
    ],
)
@pytest.mark.parametrize("told", [FileFormat.IMAGE, FileFormat.LFS_POINTER, FileFormat.XML])
def test_name_decides_whatever_comes_first(
    name: str, rest: bytes, rule: str, told: FileFormat
) -> None:
    """What begins as another format is read as its name has it read, and under no other name."""
    assert rule in rules_of(examined(PICTURE + rest, format=told, path=name))
    assert rule not in rules_of(examined(PICTURE + rest, format=told, path="logo.gif"))


def test_a_picture_that_is_called_python_is_not_known() -> None:
    """A picture that Python would be given is found, since nobody can tell what it would do."""
    picture = PICTURE + bytes(16)
    found = examined(picture, format=FileFormat.IMAGE, path="handler.py")
    assert rules_of(found) == {"remote-code-python-file", "scan-malformed"}
    assert examined(picture, format=FileFormat.IMAGE, path="handler.gif") == ()


@pytest.mark.parametrize("name", ["x.zsh", "x.php", "x.ps1"])
def test_yaml_and_markup_are_scripts_by_name(name: str) -> None:
    """A shell passes over a line that begins YAML, and PHP prints markup before its own part."""
    data = b"---\ntouch marker\n"
    assert rules_of(examined(data, format=FileFormat.YAML, path=name)) == {"script-file"}
    assert examined(data, format=FileFormat.YAML, path="x.yml") == ()


def test_text_that_is_called_a_page() -> None:
    """A browser finds scripts in a page that does not begin as one."""
    data = b"Hello <script>f()</script>"
    assert rules_of(examined(data, format=FileFormat.TEXT, path="x.html")) == {"markup-script"}
    assert examined(data, format=FileFormat.TEXT, path="x.txt") == ()


@pytest.mark.parametrize("separator", ["\r", "\x0b", "\x1c", "\x85", "\u2028"])
def test_every_line_break_of_site(separator: str) -> None:
    """Python's site module breaks lines at more than line feeds."""
    data = f"./lib{separator}import os\n".encode()
    assert rules_of(examined(data, format=FileFormat.TEXT, path="x.pth")) == {"script-file"}
    assert (
        examined(data.replace(b"import ", b"imports"), format=FileFormat.TEXT, path="x.pth") == ()
    )


def test_entry_points_at_start() -> None:
    """Functions that Python calls when it starts are found in a .start file (PEP 829)."""
    found = examined(b"package.module:function\n", format=FileFormat.TEXT, path="x.start")
    assert rules_of(found) == {"script-file"}
    assert examined(b"when to start: now\n", format=FileFormat.TEXT, path="x.start") == ()


def test_weights_that_are_called_pth_are_no_text() -> None:
    """Weights under a name that checkpoints share with Python's site module are left to theirs."""
    found = examined(bytes(64), format=FileFormat.IMAGE, path="x.pth")
    assert found == ()


@pytest.mark.parametrize("name", [".zprofile", ".gdbinit", ".vimrc", "x.cjs", "x.ipy", "x.jl"])
def test_more_names_of_programs(name: str) -> None:
    """Files that programs run when they start, and scripts of further languages, are found."""
    assert rules_of(examined(b"touch marker\n", format=FileFormat.TEXT, path=name)) == {
        "script-file"
    }
    assert examined(b"touch marker\n", format=FileFormat.TEXT, path=name + ".txt") == ()
