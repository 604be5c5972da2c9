"""What becomes of the readings of sources, whatever collector reads them.

Readings:
    results     what a reading of a source is
    taking      what becomes of it
"""
