"""The modeler: finds out what devices really have."""
