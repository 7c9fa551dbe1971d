"""Rule `remote-code-python-file`: Python source lies beside the weights."""

import re
from collections.abc import Iterator
from typing import ClassVar, Final

from weighbridge.core.evidence import Confidence, Severity
from weighbridge.scan.analyzers.python_source import PythonSourceFacts
from weighbridge.scan.interface import Facts, Match, Rule

_IMPORTED: Final = re.compile(
    r"(?:.*/)?(?:(?:modeling|modelling|configuration|tokenization|image_processing|processing"
    r"|feature_extraction|generation)_\w+|custom_generate/\w+|handler|pipeline\w*|custom_st"
    r"|code/inference|__init__|setup|conftest|sitecustomize|usercustomize)\.py"
)
"""Names by which frameworks, inference servers and Python itself find code."""


_AT_START: Final = frozenset({"sitecustomize.py", "usercustomize.py"})
"""What Python imports when it starts, from any folder on its path."""


class RemoteCodePythonFile(Rule[PythonSourceFacts]):
    """Python source lies beside the weights."""

    id: ClassVar[str] = "remote-code-python-file"
    severity: ClassVar[Severity] = Severity.MEDIUM
    confidence: ClassVar[Confidence] = Confidence.HIGH
    consumes: ClassVar[type[Facts]] = PythonSourceFacts

    def check(self, facts: PythonSourceFacts, /) -> Iterator[Match]:
        """Yield what speaks against the subject."""
        if facts.problem is not None:
            yield Match(
                message="the Python source does not parse, so what it would do is not known",
                severity=Severity.HIGH,
                evidence=(facts.problem,),
            )
        elif facts.only_comments:
            return
        elif facts.subject.name in _AT_START:
            yield Match(message="Python runs this file when it starts", severity=Severity.HIGH)
        elif _IMPORTED.fullmatch(facts.subject.path):
            yield Match(message="frameworks import this file when remote code is trusted")
        else:
            yield Match(
                message="the model brings Python source along",
                confidence=Confidence.MEDIUM,
            )
