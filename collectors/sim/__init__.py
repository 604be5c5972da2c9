"""Agents that are not there: captures and whole fleets, served to any SNMP client."""
