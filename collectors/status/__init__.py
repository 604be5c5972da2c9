"""The status collector: this host at a live rate, and at the step into series.

What is read:
    passes          one reading of everything that is wanted, as values
    watcher         takes passes
    rows            what series get of them
"""
