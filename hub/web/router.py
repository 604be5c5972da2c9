"""Finds who answers a path."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from urllib.parse import unquote

from msgspec import Struct

from hub.web.call import Call
from hub.web.refusals import RefusalError

REST = "...}"
Answer = Callable[[Call], Awaitable[object]]


class Route(Struct, frozen=True):
    """A method, a path below /api/v1 whose parts in braces are variable, and who answers.

    A last part such as `{path...}` is all that is left of a path, with its slashes, and still quoted.

    Attributes:
        is_open: answered without a token.
        for_pushing: answered with the token of those who push figures, too.
    """

    method: str
    path: str
    answer: Answer
    is_open: bool = False
    for_pushing: bool = False


class Router:
    """All routes; a fixed part of a path goes before a variable one."""

    def __init__(self, routes: Iterable[Route]) -> None:
        ordered = sorted(routes, key=lambda route: [part.startswith("{") for part in route.path.split("/")])
        self._routes = [(route, route.path.split("/")) for route in ordered]

    def find(self, method: str, path: str) -> tuple[Route, dict[str, str]]:
        """Find the route of a path, still quoted, and its variable parts, unquoted.

        Raises:
            RefusalError: not_found or method_not_allowed.
        """
        parts = path.split("/")
        methods: list[str] = []
        for route, wanted in self._routes:
            names = _match(parts, wanted)
            if names is None:
                continue
            if route.method == method:
                return route, names
            methods.append(route.method)
        if methods:
            raise RefusalError("method_not_allowed", f"{method[:20]} is not for this path; {', '.join(methods)} is")
        raise RefusalError("not_found", f"there is nothing at /api/v1/{path[:200]}")


def _match(parts: list[str], wanted: list[str]) -> dict[str, str] | None:
    if wanted[-1].endswith(REST):
        *first, last = wanted
        begun = _match(parts[: len(first)], first) if len(parts) > len(first) else None
        return None if begun is None else begun | {last.strip("{}").removesuffix("..."): "/".join(parts[len(first) :])}
    if len(parts) != len(wanted):
        return None
    names: dict[str, str] = {}
    for part, pattern in zip(parts, wanted, strict=True):
        if pattern.startswith("{"):
            if not part:
                return None
            try:
                names[pattern.strip("{}")] = unquote(part, errors="strict")
            except UnicodeDecodeError:
                return None
        elif part != pattern:
            return None
    return names
