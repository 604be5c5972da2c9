"""What a simulated host serves: the system group, hrSystem, hrSWRunTable, hrSWRunPerfTable (RFC 3418, RFC 2790)."""

from __future__ import annotations

from collectors.framework.snmp.interfaces import Oid

SYSTEM: Oid = (1, 3, 6, 1, 2, 1, 1)
SYS_DESCR, SYS_OBJECT_ID, SYS_UPTIME, SYS_CONTACT, SYS_NAME, SYS_LOCATION, SYS_SERVICES = (
    (*SYSTEM, number, 0) for number in range(1, 8)
)
HOST: Oid = (1, 3, 6, 1, 2, 1, 25)
HR_SYSTEM_UPTIME, HR_SYSTEM_DATE = (*HOST, 1, 1, 0), (*HOST, 1, 2, 0)
HR_SYSTEM_NUM_USERS, HR_SYSTEM_PROCESSES, HR_SYSTEM_MAX_PROCESSES = (*HOST, 1, 5, 0), (*HOST, 1, 6, 0), (*HOST, 1, 7, 0)
HR_SW_OS_INDEX: Oid = (*HOST, 4, 1, 0)
HR_SW_RUN: Oid = (*HOST, 4, 2, 1)
HR_SW_RUN_PERF: Oid = (*HOST, 5, 1, 1)

INDEX, NAME, ID, PATH, PARAMETERS, TYPE, STATUS, CPU, MEMORY = range(9)
"""Columns of both tables, in the order of their OIDs."""
COLUMNS: tuple[Oid, ...] = (
    *((*HR_SW_RUN, number) for number in range(1, 8)),
    *((*HR_SW_RUN_PERF, number) for number in range(1, 3)),
)
RUNNING, RUNNABLE, INVALID = 1, 2, 4
"""Of hrSWRunStatus."""
OPERATING_SYSTEM, APPLICATION = 2, 4
"""Of hrSWRunType."""
NET_SNMP_LINUX: Oid = (1, 3, 6, 1, 4, 1, 8072, 3, 2, 10)
MOST_PARAMETERS_BYTES = 128
"""As net-snmp cuts hrSWRunParameters, and hrSWRunPath too."""
MOST_NAME_BYTES = 64
