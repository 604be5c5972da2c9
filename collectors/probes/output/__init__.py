"""What a probe has printed, made figures: item by item, with the place of each mistake (pure).

Reading:
    parse       which form it is in
    jsontext    JSON that knows where each of its parts stands
    objects     components and points out of JSON
    givenevents events that a probe tells
    nagios      what a Nagios plugin prints

What it consists of:
    parsed      what comes of it all
    figures     one figure: a number, or the text of one
    names       of components, points, handlers
    places      a place in a text, as people look for it
"""
