import time

from collectors.modeler.facts import Found, Plugin


def of_host():
    return time.tzname[0]


def found(zone, config):
    return Found(attributes={"time_zone": zone})


PLUGIN = Plugin(name="time_zone", of_host=of_host, found=found)
