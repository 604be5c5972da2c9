"""Agents, captures and /proc files that lie, from the first byte to the events. Run longer with `make fuzz`."""
