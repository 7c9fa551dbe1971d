"""Rule `yolo-expression`, and the scripts of Ultralytics' data sets."""

import pytest

from support.rule_vectors import assert_vector_holds
from support.scanning import examined, rules_of
from weighbridge.core.artifact import FileFormat as F
from weighbridge.core.evidence import Finding

RULE = "yolo-expression"
ROWS = (
    "backbone:\n  - [-1, 1, Conv, [64, 3, 2]] # 0-P1/2 (half)\nhead:\n  - [[0], 1, Detect, [nc]]\n"
)


def test_vector() -> None:
    """A call where a class belongs is found, the name of a class is not."""
    assert_vector_holds(RULE)


def rules(text: str) -> set[str]:
    """Return what the scan says of *text*."""
    return rules_of(examined(text.encode(), format=F.YAML, path="model.yaml"))


@pytest.mark.parametrize(
    "text",
    [
        ROWS + "  - [-1, 1, f(), []]\n",
        ROWS + "  - [-1, 1, Conv, [64, 'f()']]\n",
        ROWS + "  - - -1\n    - 1\n    - f()\n    - []\n",
        ROWS + "  - [-1, 1, 'a#b()', []]\n",
        ROWS + '  - [-1, 1, "f\\x28)", []]\n',
        ROWS + "  - [-1, 1, a.__class__, []]\n",
        "activation: f()\n" + ROWS,
        "activation: nn.ReLU(f())\n" + ROWS,
        "activation: 'nn.ReLU() or f()'\n" + ROWS,
        "act: nn.__class__()\n" + ROWS,
    ],
)
def test_expressions(text: str) -> None:
    """Calls and hidden names are found in classes, arguments and activations."""
    assert rules(text) == {RULE}


@pytest.mark.parametrize(
    "text",
    [
        ROWS,
        "# f()\nactivation: nn.ReLU()\n" + ROWS,
        "activation: torch.nn.LeakyReLU(0.1)\n" + ROWS,
        "activation: nn.LeakyReLU(negative_slope=0.1)\n" + ROWS,
        ROWS + '  - [-1, 1, nn.Upsample, [None, 2, "nearest"]]\n',
        "activation: f()\nlayers: 3\n",
        "name: x (large)\n",
    ],
)
def test_descriptions(text: str) -> None:
    """Names, numbers, comments and layers of torch pass, and so do files of other kinds."""
    assert rules(text) == set()


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        (
            "|\n  import os\n  os.system('true')\n",
            {"remote-code-python-file", "python-dangerous-call"},
        ),
        ("|\n  x = 1\n", {"remote-code-python-file"}),
        ("bash data/get.sh\n", {"script-file"}),
        ("https://example.com/coco.zip\n", set()),
        ("null\n", set()),
        ("\n", set()),
    ],
)
def test_downloads(script: str, expected: set[str]) -> None:
    """What a data set would execute is examined as Python or a script; an address is neither."""
    assert rules(f"train: images\nnames:\n  0: a\ndownload: {script}") == expected
    assert rules(f"other: images\ndownload: {script}") == set()


def test_the_line_is_told() -> None:
    """A finding in text says on which line it stands, in Python and in settings of YAML, too."""
    model = examined((ROWS + "  - [-1, 1, f(), []]\n").encode(), format=F.YAML, path="m.yaml")
    setting = examined(b"a: 1\nb:\n  _target_: os.system\n", format=F.YAML, path="m.yaml")
    source = examined(b"import os\n\nos.system('true')\n", format=F.PYTHON_SOURCE, path="m.py")
    lines = {e.rule: e.line for e in (*model, *setting, *source) if isinstance(e, Finding)}
    assert lines[RULE] == 5
    assert lines["config-target"] == 3
    assert lines["python-dangerous-call"] == 3
