"""Where samples are durable until they are in their files.

Beside `samplespool`, the end that appends:
    intake              what may enter
    frames              how batches of samples lie there
    tail                the end that is read
"""
