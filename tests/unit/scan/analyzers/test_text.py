"""Text is read as what its name would have it taken for, and under a bound."""

import pytest

from support.scanning import examined, rules_of
from weighbridge.core.artifact import FileFormat
from weighbridge.core.codes import Code
from weighbridge.core.evidence import Finding, Gap, Severity
from weighbridge.core.limits.documents import MAX_TEXT_BYTES
from weighbridge.scan.examination import examine
from weighbridge.scan.interface import Subject


@pytest.mark.parametrize(
    ("name", "text", "rule"),
    [
        ("config.yaml", "_target_: os.system\n", "config-target"),
        ("MLmodel", "loader_module: evil\n", "config-target"),
        ("MLmodel", "flavors:\n  python_function:\n    code: code\n", "mlflow-code"),
        ("config.json", '{"auto_map": "x.Y"}', "remote-code-auto-map"),
        ("config.JSON", "{", "scan-malformed"),
        ("x.py", "x = 1\n", "remote-code-python-file"),
        ("chat_template.jinja", "{{ x.__class__ }}", "chat-template"),
        ("x.sh", "echo\n", "script-file"),
        ("start.desktop", "[Desktop Entry]\nExec=sh\n", "script-file"),
        ("a.reg", "Windows Registry Editor Version 5.00\n", "script-file"),
        (".bashrc", "echo\n", "script-file"),
        (".Rprofile", "system('x')\n", "script-file"),
        ("Dockerfile", "FROM x\n", "script-file"),
        ("Makefile", "all:\n\techo\n", "script-file"),
        ("requirements.txt", "-f http://packages.example/\n", "dependency-source"),
        ("site.pth", "import os\n", "script-file"),
    ],
)
def test_name_decides(name: str, text: str, rule: str) -> None:
    """Text is judged by its name, and the same text under a name without a meaning is prose."""
    assert rules_of(examined(text.encode(), format=FileFormat.TEXT, path=name)) == {rule}
    assert examined(text.encode(), format=FileFormat.TEXT, path="README") == ()


@pytest.mark.parametrize("name", ["hparams", "model.cfg", "config.txt", "a.toml"])
@pytest.mark.parametrize(
    ("text", "twin"),
    [
        ("a: !!python/name:os.system\n", "a: ! python/name:os.system\n"),
        ("\ufeff!!python/name:os.system\n", "\ufeff! python/name:os.system\n"),
        ("- !!p%79thon/object/apply:os.system []\n", "- !!p%79th%20on/x:os.system []\n"),
        ("a: [!<tag:yaml.org,2002:python/name:os.system>]\n", "a: [!<tag:yaml.org,2002:str>]\n"),
        ("%TAG !p! tag:x,2002:\n---\na: 1\n", "% TAG !p! tag:x,2002:\n---\na: 1\n"),
        ("a: !apply:os.system [x]\n", "a: !apply os.system [x]\n"),
    ],
)
def test_tags_make_yaml_of_text(name: str, text: str, twin: str) -> None:
    """A tag that has something built is found under any name, and what only looks so is not."""
    found = rules_of(examined(text.encode(), format=FileFormat.TEXT, path=name))
    assert found & {"yaml-python-tag", "config-target"}
    assert examined(twin.encode(), format=FileFormat.TEXT, path=name) == ()


def test_tags_in_a_model_card() -> None:
    """A tag counts in the front matter of a model card, and not where the card speaks of it."""
    tag = "a: !!python/name:os.system\n"
    front = f"---\n{tag}---\n# Model\n"
    prose = f"---\na: 1\n---\n# Model\n{tag}"
    assert rules_of(examined(front.encode(), format=FileFormat.TEXT, path="README.md"))
    assert examined(prose.encode(), format=FileFormat.TEXT, path="README.md") == ()
    assert examined(tag.encode(), format=FileFormat.TEXT, path="README.md") == ()


def test_tags_far_into_a_text() -> None:
    """A tag is found wherever it stands in a large text."""
    text = b"word 0.1 0.2\n" * 200_000 + b"a: !!python/name:os.system\n"
    assert rules_of(examined(text, format=FileFormat.TEXT, path="x.txt")) == {"yaml-python-tag"}
    assert examined(text[:-27], format=FileFormat.TEXT, path="x.txt") == ()


@pytest.mark.parametrize(
    ("name", "grave"), [("Dockerfile", False), ("build.dockerfile", False), ("run.bat", True)]
)
def test_what_only_runs_on_request_is_less_grave(name: str, grave: bool) -> None:
    """A recipe for a builder is of low gravity, a script that a double click runs of medium."""
    (finding,) = examined(b"x\n", format=FileFormat.TEXT, path=name)
    assert isinstance(finding, Finding)
    assert finding.severity is (Severity.MEDIUM if grave else Severity.LOW)


class _Huge:
    """A source that claims a size; reading it returns zeros."""

    def __init__(self, size: int) -> None:
        self.size = size

    def read_at(self, offset: int, length: int, /) -> bytes:
        """Return zeros, few of them: nobody may read the whole."""
        assert length < MAX_TEXT_BYTES
        return bytes(min(length, max(self.size - offset, 0)))


@pytest.mark.parametrize("file_format", [FileFormat.JSON, FileFormat.YAML, FileFormat.LFS_POINTER])
def test_too_large(file_format: FileFormat) -> None:
    """Text beyond the limit is a gap, and is not read."""
    (gap,) = [
        item
        for item in examine(Subject(path="x", format=file_format, source=_Huge(MAX_TEXT_BYTES + 1)))
        if isinstance(item, Gap) and item.code is not Code.SCAN_UNSUPPORTED
    ]
    assert gap.code is Code.SCAN_LIMIT


@pytest.mark.parametrize(
    ("text", "twin"),
    [
        ('? "_target_"\n# c\n: os.system\n', '? "target"\n# c\n: os.system\n'),
        ("? |-\n  _target_\n: os.system\n", "? |-\n  a _target_ of ours\n: os.system\n"),
        ("x: &k _target_\n*k : os.system\n", "x: the _target_\nk : os.system\n"),
        ("? _target_ # c\n: os.system\n", "# a _target_ as such\nk: os.system\n"),
    ],
)
def test_keys_whose_colon_stands_elsewhere_are_keys(text: str, twin: str) -> None:
    """An explicit or anchored key counts like a plain one; the word in a value does not."""
    found = examined(text.encode(), format=FileFormat.YAML, path="c.yaml")
    assert rules_of(found) == {"config-target"}
    assert examined(twin.encode(), format=FileFormat.YAML, path="c.yaml") == ()


def test_tags_without_an_end_are_read_once() -> None:
    """Tags in angle brackets that never close cost no more than their own length each."""
    text = "- !<,!<," * 200_000 + "\n- !!python/name:os.system\n"
    assert rules_of(examined(text.encode(), format=FileFormat.YAML, path="c.yaml")) == {
        "yaml-python-tag"
    }
