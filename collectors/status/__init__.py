"""The status collector: this host at a live rate, and at the step into series.

What somebody wants:
    settings        what only its settings file has
    odinfile        the section of an odin-control server's file that says the same
    wishes          both in plain words, and what is wrong with them

What is read:
    passes          one reading of everything that is wanted, as values
    watcher         takes passes
    rows            what series get of them

The tree:
    tree            a pass as branches and leaves, and what is answered from it
    leaves          what the leaves are
"""
