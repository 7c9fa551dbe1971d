"""Bounds of texts, JSON and its relatives, XML, templates and source."""

from typing import Final

from weighbridge.core.limits.units import KIB, MIB

MAX_JSON_DEPTH: Final = 64
"""Nesting of any JSON from outside; the deepest legitimate document here has 7 levels."""

MAX_JSON_VALUES: Final = 5_000_000
"""Values of any JSON from outside, estimated by its commas and brackets: each takes up to 200
bytes of memory. `MAX_FILES` files in a statement have four each, the largest tokenizers two
million."""

MAX_JSON_TABLE_BYTES: Final = 16 * MIB
"""A list of words as JSON in which keys are repeated, of which two readings are in memory; the
largest known has 2.4 MB."""

MAX_JSON_NUMBER_CHARS: Final = 128
"""Characters of an integer in JSON; tokenizers write 10**30 for "no limit", 31 characters."""

MAX_CODE_BYTES: Final = 32 * MIB
"""TorchScript source of one member; a traced model of 10,000 layers has four."""

MAX_EXPRESSION_CHARS: Final = 4096
"""A symbolic size of an exported program."""

MAX_TEXT_BYTES: Final = 64 * MIB
"""A text, JSON or Python file that a rule reads whole."""

MAX_PYTHON_SOURCE_BYTES: Final = 2 * MIB
"""A Python file; its syntax tree takes some hundred times as much memory. The largest modelling
file of the transformers library has 300 KiB."""

MAX_PYTHON_NAME_CHARS: Final = 256
"""Characters of a dotted name that is followed through a Python file."""

MAX_PYTHON_ALIASES: Final = 64
"""Things that one name of a Python file may stand for."""

MAX_TEMPLATE_CHARS: Final = 1 * MIB
"""Characters of one chat template; the longest of 1,461 that were read has 60,000."""

MAX_TEMPLATE_TOKENS: Final = 500_000
"""Names, constants and operators of one chat template; each takes some hundred bytes."""

MAX_TEMPLATE_DEPTH: Final = 40
"""Nesting of a chat template, of which each level takes up to 16 frames of the interpreter's
stack; the deepest of 1,156 that were read has 14."""

MAX_TEMPLATE_STRINGS: Final = 32
"""Constants that one expression of a chat template may stand for, as far as it is followed."""

MAX_TEMPLATE_WORD_CHARS: Final = 256
"""Characters of a constant of a chat template that is followed; names have some ten."""

MAX_TEMPLATE_WORK: Final = 10_000_000
"""Characters that following the constants of one chat template may make, and steps that it may
take; some seconds."""

MAX_TEMPLATE_REPEATS: Final = 100_000
"""Rounds of a loop, or copies of a string, that a constant of a chat template asks for; Jinja's
sandbox stops a range there (`jinja2.sandbox.MAX_RANGE`)."""

MAX_CHARSMAP_BYTES: Final = 16 * MIB
"""SentencePiece's rules for normalising text; its own take 250 KiB, and all of it is walked."""

MAX_VOCABULARY_BYTES: Final = 64 * MIB
"""A SentencePiece model; those of a million words have some twenty mebibytes."""

MAX_WORD_BYTES: Final = 4 * KIB
"""A word or a lemma of a front-coded dictionary, of which a few bytes can stand for many."""

MAX_THRIFT_VALUES: Final = 10_000_000
"""Values of one Parquet footer, some ten seconds; a thousand columns in a hundred groups make two
millions."""

MAX_THRIFT_DEPTH: Final = 64
"""Structs, lists and maps within each other; the footers of Parquet files have ten."""

MAX_MSGPACK_VALUES: Final = 5_000_000
"""Values of one MessagePack file, some ten seconds; tensors are one value each."""

MAX_MSGPACK_DEPTH: Final = 1000
"""Maps and arrays within each other; the reference reader stops at 512."""

MAX_XML_DEPTH: Final = 1000
"""Elements within elements; decision trees in PMML have a hundred."""

MAX_XML_ENTITIES: Final = 1000
"""Entities that one XML document declares; drawings declare ten for their name spaces."""

MAX_XML_ENTITY_CHARS: Final = 16 * KIB
"""Characters that one entity stands for when those within it are written out."""

MAX_XML_ENTITY_REFERENCES: Final = 4
"""References to others within one entity; those that fill memories have ten, drawings have none."""

MAX_XML_WRITTEN_CHARS: Final = 8 * MIB
"""Characters that the references in the text of one document stand for; expat tolerates as many."""

MAX_XML_ODDITIES: Final = 100
"""Scripts, inclusions and extensions of one document that are named."""

MAX_UBJSON_VALUES: Final = 20_000_000
"""Values outside typed arrays in one UBJSON file; those of XGBoost keep numbers in typed ones."""

MAX_CONFIG_BYTES: Final = 16 * MIB
"""A JSON file beside the weights that is looked through before a framework reads it; the largest
are indexes of shards, of some 10 MB."""

MAX_FRONT_MATTER_BYTES: Final = 64 * KIB
"""Bytes of a model card in which its front matter has to end. Real ones take some kilobytes; those
with long lists of evaluations some tens."""
