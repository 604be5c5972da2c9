"""Files of series that nothing in the model speaks of any more: which there are, and their end."""
