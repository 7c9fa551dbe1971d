"""What reports that explain their rules say of each: out of the catalogues and the rules."""

from collections.abc import Iterable

from weighbridge.record.catalogue import code_helps, rule_helps, rule_titles
from weighbridge.record.sarif import RuleText
from weighbridge.scan.registry import RULES, load_rule


def rule_texts(identifiers: Iterable[str]) -> dict[str, RuleText]:
    """Return the texts for those of *identifiers* that are our own, rules and codes."""
    helps, titles, codes = rule_helps(), rule_titles(), code_helps()
    texts: dict[str, RuleText] = {}
    for identifier in identifiers:
        if identifier in RULES and identifier in helps:
            rule = load_rule(identifier)
            texts[identifier] = RuleText(
                title=titles[identifier],
                body=helps[identifier],
                severity=rule.severity,
                confidence=rule.confidence,
            )
        elif identifier in codes:
            body = codes[identifier]
            title = body.split("\n\n", 1)[0].removeprefix("**Means.**").replace("\n", " ").strip()
            texts[identifier] = RuleText(title=title, body=body)
    return texts
