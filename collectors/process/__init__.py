"""The process collector: keeps the roll of what runs on each device.

A scan goes from top to bottom: a task has its device read, the tracker decides, what it says is told and kept.

Entry:
    main          the daemon `tocsin-process`
    settings      what only its settings file has
    collector     makes a task for each device, and answers questions about them
    report        one cycle in words, for `run --once`

One device:
    task          a cycle: scan, verify, decide, tell, keep
    backoff       how long a device may take to be scanned
    listening     who listens to process events, and how that goes

Reading:
    source_snmp   the process table over SNMP; that of this host is framework/source_local
    snmprows      columns of HOST-RESOURCES-MIB to columns of a table
    columns       a table as columns
    words         a column of few different words, a byte for each
    tables        whose processes a table shows
    doubt         whether a table over SNMP can be believed

Deciding:
    tracker       what a scan means for each set; all others here are its parts
    expectations  which sets have to run, and what is said of single ones
    restarts      what was started anew, as two scans show it
    happenings    the same, as process events tell it
    instances     whether a set runs more often than it may
    programs      programs that were replaced on disk, users that changed
    figures       data points of sets
    judging       thresholds on them
    flaws         derived points that cannot be computed

Telling:
    events        the events of a set
    reasons       why processes ended, in words
    crashloops    how often and how fast a set was restarted, in words
    statuses      sets as people are shown them
    points        the data points, and what they are measured in
    sampling      which samples are written: one of each series for each step

Keeping:
    memory        what is remembered of a device from scan to scan, and over restarts
    starts        since when processes are there, in little room
    rollbook/     who ran when
    evidence/     what was there when an alarm opened
"""
