"""The API of the model as documents."""

from __future__ import annotations

from typing import Any

from msgspec import Struct
from twisted.logger import Logger

from hub.model.kinds import KINDS
from hub.model.service import ModelService
from hub.web.call import Call
from hub.web.router import Route

ALL = "all"


class DocumentRow(Struct, frozen=True):
    """A document, and the names of its properties that are secret."""

    document: dict[str, Any]
    secrets: tuple[str, ...]


class Documents(Struct, frozen=True, kw_only=True):
    """The model at one revision, or one kind of documents of it; secrets are `(set)` unless they were asked for."""

    revision: int
    documents: list[DocumentRow]


class DocumentTopic:
    """Gives the model away as documents that can be applied again."""

    log = Logger()

    def __init__(self, model: ModelService) -> None:
        self._model = model

    def routes(self) -> list[Route]:
        """What this topic answers."""
        return [Route("GET", "documents", self.find)]

    async def find(self, call: Call) -> Documents:
        """Give all documents, or those of one kind."""
        call.only("secrets", "kind")
        with_secrets = call.flag("secrets")
        kind = call.choice("kind", ALL, (ALL, *KINDS))
        kinds = KINDS if kind == ALL else (kind,)
        revision, exported = await self._model.export(with_secrets=with_secrets, kinds=kinds)
        if with_secrets:
            number = sum(len(one.secrets) for one in exported)
            self.log.info("the model was exported with {number} secrets", number=number)
        return Documents(revision=revision, documents=[DocumentRow(one.document, one.secrets) for one in exported])
