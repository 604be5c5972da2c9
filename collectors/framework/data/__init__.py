"""Parts of the way of a sample from a task to its RRD file and back to the eye.

The way:
    spool/              where samples are durable until they are in their files
    writing/            the writer process: the only one that changes files
    reading/            the reader process: the only one that is asked

What lies in the RRD folder:
    rrdfile             a file as bytes
    index               whose series a file holds
    copies              what was known at full step before an outage
    copybook            what the index knows of these
    baselinefiles       where it is learned what is likely of a point

The processes, as the daemon sees them:
    child               one that is kept alive
    reports             what one tells
    writerprocess       the writer process
    orders              what it may be ordered to do with files
    given               orders that are not answered yet
    limits              how many files there may be
    room                how much of a disk is left free
"""
