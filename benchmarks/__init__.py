"""Programs that print figures; nothing here asserts."""
