"""Bounds of pickles and of what is asked of their arguments."""

from typing import Final

from weighbridge.core.limits.units import KIB, MIB

MAX_PICKLE_BYTES: Final = 256 * MIB
"""One pickle stream that the machine walks. A larger stream is a gap."""

MAX_PICKLE_OPCODES: Final = 20_000_000
"""Opcodes executed for one stream, some ten seconds of the machine."""

FAST_AFTER_OPCODES: Final = 100_000
"""Opcodes of a stream that the machine walks before the C unpickler is tried: 30 milliseconds, and
more than almost any checkpoint has."""

MAX_ENGINE_READS: Final = 100_000
"""Reads by which the C unpickler takes a stream in frames; pickle's frames have 64 KiB."""

MAX_ENGINE_EVENTS: Final = 100_000
"""Events of a stream for which the C unpickler is a gain: each costs as much as in the machine."""

MAX_ENGINE_ITEMS: Final = 5_000_000
"""Items of containers that calls and changes got, copied while the C unpickler runs."""

MAX_PICKLE_STREAMS: Final = 4096
"""Consecutive streams in one file; legacy torch files hold five."""

MAX_PICKLE_STACK: Final = 1_000_000
"""Values on the machine's stack and marks."""

MAX_PICKLE_MEMO: Final = 5_000_000
"""Entries in the machine's memo."""

MAX_CARRIED_MEMO: Final = 1_000_000
"""Memo entries that the next stream of a file may take over. Both streams' values are in memory
then; five legacy torch streams have a few thousand."""

MAX_PICKLE_DEPTH: Final = 1000
"""Nesting of values when they are rendered or rebuilt."""

MAX_PICKLE_EVENTS: Final = 2_000_000
"""Recorded references, calls and changes of one stream; the rest are counted. A checkpoint has
three for a tensor, a column of time stamps one for a row."""

MAX_FORMULA_CHARS: Final = 16_384
"""Characters of a statistical model's formula; those of real ones fill a line, or a page."""

MAX_LOGGER_CHARS: Final = 512
"""The name of a logger that a pickle names; names of modules have less than a hundred."""

MAX_PICKLE_RANGE: Final = 100_000_000
"""Values of a range in a pickle: what takes it writes them out, eight bytes each."""

MAX_PICKLE_PATTERN_CHARS: Final = 65_536
"""Characters of a regular expression in a pickle; tokenizers' longest have some thousands."""

MAX_SEARCH_TREE_DEPTH: Final = 512
"""Nodes between the root of a search tree and a leaf, which C++ goes down by recursion; a balanced
tree of a billion points has 30."""

MAX_REPEATED_VALUES: Final = 200_000
"""Values of a checkpoint's state that are walked because a container occurs more than once. Models
that share parts repeat some hundred; a kilobyte can repeat a container 2 ** 300 times."""

MAX_GRAPH_SOURCE_CHARS: Final = 512 * KIB
"""The source of all graph modules of one pickle; its syntax tree takes up to 700 times as much
memory. That of a network of a thousand layers has some 300 KiB."""

MAX_GRAPH_ATTRIBUTES: Final = 1_000_000
"""Attributes of the modules within graph modules of one pickle, counted as often as a graph module
holds them; a layer has some twenty."""

MAX_GRAPH_LITERAL_CHARS: Final = 256
"""Characters of a text in the source of a graph module, and of a module's name."""
