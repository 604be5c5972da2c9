"""What can be modelled: each plugin turns what was read of a device into components, and touches nothing else."""
