"""Figures on their way to other systems: those who fetch them, and those that want them brought.

Fetched (`[metrics]`):
    metricspage     the page, served over HTTP
    pageport        the port it has, or waits for
    pagedoor        its door: how many may come, and with what
    openmetrics     last values as its lines
    selfmetrics     the daemon's own figures on it

Brought (`[remote_write]`):
    remotewrite     the sending process, as the daemon sees it
    sendingprocess  its program
    sendingtask     what the two tell each other
    sending         what is sent when, and what waits
    posting         one request, and what its answer means
    deadline        an end to a request that takes too long
    writerequest    samples as a request

Both:
    joined          all of them
    names           what a series is called there
    listen          where to listen, as a setting says it
    settings        the sections of the settings file
"""
