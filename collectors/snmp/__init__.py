"""The SNMP collector: any objects of any agent, as templates say, and whether a device answers to pings.

Pure:
    recipe      a source, ready to be read
    plan        what is asked for the sources that are due, each object once
    readings    what an agent answered
    resting     objects that say nothing are asked less often
    join        rows of components, with their points
    naming      which component a row is
    flaws       what is wrong with a source, in words
    gate        whether anything is to be asked of a device that is pinged

Shell:
    reading     carries out a plan
    device      one device
    ping, echo, echosocket      pings
    collector   all devices
    main        the daemon
"""
