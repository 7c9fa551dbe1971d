"""
Which system calls are let pass, refused or asked about, by name; one list for everything confined.

What runs a program, one of ours or somebody's, takes from here: our own parsers get `PARSING` and
nothing else; programs that are not ours get everything but the rest of this module.
"""

from typing import Final

PARSING: Final = (
    *("access", "brk", "clock_getres", "clock_gettime", "clock_nanosleep", "close", "dup"),
    *("exit", "exit_group", "faccessat", "fstat", "futex", "getcwd", "getdents64"),
    *("getegid", "geteuid", "getgid", "getpid", "getrandom", "getrlimit", "getrusage"),
    *("gettid", "gettimeofday", "getuid", "lseek", "lstat", "madvise", "membarrier", "mremap"),
    *("munmap", "nanosleep", "newfstatat", "poll", "ppoll", "pread64", "read", "readlink"),
    *("readlinkat", "readv", "recvfrom", "recvmsg", "restart_syscall", "rseq"),
    *("rt_sigaction", "rt_sigprocmask", "rt_sigreturn", "sched_getaffinity", "sched_yield"),
    *("sendmsg", "sendto", "set_robust_list", "sigaltstack", "stat", "statx", "sysinfo"),
    *("uname", "write", "writev"),
)
"""What a parser needs. By their arguments `openat`, `mmap`, `mprotect` and `fcntl` pass as well."""

TOLD: Final = (
    *("open", "openat", "openat2", "creat", "execve", "execveat"),
    *("rename", "renameat", "renameat2", "link", "linkat"),
    *("setns", "chroot", "pivot_root", "open_by_handle_at"),
)
"""What opens, runs and renames files, or changes what paths mean."""

KERNEL: Final = (
    *("unshare", "setns", "chroot", "fchroot", "pivot_root", "mount", "umount2", "open_tree"),
    *("open_tree_attr", "move_mount", "fsopen", "fsconfig", "fsmount", "fspick", "mount_setattr"),
    *("open_by_handle_at", "pidfd_getfd", "bpf", "perf_event_open", "userfaultfd"),
    *("add_key", "request_key", "keyctl", "init_module", "finit_module", "delete_module"),
    *("kexec_load", "kexec_file_load", "swapon", "swapoff", "reboot", "settimeofday"),
    *("clock_settime", "sethostname", "setdomainname", "acct", "quotactl", "quotactl_fd"),
    *("iopl", "ioperm", "syslog", "fanotify_init", "inotify_add_watch", "cachestat"),
    *("file_getattr", "file_setattr", "statmount", "listmount", "listns"),
    # Of programs that nobody has any more; kernels had holes in them.
    *("modify_ldt", "uselib", "ustat", "sysfs", "lookup_dcookie", "vhangup"),
)
"""
What could undo or evade walls, change the machine, tell of mounts and namespaces, or tell what
others do with files that all have, such as the system's programs. No program that is confined needs
it.
"""

SHARED_BY_NUMBER: Final = (
    *("shmget", "shmat", "shmctl", "semget", "semop", "semtimedop", "semctl"),
    *("msgget", "msgsnd", "msgrcv", "msgctl", "mq_open", "mq_unlink"),
)
"""What is shared without a file: whoever guesses its number or name has it."""

ABSENT: Final = ("io_uring_setup", "io_uring_enter", "io_uring_register", "clone3")
"""Calls whose ways no filter sees; they are said not to be there, and programs do without."""

ACCEPTING: Final = ("bind", "listen", "accept", "accept4")
"""How connections are waited for. Landlock does not see a port that the kernel chooses."""

MODES_OWNERS_AND_TIMES: Final = (
    *("chmod", "fchmod", "fchmodat", "fchmodat2", "chown", "lchown", "fchown", "fchownat"),
    *("utime", "utimes", "futimesat", "utimensat"),
)
"""What changes files that Landlock lets be read, or does not let be opened at all."""

ATTRIBUTES: Final = (
    *("setxattr", "lsetxattr", "fsetxattr", "getxattr", "lgetxattr", "fgetxattr", "listxattr"),
    *("llistxattr", "flistxattr", "removexattr", "lremovexattr", "fremovexattr"),
    *("setxattrat", "getxattrat", "listxattrat", "removexattrat"),
)
"""What files are annotated with."""

SCHEDULED: Final = ("sched_setparam", "sched_setscheduler", "sched_setattr")
"""How the process in the first argument is run; 0 is the caller."""

STARTING: Final = ("fork", "vfork", "execve", "execveat")
"""What starts processes and programs, besides `clone`."""

UNCOUNTED: Final = ("memfd_create", "memfd_secret", "splice", "tee")
"""Memory that no limit of a process counts."""
