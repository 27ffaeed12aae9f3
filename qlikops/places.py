"""Where qlikops keeps its files on this machine. Apart from all else, for what has no time to import more."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import platformdirs

APP = "qlikops"
CONFIG_VARIABLE, DATA_VARIABLE = "QLIKOPS_CONFIG", "QLIKOPS_DATA_DIR"
"""Where config.toml is, and where qlikops keeps its files."""


def config_path(environ: Mapping[str, str] = os.environ) -> Path:
    """Where config.toml is, or would be."""
    if given := environ.get(CONFIG_VARIABLE):
        return Path(given)
    return Path(platformdirs.user_config_dir(APP)) / "config.toml"


def data_dir(environ: Mapping[str, str] = os.environ) -> Path:
    """The folder for everything that qlikops keeps on this machine."""
    if given := environ.get(DATA_VARIABLE):
        return Path(given)
    return Path(platformdirs.user_data_dir(APP))
