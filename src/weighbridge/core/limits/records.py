"""Bounds of what is shown to a person."""

from typing import Final

MAX_NAMED_PROBLEMS: Final = 20
"""Files that one message names; the rest are counted. A screen holds some forty lines."""

MAX_REPORT_ITEMS: Final = 2000
"""Files, and findings of one file, that a report in HTML lists; browsers stay quick with that."""

MAX_TEXT_ITEMS: Final = 20
"""Items of one list in output for people; the rest are counted, and JSON has them all."""

MAX_BILL_ITEMS: Final = 20_000
"""Builds, and what they used, that a bill of materials lists: readers hold all of it in memory. A
build with every package of an environment has some hundred."""
