"""What a probe has printed, made figures: item by item, with the place of each mistake (pure).

jsontext    JSON that knows where each of its parts stands
places      a place in a text, as people look for it
figures     one figure: a number, or the text of one
names       of components, points, handlers
givenevents events that a probe tells
objects     components and points out of JSON
nagios      the same out of what a Nagios plugin prints
parsed      what comes of it all
parse       which of the two it is
"""
