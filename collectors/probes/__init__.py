"""The collector of custom probes: drop a file in, get a series.

The daemon:
    main        its command
    verbs       what the command can do beside what all daemons can
    dryrun      a probe, tried by hand
    settings    its settings file
    allowing    which paths these allow
    collector   a job for each probe

One run:
    plan        which probes run for a device, and how
    found/      which there are on this host
    launch/     running programs of others so that none of them harms anybody
    output/     what they print, made figures
    handlers    the templates that say what the points are
    claims      who writes what
    readings    what becomes of a run
    troubles    what is wrong with it, in words

Figures that no probe of this host brings:
    pushed/     what somebody brings to the hub
    statsd/     what is sent in the form of statsd
    scraping/   pages and files in the text form of Prometheus
"""
