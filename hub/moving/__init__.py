"""The files of a device follow it to the collector that has it now."""
