"""Rule `keras-function`: a Keras model refers to a function that does not only compute."""

from collections.abc import Iterator
from typing import ClassVar, Final

from weighbridge.core.evidence import Confidence, Severity
from weighbridge.scan.interface import Facts, Match, Rule
from weighbridge.scan.keras.facts import KerasObjectFacts, KerasReference
from weighbridge.scan.keras.names import (
    is_keras_module,
    is_listed_function,
    is_listed_tensor_function,
)

_DANGEROUS: Final = frozenset(
    {
        "deserialize_keras_object",
        "enable_unsafe_deserialization",
        "extract_archive",
        "func_load",
        "get_file",
        "load_img",
        "load_model",
        "load_weights",
        "model_from_json",
        "save_img",
        "save_model",
        "save_weights",
    }
)
"""Functions of Keras that fetch, write or unlock something (CVE-2025-8747, CVE-2025-9906)."""

_DANGEROUS_OPERATIONS: Final = ("io.", "raw_ops.", "saved_model.", "py_function", "numpy_function")


class KerasFunction(Rule[KerasObjectFacts]):
    """A Keras model refers to a function that does not only compute."""

    id: ClassVar[str] = "keras-function"
    severity: ClassVar[Severity] = Severity.HIGH
    confidence: ClassVar[Confidence] = Confidence.HIGH
    consumes: ClassVar[type[Facts]] = KerasObjectFacts

    def check(self, facts: KerasObjectFacts, /) -> Iterator[Match]:
        """Yield functions of Keras and TensorFlow that are not on the list of pure ones."""
        if facts.kind is KerasReference.TENSORFLOW:
            if is_listed_tensor_function(facts.name):
                return
            dangerous = facts.name.removeprefix("compat.v1.").startswith(_DANGEROUS_OPERATIONS)
        else:
            if not is_keras_module(facts.module) or not _is_function(facts):
                return
            dangerous = facts.name in _DANGEROUS
        name = f"{facts.module}.{facts.name}"
        yield Match(
            message=f"the model refers to the {_called(facts)} {name}, "
            + ("which reaches files, the network or the safe mode" if dangerous else "not listed"),
            severity=Severity.CRITICAL if dangerous else None,
            confidence=None if dangerous else Confidence.MEDIUM,
            evidence=(facts.where, f"{name}({facts.arguments})"),
        )


def _called(facts: KerasObjectFacts) -> str:
    """Return what the message calls it."""
    return "TensorFlow function" if facts.kind is KerasReference.TENSORFLOW else "Keras function"


def _is_function(facts: KerasObjectFacts) -> bool:
    """
    Tell whether what is referred to is a function that is not listed.

    A reference to a class may lead to a function as well: only its name tells.
    """
    if is_listed_function(facts.module, facts.name):
        return False
    return facts.kind is KerasReference.FUNCTION or not facts.name[:1].isupper()
