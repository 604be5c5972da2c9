"""The API of the status tree: read-only, in the form that clients of odin-control know."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from common.statustree import JSON, MAX_PATH, error_json, invalid, refusal, wants_metadata
from hub.data.status import StatusReader
from hub.web.call import Call, File
from hub.web.router import Route

METHODS = ("GET", "HEAD", "PUT", "POST", "DELETE")
PATHS = ("status/{device}", "status/{device}/{path...}")


class StatusTopic:
    """Passes questions on to the status collectors."""

    def __init__(self, reader: StatusReader) -> None:
        self._reader = reader

    def routes(self) -> list[Route]:
        """What this topic answers."""
        return [Route(method, path, self._of(method)) for method in METHODS for path in PATHS]

    def _of(self, method: str) -> Callable[[Call], Awaitable[File]]:
        async def answer(call: Call) -> File:
            return await self._answer(method, call)

        return answer

    async def _answer(self, method: str, call: Call) -> File:
        accepted = [call.accept] if call.accept else []
        refused = refusal(method, [call.content_type] if call.content_type else [], accepted)
        if refused is not None:
            return File(refused.content_type, refused.data, status=refused.status)
        call.only()
        path = call.names.get("path", "")
        if len(path) > MAX_PATH:
            return File(JSON, error_json(invalid(path)), status=400)
        found = await self._reader.branch(call.names["device"], path, metadata=wants_metadata(accepted))
        return File(JSON, found.data, status=200 if found.found else 400)
