"""Rule `coreml-external-file`: a Core ML model takes its weights from where it must not reach."""

from collections.abc import Iterator
from typing import ClassVar, Final

from weighbridge.core.evidence import Severity
from weighbridge.scan.analyzers.coreml import CoreMlFacts
from weighbridge.scan.interface import Facts, Match, Rule
from weighbridge.scan.paths import beside, escapes

_MODEL_PATH: Final = "@model_path/"
"""Stands for the model's own directory (coremltools, MIL backend)."""


class CoreMlExternalFile(Rule[CoreMlFacts]):
    """A Core ML model takes its weights from where it must not reach."""

    id: ClassVar[str] = "coreml-external-file"
    severity: ClassVar[Severity] = Severity.HIGH
    consumes: ClassVar[type[Facts]] = CoreMlFacts

    def check(self, facts: CoreMlFacts, /) -> Iterator[Match]:
        """Yield what speaks against one file of weights, or one path of a linked model."""
        name = facts.name
        evidence = (f"{name.name!r} at byte {name.position}",)
        path = name.name.removeprefix(_MODEL_PATH)
        if name.kind not in ("file", "linked"):
            return
        if escapes(path):
            message = "the model reads a file outside its directory"
            yield Match(message=message, offset=name.offset, evidence=evidence)
        elif name.kind == "file":
            size = facts.subject.sizes.get(beside(facts.subject, path))
            if size is None:
                message = "the weights lie in a file that is no part of this model"
                yield Match(
                    message=message,
                    offset=name.offset,
                    severity=Severity.MEDIUM,
                    evidence=evidence,
                )
            elif name.position >= size:
                message = f"the weights start behind the end of a file of {size} bytes"
                yield Match(message=message, offset=name.offset, evidence=evidence)
