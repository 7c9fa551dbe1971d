"""Bounds of claims and of the statements in them."""

from typing import Final

from weighbridge.core.limits.units import KIB, MIB

MAX_CLAIMS_BYTES: Final = 256 * MIB
"""A file of claims. A build's statement has some 5 KB, a parent's signature over 20,000 files
4.2 MB; like a signature it is read whole before anybody is known to have signed any of it."""

MAX_CLAIM_BYTES: Final = 64 * MIB
"""One claim, a line of that file: the signature of a parent with some 300,000 files."""

MAX_CLAIMS: Final = 1024
"""Claims about one model and its lineage, a line each: a hundred generations with ten each. Each
is held against every signer whom the policy can need, some milliseconds for each of them."""

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

MAX_PARTS: Final = 320_000
"""Parts of all files that one statement has digests of: a model of 1 TB in parts of 4 MiB and with
as many tensors as it takes. Each has some 90 bytes, which `MAX_STATEMENT_BYTES` allows for."""

MAX_PART_BYTES: Final = 16 * MIB
"""One part of a file: it is in memory while it is verified, and so are some others."""
