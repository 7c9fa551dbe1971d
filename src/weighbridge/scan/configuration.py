"""
What a configuration file can say that makes a framework run, fetch or open something.

The analyzers of JSON and YAML find these settings by their keys, wherever they stand: a
framework merges nested configurations, and a name on the file promises nothing about who
reads it. Rules judge the values.
"""

import re
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Final

from weighbridge.core.values import frozen
from weighbridge.formats.json import JsonValue
from weighbridge.formats.json.parts import Wanted
from weighbridge.scan.interface import Facts, Subject
from weighbridge.scan.templates import TemplateFacts, template_facts


@frozen
class SettingFacts(Facts):
    """
    One key of a configuration, with its value.

    Attributes:
        where: The keys and indexes that lead to it, joined by `/`.
        key: The key itself.
        value: What it is set to, as the file has it.
    """

    where: str
    key: str
    value: JsonValue


class AutoMapFacts(SettingFacts):
    """Names Python code that a framework imports when remote code is trusted."""

    __slots__ = ()


class TrustFacts(SettingFacts):
    """Asks the framework to run code of the repository."""

    __slots__ = ()


class TargetFacts(SettingFacts):
    """Names a Python object that a configuration system imports and calls."""

    __slots__ = ()


class AttentionFacts(SettingFacts):
    """Names the implementation of attention."""

    __slots__ = ()


class BaseModelFacts(SettingFacts):
    """Names the model that an adapter applies to."""

    __slots__ = ()


class ShardMapFacts(SettingFacts):
    """Says in which file each tensor is."""

    __slots__ = ()


class ModuleTypeFacts(SettingFacts):
    """Names the class of one module of a sentence-transformers model."""

    __slots__ = ()


class ModulePathFacts(SettingFacts):
    """Says where one module of a sentence-transformers model lies."""

    __slots__ = ()


class ComponentFacts(SettingFacts):
    """Names the library and the class of one component of a diffusers pipeline."""

    __slots__ = ()


class LoadedCodeFacts(SettingFacts):
    """Names files of the model that MLflow imports, runs or unpickles as code when it loads it."""

    __slots__ = ()


class ImportFacts(SettingFacts):
    """Names modules, or a folder of them, that a framework imports when the file is used."""

    __slots__ = ()


class ObjectFacts(SettingFacts):
    """Describes a Python object that a JSON library rebuilds (jsonpickle)."""

    __slots__ = ()


_BY_KEY: Final[dict[str, type[SettingFacts]]] = {
    "auto_map": AutoMapFacts,
    "custom_pipelines": AutoMapFacts,
    "custom_pipeline": AutoMapFacts,
    "custom_generate": AutoMapFacts,
    "trust_remote_code": TrustFacts,
    "_target_": TargetFacts,
    "loader_module": TargetFacts,
    "_instantiator": TargetFacts,
    "parent_library": TargetFacts,
    "model_code_path": LoadedCodeFacts,
    "code_paths": LoadedCodeFacts,
    "custom_imports": ImportFacts,
    "megatron_core": ImportFacts,
    "plugin_dir": ImportFacts,
    "user_dir": ImportFacts,
    "_attn_implementation": AttentionFacts,
    "_attn_implementation_internal": AttentionFacts,
    "_attn_implementation_autoset": AttentionFacts,
    "attn_implementation": AttentionFacts,
    "_experts_implementation": AttentionFacts,
    "_experts_implementation_internal": AttentionFacts,
    "experts_implementation": AttentionFacts,
    "kernel_mapping": AttentionFacts,
    "base_model_name_or_path": BaseModelFacts,
    "type_hint": ComponentFacts,
    "weight_map": ShardMapFacts,
    "py/object": ObjectFacts,
    "py/reduce": ObjectFacts,
    "py/function": ObjectFacts,
    "py/type": ObjectFacts,
    "py/module": ObjectFacts,
    "py/newargs": ObjectFacts,
    "py/newargsex": ObjectFacts,
    "py/initargs": ObjectFacts,
    "py/repr": ObjectFacts,
    "py/method": ObjectFacts,
    "py/iterator": ObjectFacts,
}

PICKLED_MODEL: Final = "python_model"
"""Key in MLmodel: the file of a class of the author's own, written by cloudpickle with its code."""

DOTTED_KEYS: Final = frozenset(
    {
        "_class_path",
        "_component_",
        "activation_fn",
        "activation_function",
        "class_path",
        "sbert_ce_default_activation_function",
    }
)
"""Keys whose value is the path of an object to import where it has a dot, and a word where not."""

_MODEL_ARGUMENTS: Final = frozenset({"params", "init_args", "parameters"})
CONTEXT_KEYS: Final[Mapping[str, frozenset[str]]] = MappingProxyType(
    {
        "implementation": _MODEL_ARGUMENTS | {"name"},  # MLServer
        "target": _MODEL_ARGUMENTS,
        "type": frozenset({"init_parameters"}),
    }
)
"""Words that mean an object to import where one of these, its arguments, stands beside them."""
_DOTTED: Final = re.compile(r"[^\W\d]\w*(?:\.[^\W\d]\w*)+")

_NAMED: Final[dict[str, type[SettingFacts]]] = {
    **_BY_KEY,
    **dict.fromkeys((*DOTTED_KEYS, *CONTEXT_KEYS), TargetFacts),
}
_KEY_CHARS: Final = 64
_TEMPLATE_KEYS: Final = frozenset(
    {
        "chat_template",
        "chat_templates",
        "custom_chat_template",
        "default_chat_template",
        "tool_chat_template",
    }
)
_JINJA: Final = "jinja2"

WANTED: Final = Wanted(
    keys=frozenset(_BY_KEY)
    | DOTTED_KEYS
    | frozenset(CONTEXT_KEYS)
    | _TEMPLATE_KEYS
    | {
        "#",
        "_class_name",
        "_diffusers_version",
        "base_code",
        "codecs",
        "compressor",
        "filters",
        "idx",
        "lc",
        "path",
        "template_format",
        "types",
        "zarr_consolidated_format",
        "zarr_format",
    },
    arrays_on_top=True,
)
"""What of a large document `settings_in` looks at, beside the components of a pipeline on top."""


def setting_facts(
    subject: Subject, key: str, value: JsonValue, *, where: str, line: int | None = None
) -> SettingFacts:
    """
    Return the facts for a setting found outside JSON.

    Raises:
        KeyError: *key* is not one that any rule looks at.
    """
    return _NAMED[key](subject=subject, where=where, key=key, value=value, line=line)


def is_dotted(value: JsonValue) -> bool:
    """Tell whether *value* is the path of an object in a module, or another that hides one."""
    return isinstance(value, str) and _DOTTED.fullmatch(value.strip()) is not None


def known_keys() -> frozenset[str]:
    """Return the keys that some rule looks at, wherever they stand."""
    return frozenset(_NAMED)


def settings_in(subject: Subject, document: JsonValue) -> Iterator[SettingFacts | TemplateFacts]:
    """
    Yield the settings of *document* that can make a framework do something.

    Visits every object and array without recursion; the caller has bounded the document.
    """
    if subject.name == "model_index.json" or _is_pipeline(subject, document):
        yield from _components(subject, document)
    if isinstance(document, list):
        yield from _module_types(subject, document)
    for where, members in objects_in(document):
        subject.check_time()
        yield from _settings_of(subject, where, members)


def objects_in(document: JsonValue) -> Iterator[tuple[tuple[str, ...], dict[str, JsonValue]]]:
    """
    Yield every object of *document* with the keys and indexes that lead to it.

    Keeps one iterator for each level and no path for what it does not yield: a hostile document
    has millions of containers under long keys.
    """
    keys: list[str] = []
    levels = [_containers_of([document])]
    while levels:
        key, value = next(levels[-1], ("", None))
        if value is None:
            levels.pop()
            del keys[-1:]
            continue
        keys.append(key)
        if isinstance(value, dict):
            yield tuple(keys[1:]), value
        levels.append(_containers_of(value))


_Container = list[JsonValue] | dict[str, JsonValue]


def _containers_of(value: _Container) -> Iterator[tuple[str, _Container | None]]:
    """Yield the arrays and objects right below *value*."""
    pairs = value.items() if isinstance(value, dict) else enumerate(value)
    for key, item in pairs:
        if isinstance(item, dict | list):
            yield str(key), item


def _settings_of(
    subject: Subject, parents: tuple[str, ...], members: dict[str, JsonValue]
) -> Iterator[SettingFacts | TemplateFacts]:
    """Yield the settings among the keys of one object."""
    for key in sorted(members.keys() & _NAMED.keys()):
        if _counts(key, members):
            yield setting_facts(subject, key, members[key], where=_path(parents, key))
    yield from _routed_types(subject, parents, members)
    yield from _constructed(subject, parents, members)
    if members.get("template_format") == _JINJA:
        for text in _strings_in(members.get("template")):
            yield template_facts(subject, text, where=_path(parents, "template"))
    for key in sorted(members.keys() & _TEMPLATE_KEYS):
        for text in _strings_in(members[key]):
            yield template_facts(subject, text, where=_path(parents, key))


def _counts(key: str, members: dict[str, JsonValue]) -> bool:
    """Tell whether a key means what it means to a framework, by its value and what is beside it."""
    if key in DOTTED_KEYS:
        return is_dotted(members[key])
    if key in CONTEXT_KEYS:
        return is_dotted(members[key]) and not CONTEXT_KEYS[key].isdisjoint(members)
    return True


def _routed_types(
    subject: Subject, parents: tuple[str, ...], members: dict[str, JsonValue]
) -> Iterator[SettingFacts]:
    """
    Yield the classes to which a sentence-transformers router sends its inputs, and their folders.

    The name of each is the folder that it is loaded from (sentence_transformers, Router.load).
    """
    types = members.get("types")
    if not isinstance(types, dict) or "structure" not in members:
        return
    for name, value in types.items():
        where = _path((*parents, "types"), name)
        yield ModuleTypeFacts(subject=subject, where=where, key="types", value=value)
        folders = _path(parents, "types")
        yield ModulePathFacts(subject=subject, where=folders, key="types", value=name)


def _constructed(
    subject: Subject, parents: tuple[str, ...], members: dict[str, JsonValue]
) -> Iterator[SettingFacts]:
    """Yield the class that LangChain makes of an object that it has serialized."""
    if "lc" in members and members.get("type") == "constructor":
        names = members.get("id")
        parts = names if isinstance(names, list) else [names]
        value = ".".join(str(part) for part in parts)
        where = _path(parents, "id")
        yield TargetFacts(subject=subject, where=where, key="lc", value=value)


def _path(parents: tuple[str, ...], key: str) -> str:
    """Return how to find *key*, long keys shortened."""
    return "".join(f"/{each[:_KEY_CHARS]}" for each in (*parents, key))


def _strings_in(value: JsonValue) -> Iterator[str]:
    """Yield every text of *value*: templates come alone, as lines, and by name in lists."""
    rest = [value]
    while rest:
        match rest.pop():
            case str() as text:
                yield text
            case list() as items:
                # Some servers take a template as a list of its lines.
                lines = [item for item in items if isinstance(item, str)]
                if lines:
                    yield "\n".join(lines)
                rest.extend(item for item in items if not isinstance(item, str))
            case dict() as members:
                rest.extend(members.values())
            case _:
                continue


def _is_pipeline(subject: Subject, document: JsonValue) -> bool:
    """
    Tell whether *document* has the shape of a diffusers `model_index.json`.

    So has the configuration of a part of a pipeline, which lists names of blocks; diffusers reads
    no component from a file of that name.
    """
    if not isinstance(document, dict) or "_diffusers_version" not in document:
        return False
    name = document.get("_class_name")
    part = isinstance(name, str) and name.isidentifier() and not name.endswith("Pipeline")
    return not (part and subject.name == "config.json")


def _components(subject: Subject, document: JsonValue) -> Iterator[SettingFacts]:
    """Yield the components of a diffusers pipeline: pairs of a library and a class."""
    if not isinstance(document, dict):
        return
    for key, value in document.items():
        if key == "_class_name" or (isinstance(value, list) and not key.startswith("_")):
            yield ComponentFacts(subject=subject, where=f"/{key}", key=key, value=value)


def _module_types(subject: Subject, document: list[JsonValue]) -> Iterator[SettingFacts]:
    """Yield the classes of a sentence-transformers `modules.json`, and where they lie."""
    for index, item in enumerate(document):
        if isinstance(item, dict) and "type" in item and ("path" in item or "idx" in item):
            where = f"/{index}/type"
            yield ModuleTypeFacts(subject=subject, where=where, key="type", value=item["type"])
            path = f"/{index}/path"
            yield ModulePathFacts(subject=subject, where=path, key="path", value=item.get("path"))
