"""The SNMP collector: asks the agents of devices for what templates name, and pings them.

Pings:
    ping        echoes to many devices at once, and which answers count
    echo        echoes as bytes
    echosocket  the socket that they go through
    gate        whether a device answers, and whether anything else is to be asked of it
"""
