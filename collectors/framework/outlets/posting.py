"""One request to the other side, and what its answer means."""

from __future__ import annotations

import enum
import ssl
from collections.abc import Callable, Mapping

import httpx
from msgspec import Struct

from collectors.framework.outlets.deadline import within
from collectors.framework.outlets.settings import RemoteWriteSettings, secret_of
from collectors.framework.outlets.writerequest import HEADERS
from common.matching import printable
from common.unanswered import why_unanswered

MAX_ANSWER_BYTES = 4096
MAX_ANSWER_CHARACTERS = 200
MAX_RETRY_AFTER_S = 600.0


class Fate(enum.Enum):
    """What became of a request."""

    TAKEN = "taken"
    LATER = "later"
    REFUSED = "refused"


class Answer(Struct, frozen=True):
    """What became of a request, and why.

    Attributes:
        retry_after_s: how long the other side wants to be left alone.
    """

    fate: Fate
    why: str = ""
    retry_after_s: float = 0.0


Post = Callable[[bytes], Answer]


class Poster:
    """Sends requests over a connection that is kept.

    Files with secrets and certificates are read at each new attempt after one that failed, so that one that was set
    right counts at once.
    """

    def __init__(self, settings: RemoteWriteSettings, software: str) -> None:
        self._settings = settings
        self._software = software
        self._place = settings.url.partition("?")[0]  # what comes behind may be a secret
        self._client: httpx.Client | None = None

    def __call__(self, body: bytes) -> Answer:
        """Send a request."""
        try:
            with within(self._settings.timeout_s):
                client = self._client or self._connect()
                with client.stream("POST", self._settings.url, content=body) as response:
                    said = _beginning(response)
        except (OSError, ValueError, httpx.HTTPError, httpx.InvalidURL) as error:
            self.close()
            return Answer(
                Fate.LATER,
                f"{self._place} cannot be reached: {why_unanswered(printable(str(error) or repr(error))[:300])}",
            )
        answer = answer_of(self._place, response.status_code, response.headers, said)
        if answer.fate is Fate.LATER:
            self.close()
        return answer

    def close(self) -> None:
        """Give the connection up."""
        client, self._client = self._client, None
        if client is not None:
            client.close()

    def _connect(self) -> httpx.Client:
        settings = self._settings
        headers = {"User-Agent": self._software, "Accept-Encoding": "identity", **settings.more_headers(), **HEADERS}
        login = None
        if settings.token_file:
            headers["Authorization"] = f"Bearer {secret_of(settings.token_file)}"
        elif settings.username:
            login = httpx.BasicAuth(settings.username, secret_of(settings.password_file))
        trust = ssl.create_default_context(cafile=settings.ca_file or None)
        self._client = httpx.Client(
            headers=headers, auth=login, verify=trust, timeout=settings.timeout_s, trust_env=False
        )
        return self._client


def _beginning(response: httpx.Response) -> str:
    """The beginning of what an answer says: it may be endless, and its status tells enough when nothing can be read."""
    said = b""
    try:
        for part in response.iter_raw():
            said += part
            if len(said) >= MAX_ANSWER_BYTES:
                break
    except (OSError, httpx.HTTPError):
        pass
    return said[:MAX_ANSWER_BYTES].decode("utf-8", "replace")


def answer_of(url: str, status: int, headers: Mapping[str, str], text: str) -> Answer:
    """What an answer means: by the specification only 5xx and 429 are worth another attempt.

    So are 401, 403 and 404: whoever sets the address or the password right does not want what came meanwhile lost.
    """
    if 200 <= status < 300:
        return Answer(Fate.TAKEN)
    said = " ".join(printable(text[: 4 * MAX_ANSWER_CHARACTERS]).split())[:MAX_ANSWER_CHARACTERS]
    why = f"{url} answered {status}{f': {said}' if said else ''}"
    if status >= 500 or status in {401, 403, 404, 408, 429} or 300 <= status < 400:
        return Answer(Fate.LATER, why, _seconds(headers.get("retry-after", "")))
    return Answer(Fate.REFUSED, why)


def _seconds(text: str) -> float:
    return min(float(text), MAX_RETRY_AFTER_S) if text.isascii() and text.isdigit() else 0.0
