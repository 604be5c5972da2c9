"""Pages and files in the text form of Prometheus, read as sources.

page        samples of the metrics that are wanted, out of a text
fetching    the text: over HTTP, or from files of this host
readings    what a reading becomes
jobs        when each is read
"""
