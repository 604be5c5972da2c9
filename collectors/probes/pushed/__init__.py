"""Figures that others push.

desk        those that came to the hub's API
"""
