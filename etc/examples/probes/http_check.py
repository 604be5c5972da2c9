# tocsin: arguments = ["http://127.0.0.1:8080/"], timeout_s = 30
"""Whether pages answer, with what, and how fast: arguments are URLs."""

import re
import time
import urllib.error
import urllib.request


def probe(*urls):
    """One component for each URL; one that does not answer has neither status nor size."""
    found = {}
    for url in filter(re.compile("https?://").match, urls):
        begun = time.monotonic()
        figures = found[url] = {"up": 0}
        try:
            with urllib.request.urlopen(url, timeout=10) as answer:
                figures |= {"status": answer.status, "size": len(answer.read(10_000_000))}
        except urllib.error.HTTPError as error:
            figures["status"] = error.code
        except OSError:
            continue
        figures |= {"took": time.monotonic() - begun, "up": int(figures["status"] < 400)}
    return found, "http_check"
