"""Models of other systems as documents of ours: pure functions from text to plain values and a report."""
