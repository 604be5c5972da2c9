"""What runs in the middle: model, config distribution, events, API, command line."""
