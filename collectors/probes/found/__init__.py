"""Which probes there are on this host.

Finding them:
    folders     the files of the folders, looked at again and again
    watching    that looking, beside the reactor
    packages    probes that were installed as packages

Whether and how they run:
    saying      what a probe's file says of itself
    safety      whose files are run, and whose not
    commands    the program and the arguments of a source
    users       whom probes run as
"""
