"""The Perspective Broker edge of the hub."""
