# tocsin: arguments = ["ERROR", "/var/log/syslog"]
"""How many lines logs have, and how many of them match: arguments are a pattern, and files."""

import re
from pathlib import Path


def probe(pattern, *paths):
    """Counts of the whole file; rates are made of them, and a file that begins anew is no jump."""
    wanted = re.compile(pattern.encode())
    found = {}
    for path in map(Path, paths):
        if path.is_file():
            lines = matches = 0
            with path.open("rb") as file:
                for line in file:
                    lines += 1
                    matches += wanted.search(line) is not None
            found[str(path)] = {"lines": lines, "matches": matches, "size": path.stat().st_size}
    return found, "log_lines"
