"""Parts of the way of a sample from a task to its RRD file and back to the eye."""
