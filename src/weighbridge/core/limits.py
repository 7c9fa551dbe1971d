"""
Every bound on hostile input, in one place.

Each constant names its unit and why it has its value. A stage that meets a bound reports a
`Gap` or raises; it never truncates silently. Nothing outside this module invents a bound.
"""

from typing import Final

KIB: Final = 1024
MIB: Final = 1024 * KIB
GIB: Final = 1024 * MIB

# -- inventory ---------------------------------------------------------------------------------

MAX_FILES: Final = 1_000_000
"""Files and directories in one artifact; the largest public model repositories hold ~20,000."""

MAX_DEPTH: Final = 64
"""Directories below the artifact's root; real layouts stay under ten."""

MAX_PATH_BYTES: Final = 4096
"""UTF-8 bytes of a path relative to the root; Linux' PATH_MAX."""

HASH_BLOCK_BYTES: Final = 512 * KIB
"""Bytes read and hashed at a time: half a core's second-level cache, so that hashing finds the
block there. The value has no effect on any digest."""

PLACED_BLOCK_BYTES: Final = 256 * KIB
"""Bytes read into memory where they stay, and hashed, at a time: what is read and where it goes
are each as large, so half of `HASH_BLOCK_BYTES` is in the cache."""

SMALL_FILE_BYTES: Final = 64 * KIB
"""Files up to this size are hashed where they are found: handing them to a thread costs more."""

SNIFF_BYTES: Final = 8 * KIB
"""Bytes at the start of a file from which its format is told."""

MAX_SNIFF_READS: Final = 32
"""Positioned reads of 4 KiB beyond the start of a file for telling its format: a pickle or a
protobuf message that pads its start with long strings can be followed that far."""

MAX_SNIFF_OPCODES: Final = 20_000
"""Pickle opcodes that are followed to tell a pickle from text, some ten milliseconds."""

SNIFF_TAIL_BYTES: Final = 66 * KIB
"""Bytes at the end of a file in which a zip's end record may lie (APPNOTE 4.3.16: 22 + 65535)."""

DEFAULT_SHARD_BYTES: Final = 1_000_000_000
"""Bytes of a shard in the signature's shards mode; OMS default."""

MAX_SHARDS: Final = 1_000_000
"""Shards of one artifact: 1 PB at the default shard size, and as many as a signature file of
`MAX_BUNDLE_BYTES` can name. Each takes up to a kilobyte of memory while it is signed."""

MIN_SHARD_BYTES: Final = 1
"""Smallest shard size that the format allows."""

MAX_SHARD_BYTES: Final = 2**63 - 1
"""Largest shard size that is read: the largest offset in a file (POSIX off_t)."""

# -- artifacts on a server ---------------------------------------------------------------------

MAX_HUB_LISTING_BYTES: Final = 64 * MIB
"""What a hub says of one repository: some 300 bytes a file, over 200,000 files."""

MAX_HUB_CACHE_BYTES: Final = 64 * MIB
"""Bytes of remote files that are kept while they are examined; longer reads are not kept."""

MAX_HUB_SECONDS: Final = 30.0
"""Seconds for which a server may be silent."""

MIN_HUB_BYTES_PER_SECOND: Final = 32 * KIB
"""How slow an answer may be on the whole, beside those seconds: a trickle never ends."""

# -- signatures --------------------------------------------------------------------------------

MAX_BUNDLE_BYTES: Final = 256 * MIB
"""A Sigstore bundle. 20,000 files make 4.2 MB, so this is over `MAX_FILES` files. It is read
whole before anybody is known to have signed it, and takes up to four times as much memory."""

MAX_SIGNATURE_FILES: Final = 16
"""Signatures of one model, `model.sig` and `model.*.sig`; a release has one for each of the few
who have to sign it. Together they have at most `MAX_BUNDLE_BYTES`."""

MAX_CLAIMS_BYTES: Final = 256 * MIB
"""A file of claims. A build's statement has some 5 KB, a parent's signature over 20,000 files
4.2 MB; like a signature it is read whole before anybody is known to have signed any of it."""

MAX_CLAIM_BYTES: Final = 64 * MIB
"""One claim, a line of that file: the signature of a parent with some 300,000 files."""

MAX_CLAIMS: Final = 1024
"""Claims about one model and its lineage, a line each: a hundred generations with ten each. Each
is held against every signer whom the policy can need, some milliseconds for each of them."""

MAX_MANIFEST_BYTES: Final = 64 * MIB
"""A registry's manifest or a hub's listing: some 300 bytes a file, over 200,000 files."""

MAX_STATED_FILE_BYTES: Final = 4 * KIB
"""What a hub's client keeps about one file, or a pointer in its place; three lines."""

MIN_MANIFEST_SAMPLE: Final = 8
"""Files that are read when a manifest is checked on a sample; all where there are no more."""

MANIFEST_SAMPLE_SHARE: Final = 10
"""One of so many files is in the sample, where that is more than `MIN_MANIFEST_SAMPLE`."""

MAX_REMEMBERED_BYTES: Final = 512 * MIB
"""What is remembered of the files of one signature: some 200 bytes for each of `MAX_FILES`."""

MAX_REMEMBERED: Final = 64
"""Signatures whose files are remembered; the oldest are forgotten first."""

MAX_CHECK_ENTRY_BYTES: Final = 64 * MIB
"""What is remembered of one check: some 300 bytes for each file and shard."""

MAX_REMEMBERED_CHECKS: Final = 64
"""Checks that are remembered; the oldest are forgotten first."""

MIN_STAMP_AGE_NS: Final = 2_000_000_000
"""Nanoseconds for which a file must have been left alone when it was read: a change within the
granularity of the file system's clock, two seconds at the worst (FAT), leaves no trace."""

MAX_WIDE_BUNDLE_BYTES: Final = 32 * MIB
"""A Sigstore bundle with a character outside ASCII, which none needs but in the notes of a log:
one such character makes Python keep four bytes for every character of its string."""

MAX_JSON_DEPTH: Final = 64
"""Nesting of any JSON from outside; the deepest legitimate document here has 7 levels."""

MAX_JSON_VALUES: Final = 5_000_000
"""Values of any JSON from outside, estimated by its commas and brackets: each takes up to 200
bytes of memory. `MAX_FILES` files in a statement have four each, the largest tokenizers two
million."""

MAX_KEY_FILE_BYTES: Final = 1 * MIB
"""A PEM file with a key or certificates."""

MAX_TOKEN_URI_CHARS: Final = 4096
"""A PKCS#11 URI; a path has at most as many bytes on Linux."""

MAX_CERTIFICATES: Final = 32
"""Certificates in a bundle or a trust file."""

MAX_CHAIN_DEPTH: Final = 8
"""Intermediate certificates in a path."""

MAX_SIGNATURE_BYTES: Final = 8 * KIB
"""A signature; ECDSA on P-521 needs 139 bytes in DER, ML-DSA-87 4627."""

MAX_TIMESTAMPS: Final = 32
"""Timestamps in one signature file, as many as other clients of the bundle format read."""

MAX_TIMESTAMP_BYTES: Final = 64 * KIB
"""One RFC 3161 response; with a chain of RSA certificates they have some 5 KiB."""

MAX_TIMESTAMP_URL_CHARS: Final = 2048
"""Address of a timestamp authority."""

MAX_TIMESTAMP_SECONDS: Final = 30
"""From asking a timestamp authority to the last byte of its answer; they take under a second."""

MAX_TIMESTAMP_INACCURACY_SECONDS: Final = 60
"""What an authority may say its clock is off by; public ones say a second or less."""

MAX_CLOCK_SKEW_SECONDS: Final = 300
"""By which the verifier's clock may be behind an authority's, as in Kerberos (RFC 4120 8.2)."""

MAX_LOG_ENTRY_BYTES: Final = 1 * MIB
"""One entry of a transparency log; it holds a signature and a certificate, some 3 KB."""

MAX_PROOF_HASHES: Final = 64
"""Steps from an entry of a log to its root: enough for every number of entries."""

MAX_CHECKPOINT_CHARS: Final = 16 * KIB
"""What a log signed about itself; some 300 characters, and some 150 for each witness."""

MAX_UNIX_SECONDS: Final = 253_402_300_799
"""The last second of the year 9999, beyond which Python has no times."""

MAX_TRUST_FILE_BYTES: Final = 1 * MIB
"""A trusted root or a client's trust configuration; the public instance's has 7 KB."""

MAX_IDENTITY_TOKEN_BYTES: Final = 64 * KIB
"""A token of an identity provider; some 2 KB."""

MAX_SERVICE_SECONDS: Final = 60
"""Waiting for an answer of a service that takes part in a keyless signature; a log that answers
when the entry is in its tree takes up to 20."""

MAX_SERVICE_ANSWER_BYTES: Final = 8 * MIB
"""An answer of such a service; the first version of the log repeats what it was sent."""

MAX_NAMED_PROBLEMS: Final = 20
"""Files that one message names; the rest are counted. A screen holds some forty lines."""

MAX_JSON_TABLE_BYTES: Final = 16 * MIB
"""A list of words as JSON in which keys are repeated, of which two readings are in memory; the
largest known has 2.4 MB."""

MAX_JSON_NUMBER_CHARS: Final = 128
"""Characters of an integer in JSON; tokenizers write 10**30 for "no limit", 31 characters."""

# -- claims ------------------------------------------------------------------------------------

MAX_STATEMENT_BYTES: Final = 32 * MIB
"""The statement within a claim; 100,000 single files as subjects take twenty."""

MAX_STATEMENT_RESOURCES: Final = 200_000
"""Subjects, or dependencies, or materials of one statement; platforms stop at some thousand."""

MAX_STATEMENT_PARAMETERS: Final = 20_000
"""Parameters of one build, the ones within others included; an event of a forge has some 500."""

MAX_STATEMENT_NAME_CHARS: Final = 4 * MIB
"""Characters of the dotted names of all parameters of one build: each repeats the names of what it
is in, so that a small statement could have names of a gigabyte."""

MAX_STATEMENT_TEXT_CHARS: Final = 8 * KIB
"""Characters of a name, of a URI or of a key in a statement; names are paths at the longest."""

MAX_STATEMENT_DIGESTS: Final = 32
"""Digests of one subject or dependency, of as many kinds; the framework knows some twenty."""

# -- recorded steps ----------------------------------------------------------------------------

MAX_STEP_ORDER_BYTES: Final = 64 * MIB
"""A command, its environment and the places that it may use: Linux takes a quarter of the stack,
some megabytes, for the first two."""

MAX_STEP_REPORT_BYTES: Final = 256 * MIB
"""What the runner of a step says at its end: the paths of all observed files, at the most."""

MAX_OBSERVED_FILES: Final = 50_000
"""Different files of which a step may be seen to read that nobody declared; further ones are
counted as not seen."""

MAX_SYSTEM_PATH_BYTES: Final = 4096
"""PATH_MAX of Linux: a longer path is no path."""

MAX_STEP_GRACE_SECONDS: Final = 10
"""Seconds that a step gets to end when it is asked to, and its children when it has ended."""

MAX_ENDING_ROUNDS: Final = 1000
"""How often what a step left behind is looked for and ended; each round ends one generation."""

MAX_PACKAGES: Final = 20_000
"""Installed packages of an environment; large ones have some hundreds."""

MAX_PACKAGE_RECORD_BYTES: Final = 64 * MIB
"""The list of a package's files with their digests; the largest has some megabytes."""

MAX_GIT_OUTPUT_BYTES: Final = 256 * MIB
"""What git lists of a checkout; a million files take some ten megabytes."""

MAX_GIT_SECONDS: Final = 600
"""Seconds that one question to git may take; a large checkout on a cold disk takes minutes."""

MAX_NAMED_FILES: Final = 1000
"""Single files that a build's statement names one by one; the rest are counted."""

MAX_PARAMETERS: Final = 1000
"""Parameters of a step that a statement names; people give some ten."""

# -- scanning ----------------------------------------------------------------------------------

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

MAX_SCAN_SECONDS: Final = 20.0
"""Wall-clock seconds that the scan of one file may take: four times what a pickle of
`MAX_PICKLE_OPCODES` takes, and little enough that a command about one file ends within 30."""

MAX_RESCAN_SECONDS: Final = 120.0
"""Processor seconds that the scan of a file right before it is loaded may take, in the program's
own process: far more than a file takes that passed a scan before."""

ARTIFACT_SCAN_SECONDS: Final = 25.0
"""Wall-clock seconds that the scan of an artifact may take, before what its files add."""

SCAN_SECONDS_PER_FILE: Final = 0.005
"""Seconds that each file adds to the time for its artifact; 2,000 small files take half a second
together."""

SCAN_BYTES_PER_SECOND: Final = 8 * MIB
"""Bytes of a file that add a second to the time for its artifact, a fifth of the machine's pace on
plain data: a hostile artifact of many files buys time only with size."""

MAX_TIMED_BYTES: Final = 160 * MIB
"""Bytes of one file that add to the time for its artifact, `MAX_SCAN_SECONDS` worth of them: what
follows is numbers, which are not read."""

WORKER_GRACE_SECONDS: Final = 2.0
"""Seconds after a file's time is used up in which its worker may still report what it found,
before it is killed."""

MAX_WORKER_START_SECONDS: Final = 20.0
"""Seconds in which a confined worker has to start; it takes a tenth of one."""

MAX_WORKER_MEMORY_BYTES: Final = 896 * MIB
"""Address space of a confined worker, so that a command stays under 1 GiB. The machine takes some
40 bytes for an opcode of plain data: ten million of them fit."""

MAX_WORKER_CPU_SECONDS: Final = 3600
"""Processor time of a worker over all its files, for the case that nobody is left to kill it."""

MAX_WORKER_ANSWER_BYTES: Final = 16 * MIB
"""What a worker may say of one file: `MAX_FINDINGS_PER_FILE` findings and as many gaps, with four
lines of evidence each."""

MAX_WORKER_INLINE_BYTES: Final = 64 * KIB
"""Files up to this size are sent to the worker whole; a larger one is read by it."""

MAX_WORKER_READ_BYTES: Final = 4 * MIB
"""Bytes that a worker without the file's descriptor may ask for at a time."""

MAX_MESSAGE_CHARS: Final = 1000
"""Characters of a finding's message or a gap's reason that leave the worker."""

MAX_EVIDENCE_LINES: Final = 20
"""Lines of evidence of one finding that leave the worker."""

MAX_FINDINGS_PER_FILE: Final = 1000
"""Findings kept for one file; the rest are counted in a gap."""

MAX_EVIDENCE_CHARS: Final = 400
"""Characters of one line of evidence."""

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

MAX_ARCHIVE_MEMBERS: Final = 200_000
"""Members of one archive."""

MAX_ARCHIVE_DIRECTORY_BYTES: Final = 64 * MIB
"""A zip's central directory."""

MAX_MEMBER_BYTES: Final = 256 * MIB
"""An archive member that is read whole."""

MAX_ARCHIVE_RATIO: Final = 1100
"""Inflated over stored bytes of a member; deflate cannot exceed 1032 (RFC 1951)."""

MAX_ARCHIVE_NESTING: Final = 6
"""Archives within archives."""

MAX_INFLATED_BYTES: Final = 512 * MIB
"""Everything that the scan of one file inflates, its archives' archives included."""

MAX_STREAMED_BYTES: Final = 4 * GIB
"""Content of one compressed file that is read in pieces and not held, some ten seconds of zlib."""

MAX_SCANNED_MEMBERS: Final = 400_000
"""Members of all archives within one file; twice what one archive may have."""

MAX_CHECKSUM_BYTES: Final = 4 * MIB
"""An uncompressed member whose checksum is compared: larger ones are numbers as a rule, of which
no scan needs more than the start."""

MAX_DECODER_MEMORY: Final = 192 * MIB
"""Working memory of a decompressor; `xz -9` needs 65 MiB, `zstd --ultra -22` 128."""

MAX_TAR_HEADER_BYTES: Final = 1 * MIB
"""An extended header of a tar member: a long name, or the pax records of one member."""

MAX_TAR_CHAIN: Final = 16
"""Extended headers before one tar member; writers use two."""

MAX_SEVEN_ZIP_HEADER_BYTES: Final = 16 * MIB
"""A 7z archive's header, packed or not; 100,000 members take some five."""

MAX_SEVEN_ZIP_FOLDERS: Final = 100_000
"""Packed streams of a 7z archive; one for each member at most."""

MAX_SEVEN_ZIP_CODERS: Final = 4
"""Filters and compressors behind each other in a 7z stream, as many as liblzma chains."""

MAX_CODE_BYTES: Final = 32 * MIB
"""TorchScript source of one member; a traced model of 10,000 layers has four."""

MAX_EXPRESSION_CHARS: Final = 4096
"""A symbolic size of an exported program."""

MAX_SAFETENSORS_HEADER_BYTES: Final = 100_000_000
"""The safetensors header; the reference implementation's own bound."""

MAX_TENSORS: Final = 1_000_000
"""Tensors in one file."""

MAX_TENSOR_RANK: Final = 64
"""Dimensions of a tensor; NumPy 2 allows 64."""

MAX_REPEATED_VALUES: Final = 200_000
"""Values of a checkpoint's state that are walked because a container occurs more than once. Models
that share parts repeat some hundred; a kilobyte can repeat a container 2 ** 300 times."""

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

MAX_TEXT_BYTES: Final = 64 * MIB
"""A text, JSON or Python file that a rule reads whole."""

MAX_PYTHON_SOURCE_BYTES: Final = 2 * MIB
"""A Python file; its syntax tree takes some hundred times as much memory. The largest modelling
file of the transformers library has 300 KiB."""

MAX_GRAPH_SOURCE_CHARS: Final = 512 * KIB
"""The source of all graph modules of one pickle; its syntax tree takes up to 700 times as much
memory. That of a network of a thousand layers has some 300 KiB."""

MAX_GRAPH_ATTRIBUTES: Final = 1_000_000
"""Attributes of the modules within graph modules of one pickle, counted as often as a graph module
holds them; a layer has some twenty."""

MAX_GRAPH_LITERAL_CHARS: Final = 256
"""Characters of a text in the source of a graph module, and of a module's name."""

MAX_PYTHON_NAME_CHARS: Final = 256
"""Characters of a dotted name that is followed through a Python file."""

MAX_PYTHON_ALIASES: Final = 64
"""Things that one name of a Python file may stand for."""

MAX_SCAN_JOBS: Final = 64
"""Files that are examined at the same time; each takes a process."""

MAX_STREAM_BYTES: Final = 1 * GIB
"""A file that cannot seek, read into memory; larger ones are scanned by their path."""

# -- other scanners ----------------------------------------------------------------------------

MAX_OTHER_SCANNERS: Final = 16
"""Other scanners that one run asks."""

MAX_SCANNER_SECONDS: Final = 300
"""Wall-clock and CPU seconds of another scanner; ClamAV alone reads its signatures for twenty."""

MAX_SCANNER_OUTPUT_BYTES: Final = 16 * MIB
"""What another scanner may print or report."""

MAX_SCANNER_MEMORY_BYTES: Final = 16 * GIB
"""Address space of another scanner; one that imports TensorFlow reserves ten."""

MAX_SCANNER_WRITE_BYTES: Final = 1 * GIB
"""One temporary file of another scanner; they unpack archives."""

MAX_SCANNER_FINDINGS: Final = 10_000
"""Findings and complaints of another scanner that are kept; the rest are counted in a gap."""

# -- results that are kept ---------------------------------------------------------------------

MAX_CACHE_BYTES: Final = 64 * MIB
"""All kept scan results together; the oldest go first."""

MAX_CACHE_ENTRY_BYTES: Final = 256 * KIB
"""One kept scan result; a thousand findings with short evidence."""

MAX_CACHED_FILE_BYTES: Final = 64 * MIB
"""A file whose result is kept; it is read and hashed once more, into memory, for that."""

MIN_CACHED_SECONDS: Final = 0.1
"""What is examined sooner is examined again: looking for a result costs as much."""

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

MAX_ARROW_SCHEMA_BYTES: Final = 16 * MIB
"""An Arrow schema; a thousand columns make a hundred kilobytes."""

MAX_PARQUET_FOOTER_BYTES: Final = 64 * MIB
"""A Parquet file's footer; its statistics of columns make some megabytes."""

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

MAX_R_ITEMS: Final = 5_000_000
"""Objects in one R serialization, each of which takes a step; a data frame has one for a column
and one for every string."""

MAX_R_DEPTH: Final = 5_000_000
"""Objects of an R serialization that are begun and not ended: lists nest in their rest."""

MAX_R_NAMES: Final = 1000
"""Places of code, and names of functions that are called, kept of one R serialization."""

MAX_UBJSON_VALUES: Final = 20_000_000
"""Values outside typed arrays in one UBJSON file; those of XGBoost keep numbers in typed ones."""

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

# -- policy ------------------------------------------------------------------------------------

MAX_POLICY_BYTES: Final = 1 * MIB
"""A policy file."""

MAX_POLICY_RULES: Final = 1000
"""Rules in a policy."""

MAX_POLICY_SIGNERS: Final = 100
"""Trust entries that one rule accepts signatures of."""

MAX_ISOLATION_MEMORY_MIB: Final = 16 * 1024 * 1024
"""MiB of address space that a rule can give to a program: 16 TiB, what no machine reaches."""

MAX_ISOLATION_PROCESSES: Final = 1_000_000
"""Processes that a rule can give to a program."""

MAX_PATTERN_CHARS: Final = 1024
"""One glob in a policy."""

MAX_POLICY_LINE_CHARS: Final = 4 * KIB
"""Characters of one line of a policy: TOML's dotted keys cost the square of their parts."""

MAX_POLICY_PROBLEMS: Final = 100
"""Problems of a policy file that are named; the rest are counted."""

MAX_REFERENCE_CHARS: Final = 4096
"""Characters of a reference that a rule may match; a longer one matches no rule."""

MAX_REASONS_PER_CODE: Final = 200
"""Reasons of one code that a verdict names; the rest are counted."""

MAX_RECEIPT_AGE_SECONDS: Final = 3650 * 24 * 60 * 60
"""The greatest age that a policy may let a receipt have: ten years."""

MAX_LINEAGE_ARTIFACTS: Final = 1000
"""Artifacts that are looked at in one lineage, under each name that a build calls them by."""

MAX_LINEAGE_LINKS: Final = 20_000
"""Builds and their inputs in one lineage, as often as an artifact has them; a build with long
parameters counts as more. A claim can be about many artifacts: a small file could have millions."""

LINEAGE_LINK_CHARS: Final = 1024
"""Characters of a build's parameters that count as one more of `MAX_LINEAGE_LINKS`: some commands
have as many, and every artifact of a build shows them again."""

MAX_DRAWN_GENERATIONS: Final = 64
"""Generations of a lineage that a drawn tree has, as many as a rule can allow: each moves its lines
to the right."""

# -- records -----------------------------------------------------------------------------------

MAX_REPORT_ITEMS: Final = 2000
"""Files, and findings of one file, that a report in HTML lists; browsers stay quick with that."""

MAX_TEXT_ITEMS: Final = 20
"""Items of one list in output for people; the rest are counted, and JSON has them all."""

# -- loading -----------------------------------------------------------------------------------

HELD_INLINE_BYTES: Final = 64 * KIB
"""Files up to this size are held as plain bytes, larger ones in sealed memory of their own."""

HUGE_PAGE_BYTES: Final = 2 * MIB
"""A huge page of x86-64, and of ARM with pages of 4 KiB; elsewhere the value costs speed only."""

MAX_SEALED_FILES: Final = 128
"""Held files with a descriptor of their own; each takes up to three of the usual 1024 (itself and
two mappings). Further files are held in anonymous memory, at the price of a copy for PyTorch."""

MAX_SHOWN_DESCRIPTORS: Final = 256
"""Files that a directory of links shows, a descriptor each, and a quarter of what the process may
have at the most; models of more files are copied to the store."""

MAX_GUARD_ARTIFACTS: Final = 8
"""Artifacts whose verified bytes a guarded process keeps for later loads of their other files; the
one that was used least recently goes first."""

MAX_CONFIG_BYTES: Final = 16 * MIB
"""A JSON file beside the weights that is looked through before a framework reads it; the largest
are indexes of shards, of some 10 MB."""

MAX_ORDER_BYTES: Final = 2 * MAX_POLICY_BYTES + 64 * KIB
"""The file that tells guarded children what to enforce: a policy as JSON text, and some paths."""

MAX_FRONT_MATTER_BYTES: Final = 64 * KIB
"""Bytes of a model card in which its front matter has to end. Real ones take some kilobytes; those
with long lists of evaluations some tens."""

# -- converting --------------------------------------------------------------------------------

CONVERT_BLOCK_BYTES: Final = 1 * MIB
"""Bytes of a tensor that are read and written at a time."""

CONVERT_WINDOW_BYTES: Final = 8 * MIB
"""Bytes of a file in which the elements of a tensor are put in order at a time; up to twice as many
are read where its rows overlap."""

MAX_CONVERT_RATIO: Final = 16
"""Bytes of the tensors that are written over bytes of the checkpoint. Views of one storage and
dimensions of stride zero take no room in a checkpoint: a few bytes of one could fill any disk."""

MIN_CONVERT_ROOM: Final = 64 * MIB
"""Bytes that may be written whatever the ratio is."""

MAX_CONVERT_FILES: Final = 512
"""Checkpoints of one model; each is open meanwhile. The largest models have about 200 shards."""

MAX_CONVERT_NOTES: Final = 1_000_000
"""Values in the notes on a state dict; PyTorch has one for each module."""

MAX_BILL_ITEMS: Final = 20_000
"""Builds, and what they used, that a bill of materials lists: readers hold all of it in memory. A
build with every package of an environment has some hundred."""

# -- the test instance of Sigstore -------------------------------------------------------------

MAX_INSTANCE_REQUEST_BYTES: Final = 1 * MIB
"""Bytes of a request to the loopback test instance: its clients send digests, keys and
signatures, a few kilobytes."""

MAX_INSTANCE_IDLE_SECONDS: Final = 5
"""Seconds for which a connection to it may say nothing."""
