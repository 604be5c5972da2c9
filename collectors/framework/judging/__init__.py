"""What becomes of the figures of a sample: rates, derived points, thresholds. Pure, but for `baselinerounds`.

Figures:
    judgedfigures       those of a sample: what is judged, and what is derived
    rates               counts that become rates
    derivedpoints       points that are computed from others

All thresholds of a device:
    thresholdbook       samples in, events out
    thresholdrules      of a config, ready to judge by
    thresholdmistakes   what of them cannot be run
    thresholdwords      what is said of them
    componentwatches    what is remembered of them

One threshold:
    thresholds          one, and one value
    watches             what is remembered of it, and how violations are counted
    absence             one that misses a value
    trendrules          one of the form trend
    trend               whether a value grows steadily
    baselinerules       one that judges by what was learned
    baselines           what was learned, on its way to who judges by it
    baselinerounds      asks what is new of it
"""
