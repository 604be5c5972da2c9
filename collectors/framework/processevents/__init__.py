"""What Linux tells of processes as it happens, and what is made of it between two scans.

Events wake, scans decide: docs/adr/0019 has the reasons. From the kernel upwards:

    messages    bytes of the connector
    connector   the socket that they come from
    access      why it cannot be had here
    pace        how much is listened to, and how often a scan out of turn is due
    lives       which watched processes began and ended since the last scan
    oom         whether one was killed for want of memory
    values      what is handed on
    source      a process source that joins all this with another one, which scans
"""
