"""What runs at the edge: one framework, and one folder for each kind of collector."""
