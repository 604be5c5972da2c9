"""Running programs of others so that none of them harms anybody.

The daemon forks nothing itself: a small process of ours does, whose forks are cheap, and beside each probe stands one
more of it that ends what the probe has begun.

    orders      what crosses between the daemon and that process
    launcher    that process
    keeper      the one beside each probe: pipes, limits, the end
    limits      what a probe may use, and the ties of processes to each other
    tree        all that descends from a process, ended
    launching   the daemon's side
    pychild     the interpreter in which a probe that is a Python function runs
"""
