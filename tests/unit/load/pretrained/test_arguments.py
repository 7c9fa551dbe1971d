"""What a program, or a model's own configuration, may tell a library besides."""

import pytest

from weighbridge.core.errors import UsageError
from weighbridge.load.pretrained.arguments import find_unsafe, folder_of, require_safe


def refusals(**arguments: object) -> list[str]:
    """Return the names of what is refused."""
    return [name for name, _ in find_unsafe(arguments)]


@pytest.mark.parametrize("value", [0, 1, "False", "true", [], None])
def test_only_the_value_itself_is_taken(value: object) -> None:
    """A fixed argument has exactly its value, and not another that Python takes for the same."""
    expected = [] if value is None else ["weights_only", "trust_remote_code"]
    assert refusals(weights_only=value, trust_remote_code=value) == expected
    assert refusals(weights_only=True, trust_remote_code=False) == []


def test_nested_arguments_are_looked_at() -> None:
    """Arguments within arguments are found, however deep, by dotted names."""
    nested = {"model_kwargs": {"config_kwargs": {"revision": "main", "fine": 1}}}
    assert refusals(a_kwargs=nested) == ["a_kwargs.model_kwargs.config_kwargs.revision"]
    assert refusals(quantization={"revision": "main"}) == []


@pytest.mark.parametrize("value", ["auto", {"": 0}, {"a": "cpu"}])
def test_devices_but_no_disk(value: object) -> None:
    """Models may be placed on devices, and not on the disk, where they would be read later."""
    assert refusals(device_map=value) == []
    assert refusals(device_map={"x": value, "y": "disk"}) == ["device_map"]


def test_objects_are_taken_and_names_are_not() -> None:
    """A tokenizer may be an object."""
    assert refusals(tokenizer=object(), config=object()) == []
    assert refusals(tokenizer="other/repo", config=b"x") == ["tokenizer"]


@pytest.mark.parametrize("variant", ["fp16", "ema-only", "non_ema", "bf16.x"])
def test_variants(variant: str) -> None:
    """A variant is a word in a file's name."""
    assert refusals(variant=variant) == []
    for other in (f"../{variant}", f"{variant}/x", "", f"{variant}.", 1):
        assert refusals(variant=other) == ["variant"]


@pytest.mark.parametrize("folder", ["unet", "a/b", "a.b/c-d"])
def test_folders(folder: str) -> None:
    """A folder is a path within the artifact."""
    assert folder_of({"subfolder": folder}) == folder
    for other in (
        f"/{folder}",
        f"{folder}/",
        f"{folder}/../..",
        f"./{folder}",
        f"{folder}\0",
        "a\\b",
    ):
        with pytest.raises(UsageError, match="subfolder"):
            folder_of({"subfolder": other})
    assert folder_of({}) == folder_of({"subfolder": None}) == ""


def test_code_runs_where_it_is_pinned() -> None:
    """Code may be trusted where files are pinned and the library is given them, else never."""
    require_safe({"trust_remote_code": True}, code=frozenset({"a.py"}), library="x")
    for code in (frozenset[str](), None):
        with pytest.raises(UsageError, match="trust_remote_code"):
            require_safe({"trust_remote_code": True}, code=code, library="x")
    for value in (1, "yes"):
        with pytest.raises(UsageError, match="trust_remote_code"):
            require_safe({"trust_remote_code": value}, code=frozenset({"a.py"}), library="x")
