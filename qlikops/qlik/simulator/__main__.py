"""`python -m qlikops.qlik.simulator`: serves a simulated fleet until it is told to end. Says nothing by itself."""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from pathlib import Path

from qlikops.qlik.simulator.fleet import SimulatedFleet
from qlikops.qlik.simulator.library import build_scenario
from qlikops.qlik.simulator.server import AdjustableClock, SimulatorServer


def main(arguments: Sequence[str] | None = None) -> int:
    """Serves until SIGTERM or SIGINT, then 0; 2 where it cannot begin."""
    options = _parser().parse_args(arguments)
    ended = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ended.set())
    clock = AdjustableClock(time.time)
    try:
        fleet = SimulatedFleet(build_scenario(options.scenario, options.seed), seed=options.seed, clock=clock)
        server = SimulatorServer(
            fleet,
            clock,
            accounts={options.username: options.password},
            port=options.port,
            latency_seconds=options.latency_seconds,
        )
    except (ValueError, OSError, OverflowError) as exc:
        print(f"simulator: {exc}", file=sys.stderr)  # noqa: T201 - a command of its own
        return 2
    with server:
        if options.ready_file:
            _write_ready(options.ready_file, server.base_url, options.username, options.password)
        ended.wait()
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m qlikops.qlik.simulator", description="A simulated Qlik Enterprise Manager on 127.0.0.1."
    )
    parser.add_argument("--port", type=int, default=0, help="0: a free one, see --ready-file")
    parser.add_argument("--scenario", default="demo", help="a name, or large:SERVERSxTASKS")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--ready-file", type=Path, help="written when it serves: base_url, username, password, pid")
    parser.add_argument("--username", default="monitor", help="with the domain, if there is to be one: user@domain")
    parser.add_argument("--password", default="simulated")
    parser.add_argument("--latency-seconds", type=float, default=0.0, help="that every call takes")
    return parser


def _write_ready(path: Path, base_url: str, username: str, password: str) -> None:
    """All at once, so that a reader of the file never sees half of it."""
    ready = {"base_url": base_url, "username": username, "password": password, "pid": os.getpid()}
    with tempfile.NamedTemporaryFile("w", dir=path.parent, delete=False) as file:
        json.dump(ready, file)
    Path(file.name).replace(path)


if __name__ == "__main__":
    sys.exit(main())
