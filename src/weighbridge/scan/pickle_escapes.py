"""
Listed names that may be called by the stream and not kept as a value.

What a stream calls is judged with its arguments. What it merely keeps (as an attribute, an item,
an argument) may be called later, by a method of another listed class, with arguments that nobody
has seen: an object whose attribute has the name of a method is enough for that. So whatever may
be kept has to be harmless with any argument, and the names here are not.
"""

from collections.abc import Iterator
from functools import cache
from typing import Final

from weighbridge.formats.pickle.trace import Change
from weighbridge.formats.pickle.values import (
    CallNode,
    DictNode,
    GlobalNode,
    ListNode,
    SetNode,
    TupleNode,
    Value,
    children,
)
from weighbridge.scan.allowlist import Arguments, Kind, find_entry
from weighbridge.scan.pickle_facts import PickleFacts
from weighbridge.scan.pickle_states import NOT_CALLED_BY_OTHERS

_TYPED: Final = NOT_CALLED_BY_OTHERS | {Arguments.UFUNC}
"""They unpickle, call, make or import what their arguments say."""

_MODULES: Final = frozenset(
    {
        "accelerate.state",
        "catboost.core",
        "gensim.corpora.dictionary",
        "gensim.models.doc2vec",
        "gensim.models.hdpmodel",
        "gensim.models.phrases",
        "gensim.models.poincare",
        "lightgbm.basic",
        "monai.losses.perceptual",
        "monai.networks.blocks.text_embedding",
        "monai.networks.nets.densenet",
        "monai.networks.nets.efficientnet",
        "monai.networks.nets.hovernet",
        "monai.networks.nets.resnet",
        "monai.networks.nets.senet",
        "monai.networks.nets.vnet",
        "nltk.stem.rslp",
        "nltk.tag.perceptron",
        "transformers.tokenization_utils_tokenizers",
        "transformers.training_args",
        "transformers.training_args_seq2seq",
        "ultralytics.nn.tasks",
        "xgboost.core",
    }
)
"""Modules of classes whose `__init__` evaluates text, opens files or loads models by name."""

_PACKS: Final = frozenset(
    {
        "feature_engine",
        "gplearn",
        "gpytorch",
        "hmmlearn",
        "implicit",
        "kornia",
        "lifelines",
        "mlxtend",
        "networkx",
        "onnx2torch",
        "open_clip",
        "peft",
        "pmdarima",
        "pyod",
        "pytorch_tabnet",
        "river",
        "segmentation_models_pytorch",
        "sksurv",
        "sktime",
        "speechbrain",
        "stable_baselines3",
        "surprise",
        "torch_geometric",
        "tslearn",
        "whisper",
        "xarray",
    }
)
"""Frameworks of which no `__init__` was read: their classes are instances, and no values."""

_CLASSES: Final = frozenset(
    {
        "joblib.numpy_pickle.NDArrayWrapper",  # joblib reads the file that an instance names
        "joblib.numpy_pickle.NumpyArrayWrapper",  # joblib reads raw bytes behind an instance
        "joblib.numpy_pickle_compat.NDArrayWrapper",
        "nltk.tokenize.punkt.PunktTokenizer",
        "scipy.spatial._ckdtree.cKDTree",  # whoever else has its arrays is counted
        "scipy.spatial._kdtree.KDTree",
        "scipy.spatial.ckdtree.cKDTree",
        "scipy.spatial.kdtree.KDTree",
    }
)
_FUNCTIONS: Final = frozenset(
    {"gensim.models.phrases.original_scorer", "gensim.models.phrases.npmi_scorer"}
)
"""Functions in those modules that compute from numbers."""

_READ: Final = frozenset(
    {
        "torch_geometric.data.data.Data",
        "torch_geometric.data.data.DataEdgeAttr",
        "torch_geometric.data.data.DataTensorAttr",
        "torch_geometric.data.feature_store.TensorAttr",
        "torch_geometric.data.graph_store.EdgeAttr",
    }
)
"""Classes of which `__init__` only keeps what it gets."""

_TOKENIZERS: Final = ".tokenization_"
"""Tokenizers of transformers read the files that `__init__` is given."""

_JUDGED: Final = frozenset({Arguments.REBUILD, Arguments.OWN_MODULE})
"""Functions whose entry says which functions they may get, and with what."""


@cache
def is_guarded(name: str) -> bool:
    """Tell whether *name* is listed, and harmful with some arguments."""
    entry = find_entry(name)
    if entry is None:
        return False
    return (
        entry.args in _TYPED
        or (entry.module in _MODULES and entry.name not in _FUNCTIONS)
        or (entry.pack in _PACKS and entry.kind is Kind.CLASS and entry.name not in _READ)
        or entry.name in _CLASSES
        or (entry.pack == "transformers" and _TOKENIZERS in entry.module)
    )


def find_escapes(facts: PickleFacts) -> Iterator[GlobalNode]:
    """
    Yield the guarded references that the stream keeps as values.

    Persistent ids are left out: torch's first formats name classes there, which nobody calls.
    """
    if not any(map(is_guarded, facts.summary.counts)):
        return
    seen: set[int] = set()
    for root in _roots(facts):
        facts.subject.check_time()
        yield from _within(root, seen)


def _roots(facts: PickleFacts) -> Iterator[Value]:
    """Yield what calls and changes get, and what the stream leaves."""
    for event in facts.trace.events:
        if isinstance(event, CallNode):
            entry = find_entry(event.target or "")
            if entry is None or entry.args not in _JUDGED:
                yield event.args
            elif entry.args is Arguments.REBUILD:
                yield from (event.positional or ())[1:]
            yield event.kwargs
        elif isinstance(event, Change):
            yield from event.items
    yield facts.trace.result


def _within(root: Value, seen: set[int]) -> Iterator[GlobalNode]:
    """Yield the guarded references in *root* and the containers in it, none of which is *seen*."""
    pending = [root]
    while pending:
        value = pending.pop()
        if isinstance(value, GlobalNode):
            if not value.computed and is_guarded(value.dotted):
                yield value
        elif isinstance(value, ListNode | TupleNode | SetNode | DictNode) and id(value) not in seen:
            seen.add(id(value))
            pending.extend(children(value))
