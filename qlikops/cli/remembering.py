"""What a command showed of an environment, kept for completion: names only, in a file that only its owner reads."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Mapping

from qlikops.cli.completion import FILE, SAFE, remembered
from qlikops.cli.context import Invocation
from qlikops.files import UnwritableFile, replace_text
from qlikops.places import data_dir

MOST = 1000
"""Names of each kind of a context."""
_MOST_CONTEXTS = 20


def remember(here: Invocation, context: str, kind: str, names: Mapping[str, str]) -> None:
    """Keeps `names`, each with what it is, in place of those of this kind that were kept. Never fails."""
    kept = remembered(here.environ)
    safe = {name: about[:60] for name, about in names.items() if SAFE.fullmatch(name)}
    written = (here.now().timestamp(), dict(list(safe.items())[:MOST]))
    # The one written last comes last, so that it is the oldest which goes.
    kept[context] = {**kept.pop(context, {}), kind: written}
    newest = dict(list(kept.items())[-_MOST_CONTEXTS:])
    with contextlib.suppress(UnwritableFile):
        replace_text(data_dir(here.environ) / FILE, json.dumps(newest))
