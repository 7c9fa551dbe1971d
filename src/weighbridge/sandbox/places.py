"""What of the kernel's own files a confined program may read where those of the machine are."""

from typing import Final

OF_THE_MACHINE: Final = tuple(
    f"/proc/{name}"
    for name in ("cpuinfo", "meminfo", "stat", "version", "sys/kernel/random", "filesystems")
)
"""Of processors and memory; nothing of other processes, of users and of the network."""

OF_ITSELF: Final = tuple(
    f"/proc/self/{name}"
    for name in (
        *("auxv", "cgroup", "cmdline", "comm", "environ", "fd", "fdinfo", "io", "limits", "maps"),
        *("oom_score", "smaps", "smaps_rollup", "stat", "statm", "status"),
    )
)
"""Of the process that says so: nothing that tells of the network or of what is mounted."""
