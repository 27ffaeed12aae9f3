"""What holds for every test: nothing of this machine's AWS settings or signals, no deadline that a busy one misses."""

from __future__ import annotations

import os
import signal

import hypothesis

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
