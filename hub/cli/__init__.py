"""`tocsin`, the operator's command: a client of the JSON API, which needs nothing else of the hub."""
