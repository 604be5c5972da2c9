"""Figures that others push.

desk        those that came to the hub's API
book        how many series there may be of them
"""
