"""Writes what is derived from the code: the JSON schema of the deployment file. Run it with `make generated`."""

from __future__ import annotations

import json
from pathlib import Path

from qlikops.deployment.choices import schema

ROOT = Path(__file__).parents[1]


def main() -> None:
    """Writes every derived file."""
    (ROOT / "deploy" / "qlikops.deploy.schema.json").write_text(json.dumps(schema(), indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
