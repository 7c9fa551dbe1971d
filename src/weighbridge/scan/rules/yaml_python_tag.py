"""Rule `yaml-python-tag`: a YAML file names objects of a language to build."""

from collections.abc import Iterator
from typing import ClassVar

from weighbridge.core.evidence import Confidence, Severity
from weighbridge.scan.analyzers.yaml import YamlTagsFacts
from weighbridge.scan.interface import Facts, Match, Rule


class YamlPythonTag(Rule[YamlTagsFacts]):
    """A YAML file names objects of a language to build."""

    id: ClassVar[str] = "yaml-python-tag"
    severity: ClassVar[Severity] = Severity.HIGH
    confidence: ClassVar[Confidence] = Confidence.HIGH
    consumes: ClassVar[type[Facts]] = YamlTagsFacts

    def check(self, facts: YamlTagsFacts, /) -> Iterator[Match]:
        """Yield what speaks against the subject."""
        for offset, tag in facts.tags:
            yield Match(
                message="an unsafe YAML loader would build what the tag names",
                offset=offset,
                evidence=(tag,),
            )
        for offset, text in facts.prefixes:
            yield Match(
                message="the file renames tags, which can hide what they name",
                offset=offset,
                severity=Severity.MEDIUM,
                confidence=Confidence.MEDIUM,
                evidence=(text,),
            )
