"""`python -m tests.benchmarks.monitor_once EXECUTION_NAME`: the MonitorTasks handler once, as Lambda would call it.

In a process of its own, so that its memory is nobody else's. Prints `{"seconds", "peak_mb", "calls", "result"}`, where
`calls` are HTTP requests by port.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from collections import Counter
from datetime import UTC, datetime
from typing import Any

from qlikops.agent.handlers import monitor_tasks
from qlikops.domain.encoding import codec


class _TenMinutes:
    """Lambda's context, of a function that has just been invoked."""

    def get_remaining_time_in_millis(self) -> int:
        """What the template gives MonitorTasks."""
        return 600_000


def main(execution_name: str) -> None:
    """Everything else comes from the environment, as in Lambda."""
    event = {
        "execution_arn": f"arn:aws:states:eu-west-1:000000000000:execution:QlikMonitoringAgent:{execution_name}",
        "execution_name": execution_name,
        "started_at": codec.format_time(datetime.now(UTC)),
    }
    calls = Counter[int]()

    def count(event: str, arguments: tuple[Any, ...]) -> None:
        if event == "http.client.send":
            connection, data = arguments
            # Headers and body may be sent one after the other.
            calls[connection.port] += isinstance(data, bytes) and b" HTTP/1.1\r\n" in data[:4096]

    sys.addaudithook(count)
    began = time.perf_counter()
    result = monitor_tasks.handler(event, _TenMinutes())
    seconds = time.perf_counter() - began
    # Linux counts kilobytes, macOS bytes.
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1024 if sys.platform != "darwin" else 1024**2)
    json.dump({"seconds": seconds, "peak_mb": peak, "calls": calls, "result": result}, sys.stdout)


if __name__ == "__main__":
    main(sys.argv[1])
