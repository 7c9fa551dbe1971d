"""Bounds of a scan, of its worker and of other scanners."""

from typing import Final

from weighbridge.core.limits.units import GIB, KIB, MIB

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

MAX_SCAN_JOBS: Final = 64
"""Files that are examined at the same time; each takes a process."""

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
