"""Small fleets for tests."""

from __future__ import annotations

from collectors.sim.default import DEFAULT
from collectors.sim.responder import Responder
from collectors.sim.scenario import Scenario, read_scenario
from collectors.sim.secured import Secured
from collectors.sim.users import User
from collectors.sim.world import World

BEGAN = 1_800_000_000.0
COMMUNITY = "public"
RESTLESS = """
programs:
  - {name: web, path: /usr/bin/web, parameters: "-n {n}", count: 4, cpu: [1%, 50%], restarts: {every: 60s}}
  - {name: old, path: /usr/bin/old, count: 2, cpu: 20%, restarts: {every: 90s, same_pid: true}}
  - {name: db, path: /usr/bin/db, count: [1, 3], dies: {every: 2m, for: 30s}, churns: {every: 20s, for: 45s}}
  - {name: mail, path: /usr/bin/mail, count: 2, stops: {every: 3m, for: 1m}, flaps: {every: 4m, times: 5, within: 1m}}
  - {name: leaky, path: /usr/bin/leaky, memory: 10MiB, leaks: {by: 60MiB, per: 1h}}
agents:
  reboots: {every: 10m, for: 40s}
  restarts: {every: 8m, for: 5s}
  silent: {every: 5m, for: 30s}
"""


def scenario(text: str = DEFAULT) -> Scenario:
    return read_scenario(text, "test")


def world(text: str = "", devices: int = 1, processes: int = 40, seed: int = 7) -> World:
    return World(scenario(text), devices, processes, seed)


def responder(of: Scenario | None = None, user: User | None = None) -> Responder:
    return Responder(COMMUNITY, (of or Scenario()).agents, BEGAN, Secured(user) if user is not None else None)


def ailing(name: str, words: str = "") -> tuple[World, Responder]:
    """A host whose agent has an ailment from its first second on, and does not get well."""
    text = f"agents: {{{name}: {{every: 1ms, for: 10d{words}}}}}"
    made = world(text)
    made.advance(1.0)
    return made, responder(scenario(text))
