"""The hardened end of a Perspective Broker connection, the same for hub and collectors."""
