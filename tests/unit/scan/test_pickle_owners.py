"""What takes anything apart gets no instance of a framework that nobody read for that."""

import pytest

from support import pickles as p
from support.scanning import examined, rules_of
from weighbridge.core.artifact import FileFormat

KIND = p.name("pandas.core.dtypes.dtypes", "CategoricalDtype")
FOREIGN = p.new(p.name("gensim.models.tfidfmodel", "TfidfModel"))
RELAY = p.new(p.name("collections", "UserDict")) + p.dict_of(p.text("data"), FOREIGN) + p.BUILD
INDEX = p.new(p.name("pandas.core.indexes.base", "Index"))
MANAGER = p.new(p.name("pandas.core.internals.managers", "BlockManager"))
WRAPPER = p.call(p.name("joblib.numpy_pickle", "NumpyArrayWrapper"))
RECONSTRUCTOR = p.name("copyreg", "_reconstructor")
ORDERED = p.name("collections", "OrderedDict")
MASKED = p.call(
    p.name("numpy.ma.core", "_mareconstruct"),
    p.name("numpy.ma.core", "MaskedArray"),
    p.name("numpy", "ndarray"),
    p.tuple_of(p.integer(0)),
    p.raw(b"b"),
)
FLOAT = p.call(p.name("numpy", "dtype"), p.text("f8"))


def _masked(fill: bytes) -> bytes:
    """Return a masked array with the fill value *fill*."""
    shape = p.tuple_of(p.integer(0))
    items = (p.integer(1), shape, FLOAT, p.FALSE, p.raw(b""), p.raw(b""), fill)
    return MASKED + p.tuple_of(*items) + p.BUILD


def _rules(stream: bytes) -> set[str]:
    return rules_of(examined(p.stream(stream), format=FileFormat.PICKLE))


@pytest.mark.parametrize(
    ("good", "bad"),
    [
        (p.call(KIND, INDEX), p.call(KIND, FOREIGN)),
        (p.call(KIND, p.list_of(INDEX)), p.call(KIND, p.list_of(p.tuple_of(FOREIGN)))),
        (p.call(KIND, p.list_of()), p.call(KIND, RELAY)),
        (p.call(KIND, WRAPPER), p.call(KIND, p.list_of(FOREIGN))),
        (
            MANAGER + p.tuple_of(p.list_of(INDEX)) + p.BUILD,
            MANAGER + p.tuple_of(p.list_of(FOREIGN)) + p.BUILD,
        ),
        (
            p.call(RECONSTRUCTOR, ORDERED, p.name("builtins", "dict"), p.dict_of()),
            p.call(RECONSTRUCTOR, ORDERED, p.name("builtins", "dict"), FOREIGN),
        ),
        (_masked(p.NONE), _masked(FOREIGN)),
    ],
)
def test_instances_of_others(good: bytes, bad: bytes) -> None:
    """An instance of another framework is refused where it would be gone through."""
    assert _rules(good) == set()
    assert _rules(bad) == {"pickle-argument"}


def test_what_is_kept_may_be_of_any_framework() -> None:
    """A named tuple keeps what it gets, and so does an object of attributes."""
    triplet = p.name("sklearn.impute._iterative", "_ImputerTriplet")
    assert _rules(p.call(triplet, p.NONE, p.NONE, FOREIGN)) == set()
    kept = p.new(p.name("sklearn.pipeline", "Pipeline"))
    bunch = (p.name("sklearn.utils", "Bunch"), p.name("builtins", "dict"))
    assert _rules(p.call(RECONSTRUCTOR, *bunch, p.dict_of(p.text("model"), FOREIGN))) == set()
    assert _rules(kept + p.dict_of(p.text("steps"), p.list_of(FOREIGN)) + p.BUILD) == set()


@pytest.mark.parametrize("name", ["PathLineSentences", "BrownCorpus"])
def test_corpora_that_open_what_they_hold(name: str) -> None:
    """A corpus that reads a file or an address when it is gone through is no listed class."""
    corpus = p.new(p.name("gensim.models.word2vec", name))
    assert _rules(corpus) == {"pickle-unknown-global"}
