"""Which probes there are on this host.

saying      what a probe's file says of itself
safety      whose files are run, and whose not
folders     the files of the folders, looked at again and again
packages    probes that were installed as packages
commands    the program and the arguments of a source
users       whom probes run as
"""
