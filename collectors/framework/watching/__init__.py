"""Whether the reactor goes on, and what holds it up when it does not.

Parts:
    watch       a thread that looks at its heart beat, and the events of what it saw
    stacks      where a thread stands, and for which task
"""
