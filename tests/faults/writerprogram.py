"""The writer process of a collector, with time for any number of conversions.

How many there is time for depends on the machine, and what is sampled while a file waits for being converted is written
into it as it is. So two runs would differ without a fault.
"""

from __future__ import annotations

import sys

from collectors.framework import rrdwriter
from collectors.framework.data.writing import conversions

if __name__ == "__main__":
    conversions.BURST_S = 1e9
    sys.exit(rrdwriter.main(sys.argv[1:]))
