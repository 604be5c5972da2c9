"""The parts that every collector daemon is made of.

`interfaces` has the seams between them and the collectors; `pbdaemon` joins them.

The daemon:
    interfaces      what a collector, its tasks and sources, and the daemon's parts are to each other
    pbdaemon        all parts, joined; the command line
    daemonsettings  its settings file
    once            one run in the foreground, beside a daemon that may be running
    watching/       whether the reactor goes on
    chain           services that build on one another
    enrolment/      how a host comes to its first certificate
    renewal         how it comes to the next ones
    name            the collector's own name

The hub:
    hubaddresses    where hubs may be
    linksettings    where the hub is, and how patient the link to it is
    hublink         the session: connect, log in, keep alive, come back
    hublink_remote  what the hub may call in it
    hubclient       who the daemon is to the hub, and its answers

Configs:
    held            what the hub has sent, made so
    configcache     the same on disk
    frames          of an append-only file
    rejections      configs that cannot be run
    leases          devices that are collected only as long as the hub is heard

Tasks:
    running/        what runs them: this process, or workers
    kit/            a collector in few lines
    scheduler       each once in each interval
    timing          when that is
    lanes           who waits for a place
    networks        which network a device is in, and how those that are silent are asked
    task            one task, as the scheduler sees it
    observing       who watches tasks
    alarms          tasks that failed as nobody foresaw

Devices:
    snmp/           SNMP for polling
    processtable    a process table
    source_local    the process table of this host
    local/          what reads that
    processevents/  what happens on this host between two scans
    captures/       what was read, recorded and replayed

Figures and thresholds:
    judging/        what becomes of the figures of a sample

Sources of templates:
    sources/        what becomes of their readings

Events:
    eventspool      the durable queue, with the states that they were decided from
    spooldb         its database
    spoolfile       a SQLite file that survives
    eventbytes      events as bytes that the hub is sure to take
    eventpump       hands them to the hub
    ownevents       those that a daemon raises about itself
    problems        what ails it

Samples:
    samplewriter    their way to disk, as the daemon sees it
    samplespool     where they are durable until then
    rrdwriter       the process that writes RRD files
    rrdreader       reading back, as the daemon sees it
    rrdqueries      the process that reads
    data/           parts of that way
    outlets/        figures on their way to other systems
    purging         files of devices that have left, deleted
    moving/         files of devices that go to another collector
    worker          one named thread for work that blocks

Figures of the daemon:
    selfstats       as series, for the heartbeat, for `stats`
    taskstats       how tasks fare
    stats           what is printed
"""
