"""Rule `mlflow-code`: loading an MLflow model imports or runs code of the model."""

from collections.abc import Iterator
from types import MappingProxyType
from typing import ClassVar, Final

from weighbridge.core.evidence import Confidence, Severity
from weighbridge.scan.configuration import PICKLED_MODEL, LoadedCodeFacts
from weighbridge.scan.interface import Facts, Match, Rule

_RUN: Final = "model_code_path"
_IMPORTED: Final = "loading the model puts code that comes with it where Python imports from"
_MESSAGES: Final = MappingProxyType(
    {
        _RUN: "loading the model runs a Python file that comes with it",
        PICKLED_MODEL: "loading the model unpickles a class of its author's, code and all",
    }
)


class MlflowCode(Rule[LoadedCodeFacts]):
    """Loading an MLflow model imports or runs code of the model."""

    id: ClassVar[str] = "mlflow-code"
    severity: ClassVar[Severity] = Severity.MEDIUM
    confidence: ClassVar[Confidence] = Confidence.HIGH
    consumes: ClassVar[type[Facts]] = LoadedCodeFacts

    def check(self, facts: LoadedCodeFacts, /) -> Iterator[Match]:
        """Yield what speaks against the subject."""
        if facts.value in (None, "", "null", "~", []):
            return
        runs = facts.key == _RUN
        yield Match(
            message=_MESSAGES.get(facts.key, _IMPORTED),
            severity=Severity.HIGH if runs else None,
            evidence=(f"{facts.where}: {facts.value}",),
        )
