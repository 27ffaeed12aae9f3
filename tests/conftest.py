"""What holds for every test: no AWS settings of this machine, no deadline that a busy machine could miss."""

from __future__ import annotations

import os

import hypothesis

hypothesis.settings.register_profile("qlikops", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow])
hypothesis.settings.load_profile("qlikops")

for name in list(os.environ):
    if name.startswith(("AWS_", "QLIKOPS_")):
        del os.environ[name]
os.environ |= {
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    "AWS_EC2_METADATA_DISABLED": "true",
}
