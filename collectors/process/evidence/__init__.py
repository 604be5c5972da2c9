"""Evidence: what was there when an alarm of a process set opened, kept beside the collector."""
