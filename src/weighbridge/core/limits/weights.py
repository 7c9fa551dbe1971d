"""Bounds of files of weights and graphs."""

from typing import Final

from weighbridge.core.limits.units import KIB, MIB

MAX_SAFETENSORS_HEADER_BYTES: Final = 100_000_000
"""The safetensors header; the reference implementation's own bound."""

MAX_TENSORS: Final = 1_000_000
"""Tensors in one file."""

MAX_TENSOR_RANK: Final = 64
"""Dimensions of a tensor; NumPy 2 allows 64."""

MAX_TENSOR_NAME_BYTES: Final = 4096
"""UTF-8 bytes of a tensor's name; real ones stay under 200."""

MAX_GGUF_KEYS: Final = 100_000
"""Metadata pairs of a GGUF file; real ones have tens."""

MAX_GGUF_STRING_BYTES: Final = 16 * MIB
"""One GGUF string; chat templates reach some ten thousand."""

MAX_GGUF_ARRAY_ITEMS: Final = 16_000_000
"""Items of a GGUF array; vocabularies reach 300,000."""

MAX_GGUF_ARRAY_DEPTH: Final = 4
"""Arrays within arrays; the reference reader allows none, the specification any."""

MAX_GGUF_HEADER_BYTES: Final = 256 * MIB
"""Everything before the tensors' bytes; a vocabulary of 300,000 tokens makes ten."""

MAX_GGUF_RANK: Final = 4
"""Dimensions of a GGUF tensor (GGML_MAX_DIMS)."""

MAX_NPY_HEADER_BYTES: Final = 64 * KIB
"""A NumPy header; numpy.lib.format itself stops at 10,000 characters."""

MAX_PROTOBUF_FIELDS: Final = 5_000_000
"""Fields of one protobuf file that are read, some ten seconds; large TensorFlow graphs have a
million."""

MAX_PROTOBUF_DEPTH: Final = 100
"""Messages within messages; the C++ reader's own bound."""

MAX_PROTOBUF_ODDITIES: Final = 100
"""Oddities of one protobuf file that are kept; the rest are counted."""

MAX_PROTOBUF_STRING_BYTES: Final = 1 * MIB
"""A name, a path or another text of a protobuf message that is read whole."""

MAX_GRAPH_NAMES: Final = 200_000
"""Names of nodes or functions of one graph that are kept in memory."""

MAX_FLATBUFFER_TABLES: Final = 1_000_000
"""Tables of one flatbuffer that are read; the largest mobile models have some ten thousand."""

MAX_HDF5_METADATA_BYTES: Final = 256 * MIB
"""Bytes of one HDF5 file's metadata, strings and pickles that are read; tensors are not. A model
of a thousand layers has one or two."""

MAX_HDF5_OBJECTS: Final = 200_000
"""Groups, datasets and committed datatypes of one HDF5 file; large models have ten thousand."""

MAX_HDF5_CHECKED_BYTES: Final = 32 * MIB
"""Bytes of one HDF5 file whose checksums are compared, some five seconds; a model of a thousand
layers has a hundred kilobytes of them."""

MAX_HDF5_ITEMS: Final = 500_000
"""Links, attributes, tree nodes and chunks that are visited in one HDF5 file; each takes up to 300
bytes of memory."""

MAX_HDF5_PROBLEMS: Final = 1000
"""Places of one HDF5 file that break the format; behind them it is not read on."""

MAX_HDF5_HEADER_BLOCKS: Final = 1024
"""Continuation blocks of one object's header; the library merges them, files have up to ten."""

MAX_HDF5_DEPTH: Final = 32
"""Levels of a tree, of a heap or of a datatype; 2**32 bytes need a tree of five."""

MAX_HDF5_VALUES: Final = 100_000
"""Strings or sequences of one attribute or dataset that are looked at; layer names are 10,000."""

MAX_ARROW_SCHEMA_BYTES: Final = 16 * MIB
"""An Arrow schema; a thousand columns make a hundred kilobytes."""

MAX_PARQUET_FOOTER_BYTES: Final = 64 * MIB
"""A Parquet file's footer; its statistics of columns make some megabytes."""

MAX_R_ITEMS: Final = 5_000_000
"""Objects in one R serialization, each of which takes a step; a data frame has one for a column
and one for every string."""

MAX_R_DEPTH: Final = 5_000_000
"""Objects of an R serialization that are begun and not ended: lists nest in their rest."""

MAX_R_NAMES: Final = 1000
"""Places of code, and names of functions that are called, kept of one R serialization."""

MAX_BOOSTER_DEPTH: Final = 2048
"""Levels of one tree of XGBoost, whose contributions and dumps go through them by recursion."""

MAX_BOOSTER_OUTPUTS: Final = 1 << 20
"""Classes or targets of one model of XGBoost, which has a number of each in memory."""

MAX_BOOSTER_CATEGORIES: Final = 1 << 28
"""Bits of memory that XGBoost takes for the categories of one tree: 32 MiB."""

MAX_CRFSUITE_BYTES: Final = 256 * MIB
"""A model of CRFsuite, which is read whole by its chunks; the largest known has 6 MB."""

MAX_CRFSUITE_LABELS: Final = 4096
"""Labels of a model of CRFsuite, which takes three tables of label by label: 400 MB for so many."""
