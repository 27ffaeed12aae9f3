"""Servers from poll to poll: how old the state of their tasks is, what they have left, and when that is read again."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from qlikops.domain.fleet.task import ServerFacts, TaskKey
from qlikops.domain.runs.snapshot import FleetSnapshot


def due(servers: Sequence[ServerFacts], previous: FleetSnapshot | None, every: int) -> list[TaskKey]:
    """The servers that this run asks for their health: each at every `every`th run, 0 for none, as many in each run.

    What has never been read comes first, then what was read longest ago.
    """
    known = _by_key(previous)
    runs_ago = {server.key: known[server.key].health for server in servers if server.key in known}
    waited = {key: health.runs_ago + 1 if health else every for key, health in runs_ago.items()}
    longest_first = sorted((-waited.get(server.key, every), server.key) for server in servers)
    most = math.ceil(len(servers) / every) if every else 0
    return [key for waits, key in longest_first[:most] if -waits >= every]


def remembering(
    servers: Sequence[ServerFacts], previous: FleetSnapshot | None, now: datetime, asked_at: datetime
) -> list[ServerFacts]:
    """`servers`, asked for at `asked_at`, with what the poll before knew of them: the age of their tasks' state, and
    their health.
    """
    known = _by_key(previous)
    return [_remembering(server, known.get(server.key), now, asked_at) for server in servers]


def unread(servers: Sequence[ServerFacts], previous: FleetSnapshot | None) -> tuple[ServerFacts, ...]:
    """What was known of the servers for which their whole Enterprise Manager stands among `servers`."""
    listed, failed = {server.key for server in servers}, [server for server in servers if server.error_code]
    gone = [known for key, known in _by_key(previous).items() if key not in listed]
    return tuple(known for known in gone if any(server.key.covers(known.key) for server in failed))


def _remembering(server: ServerFacts, before: ServerFacts | None, now: datetime, asked_at: datetime) -> ServerFacts:
    fetched, health = server.fetched, server.health
    if fetched:
        fetched = fetched.dated(now, before.fetched if before else None, asked_at)
    if health:
        health = replace(health, read_at=now)
    elif before and before.health:
        health = replace(before.health, runs_ago=before.health.runs_ago + 1)
    return replace(server, fetched=fetched, health=health)


def _by_key(snapshot: FleetSnapshot | None) -> dict[TaskKey, ServerFacts]:
    return {server.key: server for server in (*snapshot.unread_servers, *snapshot.servers)} if snapshot else {}
