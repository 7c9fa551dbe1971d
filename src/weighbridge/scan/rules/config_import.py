"""Rule `config-import`: a configuration names modules or a folder to import."""

from collections.abc import Iterator
from types import MappingProxyType
from typing import ClassVar, Final

from weighbridge.core.evidence import Confidence, Severity
from weighbridge.formats.json import JsonValue
from weighbridge.scan.configuration import ImportFacts
from weighbridge.scan.interface import Facts, Match, Rule

_WHO: Final = MappingProxyType(
    {
        "custom_imports": "OpenMMLab's configurations",
        "megatron_core": "PEFT",
        "plugin_dir": "OpenMMLab's detectors",
        "user_dir": "fairseq",
    }
)
_NOTHING: Final[tuple[JsonValue, ...]] = (None, False, "null", "~", "false", [], {})
_EXPECTED: Final = frozenset({("megatron_core", "megatron.core")})
_NESTED: Final = "custom_imports"
"""Holds a list in YAML, which stands on the lines below."""


class ConfigImport(Rule[ImportFacts]):
    """A configuration names modules or a folder that using it imports."""

    id: ClassVar[str] = "config-import"
    severity: ClassVar[Severity] = Severity.HIGH
    confidence: ClassVar[Confidence] = Confidence.MEDIUM
    consumes: ClassVar[type[Facts]] = ImportFacts

    def check(self, facts: ImportFacts, /) -> Iterator[Match]:
        """Yield what speaks against the subject."""
        value = facts.value
        if any(value is each or value == each for each in _NOTHING):
            return
        if (value == "" and facts.key != _NESTED) or (facts.key, _text(value)) in _EXPECTED:
            return
        yield Match(
            message=f"`{facts.key}` names Python code that {_WHO[facts.key]} import",
            evidence=(f"{facts.where}: {_text(value) or 'the lines below'}",),
        )


def _text(value: JsonValue) -> str:
    """Return a value for people to read."""
    return value if isinstance(value, str) else repr(value)
