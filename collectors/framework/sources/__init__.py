"""What becomes of the readings of sources, whatever collector reads them.

Readings:
    results     what a reading of a source is
    taking      what becomes of those of a device
    checking    what of one can be taken
    plans       what it is judged and written by
    written     samples of each component, one for each step
    problems    what is wrong, and what of that is told
    endings     what ends without a reading
    memory      what is remembered
"""
