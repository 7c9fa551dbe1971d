"""
What the JSON files of a model say of where to read and what to import, before a library reads them.

Everything in them is a claim by whoever made the model. A library takes from them names of files,
of classes and of functions, and keyword arguments for its own calls.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Final, TypeAlias

from weighbridge.core.codes import Code
from weighbridge.core.errors import ArtifactRefusedError, LimitExceededError, MalformedContentError
from weighbridge.core.limits.documents import MAX_CONFIG_BYTES
from weighbridge.load.held import HeldFile
from weighbridge.load.pretrained.arguments import KERNEL_ARGUMENTS, find_unsafe

Document: TypeAlias = object
Objection: TypeAlias = tuple[str, str]
"""What is wrong, and with what."""

ADAPTER: Final = "adapter_config.json"

_SUFFIX: Final = ".json"
_VOCABULARIES: Final = frozenset(
    {"added_tokens.json", "tokenizer.json", "vocab.json", "tekken.json"}
)
"""Files that have names of tokens, and of nothing else."""

_ARGUMENTS: Final = frozenset(
    {
        "config_args",
        "config_kwargs",
        "model_args",
        "model_kwargs",
        "processor_args",
        "processor_kwargs",
        "tokenizer_args",
        "tokenizer_kwargs",
    }
)
"""Keys under which configurations of sentence-transformers have arguments of its calls."""

_ACTIVATIONS: Final = frozenset(
    {
        "activation_fn",
        "activation_function",
        "default_activation_function",
        "sbert_ce_default_activation_function",
    }
)
"""Keys under which sentence-transformers imports what a dotted name says."""

_SCHEMES: Final = ("hf-hub:", "hf_hub:", "local-dir:")

_ACTIVATION: Final = re.compile(r"torch\.nn\.(modules\.)?([a-z]+\.)?[A-Z][A-Za-z0-9]*")


def read_configs(shown: Mapping[str, HeldFile]) -> dict[str, Document]:
    """
    Return the parsed JSON files among *shown*, but for vocabularies, by path.

    Raises:
        MalformedContentError: One is no JSON text in UTF-8.
        LimitExceededError: One is too large.
    """
    return {
        path: _parse(held, where=path)
        for path, held in shown.items()
        if path.endswith(_SUFFIX) and _base(path) not in _VOCABULARIES
    }


def _parse(held: HeldFile, *, where: str) -> Document:
    if held.size > MAX_CONFIG_BYTES:
        raise LimitExceededError(
            "the configuration is too large",
            where=where,
            expected=f"at most {MAX_CONFIG_BYTES} bytes",
            found=f"{held.size}",
        )
    try:
        # The libraries use this very parser, so that both read the same.
        document: Document = json.loads(held.read().decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise MalformedContentError(
            "the configuration cannot be read",
            code=Code.LOAD_MALFORMED,
            where=where,
            expected="JSON in UTF-8",
            found=str(error)[:200],
        ) from error
    return document


def require_contained(
    documents: Mapping[str, Document], shown: Mapping[str, HeldFile], *, adapter: bool
) -> None:
    """
    Refuse configurations that lead a library out of *shown*, or to code.

    Args:
        documents: As `read_configs` gives them.
        shown: The files that the library sees.
        adapter: Whether an adapter is loaded; anywhere else, one would replace the model by
            another that it names.

    Raises:
        ArtifactRefusedError: One does; it is named.
    """
    for path, document in documents.items():
        if _base(path) == ADAPTER and not adapter:
            raise refused(path, "an adapter, which names a base model", hint="Load it as 'peft'")
        for key, value in walk(document):
            for what, found in _CHECKS.get(key, _elsewhere)(key, value):
                raise refused(path, f"{what}: {found}")
        for what, found in _find_outside(path, document, shown):
            raise refused(path, f"{what}: {found}")


def refused(where: str, found: str, *, hint: str | None = None) -> ArtifactRefusedError:
    """Build the error for a configuration that leads elsewhere."""
    return ArtifactRefusedError(
        "the configuration leads the library to what was not verified",
        code=Code.LOAD_REFUSED,
        where=where,
        found=found[:400],
        hint=hint
        or "Ask the publisher for a model that is complete, or use path() and read it yourself",
    )


def is_inside(name: str) -> bool:
    """Tell whether *name* is a relative path that leads nowhere else."""
    parts = name.split("/")
    return "\\" not in name and "\0" not in name and not any(p in {"", ".", ".."} for p in parts)


def _elsewhere(key: str, value: Document) -> Iterator[Objection]:
    """Yield names by which timm, the library of many backbones, loads a model from elsewhere."""
    if isinstance(value, str) and value.startswith(_SCHEMES):
        yield f"a model elsewhere, as {key}", value


def _kernels(key: str, value: Document) -> Iterator[Objection]:
    for what, _ in find_unsafe({key: value}):
        yield "compiled code on a hub", f"{what} = {value}"


def _arguments(key: str, value: Document) -> Iterator[Objection]:
    if isinstance(value, Mapping):
        for name, why in find_unsafe({str(name): each for name, each in value.items()}):
            yield f"the argument {key}.{name}", why


def _activation(key: str, value: Document) -> Iterator[Objection]:
    if isinstance(value, str) and "." in value and not _ACTIVATION.fullmatch(value):
        yield f"{key} names something to import", value


_CHECKS: Final[dict[str, Callable[[str, Document], Iterator[Objection]]]] = {
    **dict.fromkeys(KERNEL_ARGUMENTS, _kernels),
    **dict.fromkeys(_ARGUMENTS, _arguments),
    **dict.fromkeys(_ACTIVATIONS, _activation),
}


def _find_outside(
    path: str, document: Document, shown: Mapping[str, HeldFile]
) -> Iterator[Objection]:
    """Yield names of files that are not among *shown*, in the places where files are named."""
    if not isinstance(document, Mapping):
        return
    folder = path.rpartition("/")[0]
    weights = document.get("weight_map")
    names = list(weights.values()) if isinstance(weights, Mapping) else []
    for name in sorted(set(map(str, names))):
        target = f"{folder}/{name}" if folder else name
        if not is_inside(name) or (target not in shown and _is_loaded(path)):
            yield "a file of weights", name
    explicit = document.get("transformers_weights")
    if explicit and (f"{folder}/{explicit}" if folder else explicit) not in shown:
        yield "a file of weights", str(explicit)
    if _base(path) == "tokenizer_config.json":
        yield from _find_tokenizer_files(folder, document, shown)


def _is_loaded(path: str) -> bool:
    """Tell whether an index is one of safetensors files: checkpoints may be hidden."""
    return path.endswith(".safetensors.index.json")


def _find_tokenizer_files(
    folder: str, document: Mapping[str, Document], shown: Mapping[str, HeldFile]
) -> Iterator[Objection]:
    """
    Yield files that a tokenizer's configuration names and the artifact lacks.

    Publishers' own paths are common there. transformers reads the file of that name in the
    artifact instead; without one, some releases read the path.
    """
    for key, value in document.items():
        if key.endswith("_file") and isinstance(value, str):
            base = value.replace("\\", "/").rpartition("/")[2]
            if not is_inside(value) and (f"{folder}/{base}" if folder else base) not in shown:
                yield key, value


def walk(document: Document) -> Iterator[tuple[str, Document]]:
    """Yield every key with its value, however deep."""
    pending: list[Document] = [document]
    while pending:
        value = pending.pop()
        if isinstance(value, Mapping):
            for key, each in value.items():
                yield str(key), each
                pending.append(each)
        elif isinstance(value, list):
            pending.extend(value)


def _base(path: str) -> str:
    return path.rpartition("/")[2]
