"""What somebody is told over HTTP who gets no answer."""

from __future__ import annotations

import secrets

from twisted.logger import Logger

from hub.web.refusals import RefusalError
from hub.web.shapes import ErrorAnswer, ErrorBody


def error_answer(refusal: RefusalError) -> ErrorAnswer:
    """The body of a refusal."""
    return ErrorAnswer(ErrorBody(refusal.code, refusal.message, refusal.details))


def defect(log: Logger, what: str) -> RefusalError:
    """Log the error being handled under an id, which takes the place of `{id}`; the refusal that tells the id."""
    id_ = secrets.token_hex(6)
    log.failure(what, id=id_)
    return RefusalError("internal", f"an error of ours; the hub's log has more under the id {id_}")
