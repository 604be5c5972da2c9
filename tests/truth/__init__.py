"""What a collector must have found on a simulated fleet, by the list of what really happened there."""
