"""The registry lists every analyzer and every rule that there is, and nothing else."""

import sys
from pathlib import Path
from types import ModuleType

import pytest

from weighbridge.core.artifact import FileFormat
from weighbridge.scan import registry
from weighbridge.scan.interface import Facts, Rule
from weighbridge.scan.rule_facts import RULE_FACTS

_FOLDER = Path(registry.__file__).parent


def _modules(folder: str) -> set[str]:
    return {p.stem for p in (_FOLDER / folder).glob("*.py") if not p.stem.startswith("_")}


def test_every_analyzer_is_listed() -> None:
    """Each module of analyzers/ reads some format, and each listed one exists."""
    assert set(registry.ANALYZERS.values()) == _modules("analyzers")


def test_every_rule_is_listed() -> None:
    """Each module of rules/ is a rule in the list, and each listed one exists."""
    listed = [rule_id.replace("-", "_") for rule_id in registry.RULES]
    assert set(listed) == _modules("rules")
    assert len(listed) == len(set(listed))


@pytest.mark.parametrize("file_format", registry.ANALYZERS)
def test_analyzer_loads(file_format: FileFormat) -> None:
    """Each listed analyzer can be called."""
    assert callable(registry.analyzer_for(file_format))


def test_format_without_analyzer() -> None:
    """A format that is not listed has no analyzer."""
    assert registry.analyzer_for(FileFormat.UNKNOWN) is None


@pytest.mark.parametrize("rule_id", registry.RULES)
def test_rule_loads(rule_id: str) -> None:
    """Each listed rule has its id, a docstring and facts to look at."""
    rule = registry.load_rule(rule_id)
    assert rule.id == rule_id
    assert type(rule).__doc__
    assert issubclass(rule.consumes, Facts)
    assert rule in registry.rules_for(rule.consumes)


def test_facts_of_rules() -> None:
    """For each rule it is listed which facts it looks at, so that no scan imports all of them."""
    found = {rule.id: rule.consumes.__name__ for rule in registry.all_rules()}
    assert dict(RULE_FACTS) == found


def test_every_fact_is_looked_at() -> None:
    """No analyzer gathers facts that no rule looks at."""
    for name in registry.ANALYZERS.values():
        module = __import__(f"weighbridge.scan.analyzers.{name}", fromlist=["analyze"])
        own = [
            kind
            for kind in vars(module).values()
            if isinstance(kind, type)
            and issubclass(kind, Facts)
            and kind.__module__ == module.__name__
            and not kind.__subclasses__()
        ]
        assert [kind.__name__ for kind in own if not registry.rules_for(kind)] == []


def test_no_format_is_listed_twice() -> None:
    """A format has an analyzer or a reason for having none, not both."""
    assert not set(registry.ANALYZERS) & set(registry.NO_ANALYZER_NEEDED)
    assert all(registry.NO_ANALYZER_NEEDED.values())


def test_unknown_rule() -> None:
    """Asking for a rule that does not exist is an error."""
    with pytest.raises(ModuleNotFoundError):
        registry.load_rule("no-such-rule")


@pytest.mark.parametrize("count", [0, 2])
def test_module_with_another_number_of_rules(count: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """A module that defines no rule of its name, or two, is an error and not a guess."""
    module = ModuleType("weighbridge.scan.rules.odd_one")
    for index in range(count):
        members = {"id": "odd-one", "__module__": module.__name__}
        setattr(module, f"Odd{index}", type(f"Odd{index}", (Rule,), members))
    monkeypatch.setitem(sys.modules, module.__name__, module)
    with pytest.raises(LookupError, match=f"defines {count} rules"):
        registry.load_rule("odd-one")
