"""The status collector: this host at a live rate, and at the step into series.

Entry:
    main            the daemon `tocsin-status`
    collector       its jobs, and its answers
    live            passes at a rate, in memory, whoever asks

What somebody wants:
    settings        what only its settings file has
    odinfile        the section of an odin-control server's file that says the same
    wishes          both in plain words, and what is wrong with them

What is read:
    passes          one reading of everything that is wanted, as values
    watcher         takes passes
    gathering       what was read becomes things of a pass
    states          in which state each is, and since when
    paces           what is read more seldom than passes are taken
    beside          asks what may never answer
    ways            what reads this host: /proc, or psutil
    hostreading     the items that answer at once
    hostfiles       their figures from /proc
    hostpsutil      their figures by psutil
    shares          shares of the time of processors
    disks           room of filesystems
    sensors         temperatures and fans
    units           units of systemd that failed
    processes       processes by name
    asleep          who is not read in each pass
    names           who is meant by one
    family          who is shown for those that were found
    rows            what series get of them

The tree:
    tree            a pass as branches and leaves, and what is answered from it
    leaves          what the leaves are
    api             what is answered to a request
    treeserver      serves that on the loopback
    pieces          answers to the hub that are too large for one message

What is wrong:
    troubles        with the things that are watched
    itemevents      told by the collector, where no device has the thing
"""
