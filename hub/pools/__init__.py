"""Who of a pool has a device now."""
