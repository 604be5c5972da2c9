"""Figures that programs send in the form of statsd.

lines       what a datagram says
figures     what the lines of an interval come to
listening   where datagrams arrive
settings    where that is
"""
