"""Files of devices that go to another collector: what is given away, and what is taken in."""
