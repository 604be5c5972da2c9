"""Events: rules, store."""
