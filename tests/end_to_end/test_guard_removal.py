"""What docs/guard.md says about ways to get rid of the guard is what happens."""

import pytest

from support.documents import document
from support.guard_removal import render_table, try_all
from support.guarding import Workplace, make_guard_workplace


@pytest.fixture(scope="module")
def workplace(tmp_path_factory: pytest.TempPathFactory) -> Workplace:
    """Return a workplace with what would leave a mark."""
    return make_guard_workplace(tmp_path_factory.mktemp("removal"))


def test_the_table_is_what_happens(workplace: Workplace) -> None:
    """Each way to get rid of the guard ends as the table says: stopped, or not covered."""
    assert render_table(try_all(workplace)) in document("docs/guard.md")
