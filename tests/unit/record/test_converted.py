"""What is printed of a conversion."""

from dataclasses import replace

from support.converting import confined_less
from weighbridge.record.converted import converted_text


def test_what_is_missing_of_the_confinement_is_said() -> None:
    """At the end, and only where something is missing; the system's words cannot act."""
    less = confined_less()
    said = r"Converted with less confinement than usual; the system refuses: files (no\x1b[0m Landlock)"
    assert converted_text(less).splitlines()[-1] == said
    assert said not in converted_text(replace(less, confinement=None))
