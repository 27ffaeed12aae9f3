"""What holds for every test: nothing of this machine's settings, home or signals, no deadline of Hypothesis.

And how many run at once, and how seldom garbage is looked for among them.
"""

from __future__ import annotations

import atexit
import gc
import os
import shutil
import signal
import sys
import tempfile

import hypothesis
import pytest

pytest_plugins = ("tests.embedded",)

hypothesis.settings.register_profile("qlikops", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow])
hypothesis.settings.load_profile("qlikops")

# A shell's background job ignores SIGINT, and nohup's SIGHUP; what tests start and interrupt would inherit that.
signal.signal(signal.SIGINT, signal.default_int_handler)
signal.signal(signal.SIGHUP, signal.SIG_DFL)

for name in list(os.environ):
    if name.startswith(("AWS_", "QLIKOPS_")):
        del os.environ[name]
os.environ |= {
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    "AWS_EC2_METADATA_DISABLED": "true",
}

# Commands write there: settings, state, the shell's completion.
os.environ["HOME"] = tempfile.mkdtemp(prefix="qlikops-home-")
atexit.register(shutil.rmtree, os.environ["HOME"], ignore_errors=True)
for name in [name for name in os.environ if name.startswith("XDG_")]:
    del os.environ[name]


def pytest_collection_finish() -> None:
    """Spares the garbage collector the tests and modules that all live to the end, and most of its many small rounds.

    A fifth of the CPU time of a story with the console went there.
    """
    gc.freeze()
    gc.set_threshold(50_000)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """Half as many again as there are cores: a story of the console waits for a third of its time."""
    cores = len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 2
    return max(2, cores * 3 // 2)
