"""`tocsin`, the operator's command."""
