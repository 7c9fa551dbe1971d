"""
The objects that a Keras configuration describes, wherever they are nested.

Keras rebuilds every object that has a `class_name`, in layers, wrappers, losses, schedules and
arguments alike, so every object of the document is looked at and none is passed over because
of where it stands.
"""

import json
import re
from collections.abc import Iterator
from typing import Final

from weighbridge.formats.json import JsonValue
from weighbridge.scan.interface import Facts, Subject
from weighbridge.scan.keras import names
from weighbridge.scan.keras.code import decode_code, names_in
from weighbridge.scan.keras.facts import (
    KerasFileFacts,
    KerasLambdaFacts,
    KerasLayerFacts,
    KerasObjectFacts,
    KerasReference,
)

_KEY_CHARS: Final = 64
_SHORTEST_CODE: Final = 60
"""Characters of the base64 of any code object: a function of nothing has 130 bytes."""

_SHOWN_CHARS: Final = 300
_CLASS: Final = "class_name"
_CODE: Final = "__lambda__"
_LAMBDA: Final = "Lambda"
_NAME: Final = re.compile(r"[\w.<>-]*")
"""The name of a function, as Keras writes it; anything else in its place is code as text."""

_FUNCTION: Final = "function"
_TENSORFLOW_CALLS: Final = frozenset({"TFOpLambda", "SlicingOpLambda"})
_FUNCTIONS_OF_LAMBDA: Final = ("function", "output_shape", "mask")
_FILE_KEYS: Final = frozenset({"vocabulary", "idf_weights"})
_ADDRESS: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]{1,15}://")
_MODEL_KEYS: Final = frozenset({"build_config", "compile_config", "module", "registered_name"})
_HOLDERS: Final = ("modelTopology", "model_config", "keras_model")
"""Keys under which converters keep a model: TensorFlow.js, and copies of HDF5 attributes."""

MODEL_KEYS: Final = frozenset({_CLASS, "config", *_HOLDERS, *_MODEL_KEYS})
"""Keys of the objects that lead to what `models_in` and `keras_facts` look at."""

Members = dict[str, JsonValue]


def models_in(document: JsonValue) -> Iterator[JsonValue]:
    """
    Yield the Keras models that a JSON document is, or holds where converters keep them.

    Other programs describe objects by a `class_name`, too; a class of Keras, or one that says
    from which module it comes, is what makes it Keras.
    """
    holders = [document]
    for key in _HOLDERS:
        holders.extend(
            each[key] for each in tuple(holders) if isinstance(each, dict) and key in each
        )
    for each in holders:
        if isinstance(each, dict) and _is_model(each):
            yield each


def _is_model(members: Members) -> bool:
    """Tell whether an object is what `model_from_json` takes."""
    name = members.get(_CLASS)
    if not isinstance(name, str) or "config" not in members:
        return False
    known = names.is_listed_class(name) or name in names.UNSAFE_LAYERS
    special = name in (_LAMBDA, _CODE, _FUNCTION) or name in _TENSORFLOW_CALLS
    return known or special or bool(members.keys() & _MODEL_KEYS)


def keras_facts(subject: Subject, document: JsonValue) -> Iterator[Facts]:
    """
    Yield what the Keras configuration *document* names, holds and opens.

    Visits every object without recursion; the caller has bounded the document.
    """
    held: set[int] = set()  # configurations of code, by identity, that their object has told of
    for where, members in _objects_in(document):
        subject.check_time()
        if isinstance(members.get(_CLASS), str):
            yield from _object_facts(subject, where, members)
            if members[_CLASS] in (_LAMBDA, _CODE):
                held.add(id(members.get("config")))
            if members[_CLASS] == _CODE:
                held.add(id(members))
        if id(members) not in held:
            yield from _code_facts(subject, where, members)
        yield from _module_facts(subject, where, members)


class _Where:
    """The keys that lead to the object at hand, made into text only where somebody asks."""

    __slots__ = ("keys",)

    def __init__(self, keys: list[str]) -> None:
        self.keys = keys

    def __str__(self) -> str:
        return "".join(f"/{key}" for key in self.keys) or "/"

    def inside(self, *keys: str) -> str:
        """Return where *keys* of the object lead."""
        return "".join(f"/{key[:_KEY_CHARS]}" for key in (*self.keys, *keys))


_Container = list[JsonValue] | Members


def _objects_in(document: JsonValue) -> Iterator[tuple[_Where, Members]]:
    """
    Yield every JSON object with the keys that lead to it, valid until the next one.

    Keeps one iterator for each level and no path: a hostile document has millions of containers
    under long keys.
    """
    keys: list[str] = []
    levels = [_containers_of([document])]
    while levels:
        key, value = next(levels[-1], ("", None))
        if value is None:
            levels.pop()
            del keys[-1:]
            continue
        keys.append(key[:_KEY_CHARS])
        if isinstance(value, dict):
            yield _Where(keys[1:]), value
        levels.append(_containers_of(value))


def _containers_of(value: _Container) -> Iterator[tuple[str, _Container | None]]:
    """Yield the arrays and objects right below *value*."""
    pairs = value.items() if isinstance(value, dict) else enumerate(value)
    for key, item in pairs:
        if isinstance(item, dict | list):
            yield str(key), item


def _object_facts(subject: Subject, where: _Where, members: Members) -> Iterator[Facts]:
    """Yield what one described object is."""
    name = str(members[_CLASS])
    config = members.get("config")
    inner = config if isinstance(config, dict) else {}
    if name == _CODE:
        code = inner.get("code", inner.get("value", config))
        yield KerasLambdaFacts(subject=subject, where=str(where), names=_names_of(code))
    elif name == _LAMBDA:
        yield from _lambda_facts(subject, where, inner)
    elif name == _FUNCTION:
        module = _text(members.get("module")) or "builtins"
        yield _reference(subject, where, KerasReference.FUNCTION, module, _text(config), members)
    elif name in _TENSORFLOW_CALLS:
        function = _text(inner.get("function"))
        kind = KerasReference.TENSORFLOW
        yield _reference(subject, where, kind, "tensorflow", function, members)
    elif name in names.UNSAFE_LAYERS:
        shown = _shown(config)
        yield KerasLayerFacts(subject=subject, where=str(where), name=name, config=shown)
    else:
        yield from _class_facts(subject, where, name, members)
    yield from _file_facts(subject, where, name, inner)


def _class_facts(subject: Subject, where: _Where, name: str, members: Members) -> Iterator[Facts]:
    """Yield the class that is built, unless it is a listed one of Keras."""
    module = _text(members.get("module"))
    if name == "__typespec__":
        name = _text(members.get("spec_name"))
        if names.is_listed_spec(module, name):
            return
    elif names.is_listed_class(name) and (not module or names.is_keras_module(module)):
        return
    yield _reference(subject, where, KerasReference.CLASS, module, name, members)


def _reference(
    subject: Subject,
    where: _Where | str,
    kind: KerasReference,
    module: str,
    name: str,
    members: Members,
) -> KerasObjectFacts:
    """Return the facts about a name."""
    return KerasObjectFacts(
        subject=subject,
        where=str(where),
        kind=kind,
        module=module,
        name=name,
        registered=_text(members.get("registered_name")),
        arguments=_shown(members.get("config")),
    )


def _lambda_facts(subject: Subject, where: _Where, config: Members) -> Iterator[Facts]:
    """
    Yield the functions of a Lambda layer.

    Keras 3 describes them as objects, which are looked at in their turn. Keras 2 has marshalled
    code, or a name that is looked up in the module that another key names.
    """
    told = False
    for key in _FUNCTIONS_OF_LAMBDA:
        value = config.get(key)
        if isinstance(value, dict) and value.get(_CLASS) == "__tuple__":
            value = value.get("items")  # the metadata of a SavedModel writes tuples so
        first = value[0] if isinstance(value, list) and value else value
        kind = _text(config.get(f"{key}_type"))
        if isinstance(value, dict):
            told = True
            continue
        if not isinstance(first, str):
            continue
        path = where.inside("config", key)
        code = kind == "lambda" or isinstance(value, list) or decode_code(first) is not None
        if code or (kind != "raw" and _NAME.fullmatch(first) is None):
            told = True
            yield KerasLambdaFacts(subject=subject, where=path, names=_names_of(first))
        elif kind != "raw":
            told = told or key == _FUNCTION
            module = _text(config.get("module" if key == _FUNCTION else f"{key}_module"))
            reference = KerasReference.FUNCTION
            yield _reference(subject, path, reference, module or "__main__", first, {})
    if not told:
        yield KerasLambdaFacts(subject=subject, where=str(where), names=())


def _code_facts(subject: Subject, where: _Where, members: Members) -> Iterator[KerasLambdaFacts]:
    """
    Yield code outside Lambda layers: that of wrappers of recurrent cells, or wherever else.

    The wrappers say beside the code that it is such (tf_keras cell_wrappers.py: `dropout_fn`,
    `residual_fn`); elsewhere it is told by being marshalled code with names in it.
    """
    for key, value in members.items():
        first = value[0] if isinstance(value, list) and value else value
        if not isinstance(first, str):
            continue
        said = members.get(f"{key}_type") == "lambda"
        found = _names_of(first) if said or len(first) >= _SHORTEST_CODE else ()
        if said or found:
            path = where.inside(key)
            yield KerasLambdaFacts(subject=subject, where=path, names=found)


def _module_facts(subject: Subject, where: _Where, members: Members) -> Iterator[KerasObjectFacts]:
    """Yield modules that are named beside no class: Lambda layers and old function references."""
    for key, value in members.items():
        if not isinstance(value, str) or not key.endswith("_module"):
            continue
        if value in {"builtins", "__main__"} or names.is_keras_module(value):
            continue
        path = where.inside(key)
        yield _reference(subject, path, KerasReference.CLASS, value, "*", {})
    module = members.get("module")
    if _CLASS in members or _FUNCTION in members or not isinstance(module, str):
        return
    if names.effect_of(module, "*"):
        path = where.inside("module")
        yield _reference(subject, path, KerasReference.CLASS, module, "*", {})


def _file_facts(subject: Subject, where: _Where, name: str, config: Members) -> Iterator[Facts]:
    """Yield what a layer opens: a vocabulary that is a name, and addresses of any kind."""
    if name in names.UNSAFE_LAYERS:
        return
    for key, value in config.items():
        if not isinstance(value, str):
            continue
        if (key in _FILE_KEYS and value) or _ADDRESS.match(value):
            path = where.inside("config", key)
            yield KerasFileFacts(subject=subject, where=path, layer=name, path=value)


def _names_of(code: JsonValue) -> tuple[str, ...]:
    """Return the names in the code that a configuration holds."""
    text = code[0] if isinstance(code, list) and code else code
    data = decode_code(text) if isinstance(text, str) else None
    return names_in(data) if data else ()


def _text(value: JsonValue) -> str:
    """Return *value* where it is a string, and else the empty string."""
    return value if isinstance(value, str) else ""


def _shown(value: JsonValue) -> str:
    """Return *value* as it is written, shortened: long strings and lists may be huge."""
    if isinstance(value, str):
        return value[:_SHOWN_CHARS]
    if not isinstance(value, dict):
        return ""
    flat = {
        key[:_KEY_CHARS]: item[:_SHOWN_CHARS] if isinstance(item, str) else item
        for key, item in list(value.items())[:20]
        if isinstance(item, str | int | float | bool | None)
    }
    return json.dumps(flat, ensure_ascii=False)[:_SHOWN_CHARS]
