"""The writer process: the only one that changes files of the RRD folder (`rrdwriter` is its program).

Samples:
    writer              from the spool to their files
    holding             which wait for more of their file
    waiting             how they wait
    stuck               files that cannot be written now
    files               the folder: create, update, convert, set aside
    growth              whether there may be one more
    seriesfile          one file
    undo                what it was before the update that is under way
    copying             keeps what an outage would blank
    baselinewriting     keeps the files in which something is learned

Other layouts:
    differing           in which way a file is not as its samples want it
    conversions         which are to be converted, and when
    convert             builds a file from one or several
    oldfile             one of these
    resampling          rows of one resolution made from rows of others

Orders of the daemon:
    desk                carries them out, a slice at a time
    converting          have files converted
    purge               have files of devices that have left deleted
"""
