"""Bounds of policies and of judging by them."""

from typing import Final

from weighbridge.core.limits.units import KIB, MIB

MAX_POLICY_BYTES: Final = 1 * MIB
"""A policy file."""

MAX_POLICY_RULES: Final = 1000
"""Rules in a policy."""

MAX_POLICY_SIGNERS: Final = 100
"""Trust entries that one rule accepts signatures of."""

MAX_ISOLATION_MEMORY_MIB: Final = 16 * 1024 * 1024
"""MiB of memory or of a file that a rule can give to a program: 16 TiB, what no machine reaches."""

MAX_ISOLATION_PROCESSES: Final = 1_000_000
"""Processes that a rule can give to a program."""

MAX_ISOLATION_OPEN_FILES: Final = 1 << 20
"""Descriptors that a rule can give to a process: what Linux lets no process exceed by itself."""

MAX_ISOLATION_SECONDS: Final = 10 * 366 * 24 * 60 * 60
"""Seconds that a rule can give to a program: ten years."""

MAX_ISOLATION_ENDPOINTS: Final = 64
"""Ports that a rule lists for a program to be asked at, and as many that it may connect to."""

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
