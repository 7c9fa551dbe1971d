"""Tables of words with repeated keys are reported, below the default bar."""

import pytest

from support.scanning import subject_of
from weighbridge.core.artifact import FileFormat
from weighbridge.core.evidence import Severity
from weighbridge.scan.json_tables import RepeatedKeyFacts
from weighbridge.scan.rules.json_repeated_key import JsonRepeatedKey


@pytest.mark.parametrize(
    ("keys", "differing", "said"),
    [
        (1, 0, "One key occurs more than once in a table of words, none with different values"),
        (3, 1, "3 keys occur more than once in a table of words, 1 with different values"),
    ],
)
def test_it_is_counted(keys: int, differing: int, said: str) -> None:
    """The finding says how many keys there are, and of how many the values differ."""
    subject = subject_of(b"{}", format=FileFormat.JSON, path="words.json")
    facts = RepeatedKeyFacts(
        subject=subject, keys=keys, differing=differing, examples=("ona: on, onen",)[:differing]
    )
    (found,) = JsonRepeatedKey().findings(facts)
    assert found.severity is Severity.LOW
    assert found.message.startswith(said)
    assert len(found.evidence) == differing
