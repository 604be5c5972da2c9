"""What hub and collectors must agree on: values, formats, rules."""
