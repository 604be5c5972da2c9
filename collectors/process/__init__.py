"""The process collector: keeps the roll of what runs on each device."""
