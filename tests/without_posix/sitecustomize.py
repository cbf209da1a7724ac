"""Makes a Python, and all that it starts, one without what Windows lacks, where this folder is in PYTHONPATH.

Libraries still see Linux by `sys.platform`. What they then need remains: `SIGKILL`, `os.getuid`, `_posixsubprocess`.
psutil, which is made for each system, cannot be imported on a Linux without `sysconf`.
"""

import os
import signal
import sys

MODULES = ("fcntl", "resource", "pwd", "grp", "termios", "tty", "psutil")
CALLS = ("fork", "forkpty", "killpg", "register_at_fork", "sched_getaffinity", "sysconf", "O_CLOEXEC")
SIGNALS = ("SIGHUP", "SIGQUIT", "SIGALRM", "SIGUSR1", "SIGUSR2", "pthread_sigmask", "setitimer", "siginterrupt")

for name in MODULES:
    sys.modules[name] = None  # type: ignore[assignment]
for name in CALLS:
    if hasattr(os, name):
        delattr(os, name)
for name in SIGNALS:
    if hasattr(signal, name):
        delattr(signal, name)
