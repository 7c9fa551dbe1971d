"""Which library is meant, and what is said where it is not installed."""

import json
import os
import subprocess
import sys
from typing import get_args

import pytest

from support.holding import admit
from support.signed_model import safetensors_file
from weighbridge.core.errors import ArtifactRefusedError, MissingExtraError, UsageError
from weighbridge.load.pretrained.libraries import LIBRARIES, Library

FILES = {"config.json": b"{}", "model.safetensors": safetensors_file(a=[1.0])}
MODULES = {
    "diffusers": "diffusers",
    "peft": "peft",
    "sentence-transformers": "sentence_transformers",
    "transformers": "transformers",
}


def test_the_names_are_the_type() -> None:
    """Every library that the type names can be asked for, and no other."""
    assert set(get_args(Library)) == LIBRARIES == MODULES.keys()


@pytest.mark.parametrize("kind", sorted(LIBRARIES))
def test_a_missing_library_is_named_with_its_command(
    kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without the library the error has the exact command to install it."""
    monkeypatch.setitem(sys.modules, MODULES[kind], None)
    with pytest.raises(MissingExtraError, match=rf"pip install 'weighbridge\[{kind}\]'"):
        admit(FILES).pretrained(kind)


@pytest.mark.parametrize(
    "options", [{"file": "config.json"}, {"providers": ["x"]}, {"trusted": ["x"]}], ids=str
)
def test_whole_artifacts_have_no_options(options: dict[str, object]) -> None:
    """What chooses a file, or is for another kind, is refused by its name."""
    with pytest.raises(UsageError, match=next(iter(options))):
        admit(FILES).as_("transformers", **options)  # type: ignore[call-overload]


def test_a_base_is_for_adapters() -> None:
    """A base is taken for an adapter only, which has to be one."""
    with pytest.raises(UsageError, match="has no base"):
        admit(FILES).as_("transformers", base=admit(FILES))
    with pytest.raises(ArtifactRefusedError, match="no configuration of an adapter"):
        admit(FILES).as_("peft", base=admit(FILES))
    adapter = json.dumps({"peft_type": "XLORA"}).encode()
    with pytest.raises(ArtifactRefusedError, match="XLORA"):
        admit(FILES | {"adapter_config.json": adapter}).as_("peft", base=admit(FILES))


def test_another_library_is_refused() -> None:
    """A library that nobody knows cannot be asked for."""
    with pytest.raises(UsageError, match="no such library"):
        admit(FILES).pretrained("timm")


def test_arguments_are_looked_at_first() -> None:
    """An argument that would loosen the load is refused before anything is imported."""
    with pytest.raises(UsageError, match="cache_dir"):
        admit(FILES).pretrained("transformers", None, cache_dir="x")


def test_drop_ins_import_nothing() -> None:
    """Importing the drop-ins imports no library, and unknown names are no attributes."""
    code = (
        "import sys\n"
        "from weighbridge.integrations.transformers import AutoModel, pipeline, from_pretrained\n"
        "from weighbridge.integrations.sentence_transformers import SentenceTransformer\n"
        "from weighbridge.integrations.diffusers import DiffusionPipeline\n"
        "from weighbridge.integrations.peft import PeftModel\n"
        "import weighbridge.integrations.transformers as module\n"
        "assert not hasattr(module, 'logging') and not hasattr(module, '__path__')\n"
        "print(AutoModel, SentenceTransformer, DiffusionPipeline, PeftModel)\n"
        "print(sorted({'torch', 'transformers', 'diffusers', 'numpy'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONWARNINGS": ""},
    )
    names, loaded = done.stdout.splitlines()
    assert "<verified transformers: AutoModel>" in names
    assert "<verified peft: PeftModel>" in names
    assert loaded == "[]"
