"""What PyTables writes into attributes that looks worse than it is."""

import re
from typing import Final

_OLD_FILTERS: Final = re.compile(
    rb"(?:ccopy_reg\n_reconstructor\np1\n\(ctables\.Leaf\nFilters\np2\nc__builtin__\nobject\np3\n"
    rb"NtRp4\n\(dp5\n|\(itables\.Leaf\nFilters\np1\n\(dp2\n)"
    rb"(?:S'(?:shuffle|complevel|fletcher32|complib)'\np\d{1,2}\n"
    rb"(?:I\d{1,2}|S'[a-z0-9]{1,12}'\np\d{1,2})\ns){1,4}b\."
)


def is_old_filters(value: bytes) -> bool:
    """
    Tell whether *value* is the pickle of filters that PyTables 1 wrote, and nothing more.

    It builds an object of PyTables with four plain settings; newer versions rewrite the name of
    its class before they unpickle it (tables/attributeset.py). The form leaves no room for
    anything else.
    """
    return _OLD_FILTERS.fullmatch(value) is not None
