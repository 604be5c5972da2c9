"""What devices consist of: merged from what the modeler finds, aged, kept."""
