"""Modelling on demand, and what becomes of what the modelers find."""
