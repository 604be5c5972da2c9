"""Who must get which config, and who has it."""
