"""SNMP for polling: a table-aware client of our own, and pysnmp behind the same seam."""
