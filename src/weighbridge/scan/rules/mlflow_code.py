"""Rule `mlflow-code`: loading an MLflow model imports or runs Python files of the model."""

from collections.abc import Iterator
from typing import ClassVar

from weighbridge.core.evidence import Confidence, Severity
from weighbridge.scan.configuration import LoadedCodeFacts
from weighbridge.scan.interface import Facts, Match, Rule


class MlflowCode(Rule[LoadedCodeFacts]):
    """Loading an MLflow model imports or runs Python files of the model."""

    id: ClassVar[str] = "mlflow-code"
    severity: ClassVar[Severity] = Severity.MEDIUM
    confidence: ClassVar[Confidence] = Confidence.HIGH
    consumes: ClassVar[type[Facts]] = LoadedCodeFacts

    def check(self, facts: LoadedCodeFacts, /) -> Iterator[Match]:
        """Yield what speaks against the subject."""
        if facts.value in (None, "", "null", "~", []):
            return
        runs = facts.key == "model_code_path"
        yield Match(
            message=(
                "loading the model runs a Python file that comes with it"
                if runs
                else "loading the model puts code that comes with it where Python imports from"
            ),
            severity=Severity.HIGH if runs else None,
            evidence=(f"{facts.where}: {facts.value}",),
        )
