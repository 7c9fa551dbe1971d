"""
What a program may tell a library besides, and what would let it read or run something else.

The same holds for arguments that a model brings along in its own configuration.
"""

import re
from collections.abc import Iterator, Mapping
from os import PathLike
from types import MappingProxyType
from typing import Final

from weighbridge.core.errors import UsageError

_FIXED: Final[Mapping[str, bool]] = MappingProxyType(
    {
        "local_files_only": True,
        "weights_only": True,
        "force_download": False,
        "from_flax": False,
        "from_tf": False,
        "load_connected_pipeline": False,
        "resume_download": False,
        "trust_remote_code": False,
        "use_flashpack": False,
        "use_kernels": False,
        "allow_all_kernels": False,
        "use_onnx": False,
    }
)
"""Arguments that can only have the value they have here."""

_REFUSED: Final = frozenset(
    {
        "_adapter_model_path",
        "adapter_kwargs",
        "cache_dir",
        "cache_folder",
        "code_revision",
        "custom_pipeline",
        "custom_revision",
        "gguf_file",
        "import_allowlist",
        "kernel_config",
        "mirror",
        "offload_folder",
        "pipeline_class",
        "proxies",
        "provider",
        "revision",
        "state_dict",
        "token",
        "use_auth_token",
    }
)
"""Arguments that name another place to read from, or somebody else's bytes."""

_OBJECTS: Final = frozenset(
    {
        "config",
        "feature_extractor",
        "image_processor",
        "model",
        "processor",
        "tokenizer",
        "video_processor",
    }
)
"""Arguments that may be an object, and would be read from a path or a hub if they were a name."""

KERNEL_ARGUMENTS: Final = frozenset(
    {
        "_attn_implementation",
        "_attn_implementation_internal",
        "_experts_implementation",
        "_experts_implementation_internal",
        "attn_implementation",
        "experts_implementation",
    }
)
"""Arguments that name compiled code on a hub where they have a slash."""

_NESTED: Final = ("_kwargs", "_args")
_VARIANT: Final = re.compile(r"[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*")


def require_safe(
    arguments: Mapping[str, object], *, code: frozenset[str] | None, library: str
) -> None:
    """
    Refuse arguments by which *library* would read or run something that was not verified.

    Args:
        arguments: What the program says.
        code: Source files that the rule pins, where the library can be given them; else None.
        library: For the message.

    Raises:
        UsageError: One of them would; it is named.
    """
    if arguments.get("trust_remote_code") and not code:
        raise UsageError(
            "code of a model runs only where the policy's rule pins it by its digest",
            where="trust_remote_code",
            expected=_needed(code),
            found="none" if code is not None else library,
            hint="Read the code, and say remote-code = 'pinned' and remote-code-digests in the rule"
            if code is not None
            else "Say nothing of it",
        )
    rest = {
        name: value
        for name, value in arguments.items()
        if not (name == "trust_remote_code" and value is True)
    }
    for name, why in find_unsafe(rest):
        raise UsageError(
            f"the argument {name} is not for a verified load: {why}",
            where=library,
            hint="Leave it out; the files come from the artifact, and from nowhere else",
        )


def _needed(code: frozenset[str] | None) -> str:
    if code is None:
        return "a library that is handed verified code: transformers"
    return "source files whose digests are in the rule's remote-code-digests"


def find_unsafe(arguments: Mapping[str, object]) -> Iterator[tuple[str, str]]:
    """Yield each of *arguments* that would loosen a load, and why; nested ones by dotted names."""
    for name, value in arguments.items():
        why = _objection(name, value)
        if why is not None:
            yield name, why
        elif name.endswith(_NESTED) and isinstance(value, Mapping):
            nested = {str(key): each for key, each in value.items()}
            yield from ((f"{name}.{inner}", reason) for inner, reason in find_unsafe(nested))


def _objection(name: str, value: object) -> str | None:
    if value is None:
        return None
    if name in _FIXED:
        fixed = _FIXED[name]
        return None if value is fixed else f"it is always {fixed}"
    if name in _REFUSED:
        # Libraries take an empty value for none.
        return "it leads to other bytes than those of the artifact" if value else None
    if name in _OBJECTS and isinstance(value, (str, PathLike)):
        return "it would be read from a path or a hub; load it first, and give the object"
    if name in KERNEL_ARGUMENTS and _mentions(value, "/"):
        return "it names compiled code on a hub"
    return _objection_to_value(name, value)


def _objection_to_value(name: str, value: object) -> str | None:
    if name == "device_map" and _mentions(value, "disk"):
        return "files are not kept for reading weights later"
    if name == "backend" and value != "torch":
        return "only the backend torch reads what is verified"
    if name == "variant" and not (isinstance(value, str) and _VARIANT.fullmatch(value)):
        return "it is part of a file's name"
    return None


def _mentions(value: object, text: str) -> bool:
    if isinstance(value, Mapping):
        return any(_mentions(each, text) for each in value.values())
    return isinstance(value, str) and text in value


def folder_of(arguments: Mapping[str, object]) -> str:
    """
    Return the folder within the artifact that *arguments* name, empty for the artifact itself.

    Raises:
        UsageError: It would lead out of the artifact.
    """
    folder = arguments.get("subfolder") or ""
    parts = folder.split("/") if isinstance(folder, str) else [""]
    if folder and any(part in {"", ".", ".."} or "\\" in part or "\0" in part for part in parts):
        raise UsageError(
            "the argument subfolder names no folder of the artifact",
            expected="a relative path such as unet",
            found=str(folder),
        )
    return str(folder)
