"""The kit: a whole collector daemon is a class with a name and jobs.

What jobs read becomes samples, alarms and events by `collectors.framework.sources`.

What one writes:
    jobs        a job, and what a run of it is told
    collector   the class to subclass
    program     its daemon and its command

What packages bring:
    installed   collectors of other packages
    command     `tocsin-collector`, which runs them

Behind it:
    adapted     a collector of the kit, as the framework sees it
    devicejobs  the jobs of a device, from one config to the next
    duesets     which intervals of a job are due
    task        a job as a task of the scheduler
    onceover    all jobs of a device once, in words
"""

from collectors.framework.kit.collector import Collector
from collectors.framework.kit.jobs import Due, Job
from collectors.framework.kit.program import main, spec

__all__ = ["Collector", "Due", "Job", "main", "spec"]
