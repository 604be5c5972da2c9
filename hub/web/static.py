"""The files of the web page."""

from __future__ import annotations

import re
from pathlib import Path

from hub.web.call import File
from hub.web.refusals import RefusalError, not_found

TYPES = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".ico": "image/x-icon",
    ".woff2": "font/woff2",
}

_NAME = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9_.-]{0,99}")


def static_file(folder: Path, method: str, path: str) -> File:
    """Read a file of the page: `/`, or `/static/NAME`.

    Raises:
        RefusalError: there is no such file.
    """
    name = "index.html" if path == "/" else path.removeprefix("/static/")
    kind = TYPES.get(Path(name).suffix)
    if kind is None or not _NAME.fullmatch(name) or (path != "/" and not path.startswith("/static/")):
        raise not_found("there is no such page; the web page is at /, the API at /api/v1")
    if method not in {"GET", "HEAD"}:
        raise RefusalError("method_not_allowed", f"{method[:20]} is not for a page")
    try:
        return File(kind, (folder / name).read_bytes())
    except OSError:
        raise not_found(f"there is no page {name}") from None
