"""The parts that every collector daemon is made of."""
