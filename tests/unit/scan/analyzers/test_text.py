"""Text is read as what its name would have it taken for, and under a bound."""

import pytest

from support.scanning import examined, rules_of
from weighbridge.core.artifact import FileFormat
from weighbridge.core.codes import Code
from weighbridge.core.evidence import Gap
from weighbridge.core.limits import MAX_TEXT_BYTES
from weighbridge.scan.examination import examine
from weighbridge.scan.interface import Subject


@pytest.mark.parametrize(
    ("name", "text", "rule"),
    [
        ("config.yaml", "a: !!python/name:os.system\n", "yaml-python-tag"),
        ("MLmodel", "loader_module: evil\n", "config-target"),
        ("config.json", '{"auto_map": "x.Y"}', "remote-code-auto-map"),
        ("config.JSON", "{", "scan-malformed"),
        ("x.py", "x = 1\n", "remote-code-python-file"),
        ("chat_template.jinja", "{{ x.__class__ }}", "chat-template"),
        ("x.sh", "echo\n", "script-file"),
    ],
)
def test_name_decides(name: str, text: str, rule: str) -> None:
    """Text is judged by its name, and the same text under a name without a meaning is prose."""
    assert rules_of(examined(text.encode(), format=FileFormat.TEXT, path=name)) == {rule}
    assert examined(text.encode(), format=FileFormat.TEXT, path="README") == ()


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
