"""The scenario that a fleet goes by when none is given."""

from __future__ import annotations

DEFAULT = """\
# A scenario of Tocsin's simulated fleet (docs/simulation.md).
#
# Times are 500ms, 90s, 5m, 1h30m, 2d; memory is 512KiB, 20MiB, 1GiB; parts are 5%.
# `every` is a mean for each device: the moments are drawn from the seed, and are the same for the same seed.
# What is missing up to --processes is filled up with processes to which nothing happens.

programs:
  - name: nginx
    path: /usr/sbin/nginx
    parameters: "-g daemon off; worker {n}"      # {n} counts the processes of a program on a device
    count: 4
    cpu: [0%, 5%]                                # of one CPU, drawn for each process
    memory: [10MiB, 60MiB]
    restarts: {every: 1h}                        # one of them ends, and another one begins at once

  - name: postgres
    path: /usr/lib/postgresql/16/bin/postgres
    parameters: "-D /var/lib/postgresql/16/main backend {n}"
    count: [4, 12]
    on: 40%                                      # of the devices have it
    cpu: [0%, 20%]
    memory: [20MiB, 400MiB]
    churns: {every: 45s, for: 30s}               # one more begins, and ends after that time

  - name: orders
    path: /srv/orders/bin/orders
    parameters: "--port 8080 --workers 4"
    cpu: [1%, 30%]
    memory: 180MiB
    leaks: {by: 40MiB, per: 1h}
    dies: {every: 4h, for: 5m}                   # one of them ends, and begins again after that time
    restarts: {every: 8h, same_pid: true}        # its process id is used again

  - name: mailq
    path: /usr/libexec/mailq
    parameters: "--spool /var/spool/mail {n}"
    count: 2
    on: 30%
    stops: {every: 6h, for: 10m}                 # all of them end
    flaps: {every: 12h, times: 8, within: 15m}   # one is restarted so many times

agents:
  silent: {every: 6h, for: 4m, on: 10%}          # nothing is answered
  slow: {every: 4h, for: 5m, by: 1500ms, on: 10%}
  truncated: {every: 8h, for: 3m, keep: 40%, on: 10%}   # the table ends early
  only_agent: {every: 12h, for: 2m, on: 5%}      # the table has the agent's own process alone
  non_increasing: {every: 12h, for: 3m, on: 5%}  # a walk goes round and round
  too_big: {every: 8h, for: 10m, over: 1KiB, on: 10%}   # larger answers are refused
  lossy: {every: 4h, for: 10m, one_in: 5, on: 10%}      # every fifth request is not answered
  restarts: {every: 12h, for: 5s, on: 20%}       # sysUpTime begins again at 0
  reboots: {every: 2d, for: 90s, on: 20%}        # hrSystemUptime too, and all processes are new
"""
