"""The JSON API as seen from the command line."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote, unquote

import httpx
from msgspec import Struct

from common.unanswered import why_unanswered
from hub.cli.exits import CommandError, Exit, usage
from hub.cli.tokens import Credentials, is_loopback

CONNECT_TIMEOUT_S = 5.0
READ_TIMEOUT_S = 40.0

Parameters = Mapping[str, str | int | float | Sequence[str] | None]

_EXITS = {
    "unauthorized": Exit.UNREACHABLE,
    "not_found": Exit.NOT_FOUND,
    "timeout": Exit.PARTLY,
}


def split_url(url: str) -> tuple[str, int]:
    """Host and port of a hub's address.

    Raises:
        CommandError: it is no http or https address.
    """
    try:
        parsed = httpx.URL(url)
    except httpx.InvalidURL as error:
        raise usage(f"The hub's address {url!r} cannot be read: {error}") from None
    if parsed.scheme not in {"http", "https"} or not parsed.host or (parsed.port or 1) > 65535:
        raise usage(f"The hub's address {url!r} should look like http://127.0.0.1:8080")
    return parsed.host, parsed.port or (443 if parsed.scheme == "https" else 80)


def path_of(*parts: str) -> str:
    """Path below /api/v1; each part is quoted, so that a name cannot lead elsewhere.

    Raises:
        CommandError: exit code 2: a part is empty or of one or two dots, which quoting does not keep: whatever handles
            a URL on its way may take it for a folder and leave it out.
    """
    for part in parts:
        if part in {"", ".", ".."}:
            raise usage(f"{part!r} is no name; expected letters, digits and _ . : -, a letter or digit first")
    return "/api/v1/" + "/".join(quote(part, safe="") for part in parts)


class Pictured(Struct, frozen=True):
    """A picture; `missing` says in sentences what is not in it."""

    data: bytes
    missing: tuple[str, ...] = ()


class Api:
    """One hub.

    Every method raises `CommandError`: exit code 4 for a hub that does not answer or refuses the token, 3 for a name
    that it does not know, 5 for what it could not finish in time, 1 for all else it refuses.
    """

    def __init__(self, url: str, credentials: Credentials, transport: httpx.BaseTransport | None = None) -> None:
        host, _port = split_url(url)
        self.url = url.rstrip("/")
        self._credentials = credentials
        headers = {"User-Agent": "tocsin", "Accept": "application/json"}
        if credentials.token:
            headers["Authorization"] = f"Bearer {credentials.token}"
        self._http = httpx.Client(
            base_url=self.url,
            headers=headers,
            timeout=httpx.Timeout(READ_TIMEOUT_S, connect=CONNECT_TIMEOUT_S),
            trust_env=not is_loopback(host),  # a proxy is for other hosts
            transport=transport,
        )

    def close(self) -> None:
        """Let the connections go."""
        self._http.close()

    def get(self, path: str, parameters: Parameters | None = None, *, timeout_s: float | None = None) -> Any:
        """Read a document."""
        return self._document(self._send("GET", path, parameters=parameters, timeout_s=timeout_s))

    def put(self, path: str, body: object) -> Any:
        """Create or replace a thing."""
        return self._document(self._send("PUT", path, body=body))

    def patch(self, path: str, body: object) -> Any:
        """Change a part of a thing."""
        return self._document(self._send("PATCH", path, body=body))

    def post(self, path: str, body: object | None = None, *, timeout_s: float | None = None) -> Any:
        """Do something."""
        return self._document(self._send("POST", path, body={} if body is None else body, timeout_s=timeout_s))

    def delete(self, path: str, parameters: Parameters | None = None) -> Any:
        """Remove a thing."""
        return self._document(self._send("DELETE", path, parameters=parameters))

    def tree(self, path: str, *, metadata: bool, timeout_s: float | None = None) -> Any:
        """Read a branch of the status tree."""
        accept = "application/json;metadata=true" if metadata else "application/json"
        return self._document(self._send("GET", path, timeout_s=timeout_s, accept=accept))

    def picture(self, path: str, parameters: Parameters) -> Pictured:
        """Read a picture."""
        answer = self._send("GET", path, parameters=parameters)
        kind = answer.headers.get("content-type", "")
        if not kind.startswith(("image/", "application/pdf")):
            raise self._no_hub(_kind(answer))
        missing = unquote(answer.headers.get("tocsin-missing", ""))
        return Pictured(answer.content, tuple(missing.split("\n")) if missing else ())

    def _send(
        self,
        method: str,
        path: str,
        *,
        parameters: Parameters | None = None,
        body: object | None = None,
        timeout_s: float | None = None,
        accept: str = "application/json",
    ) -> httpx.Response:
        chosen = {name: value for name, value in (parameters or {}).items() if value is not None}
        timeout = self._http.timeout if timeout_s is None else httpx.Timeout(timeout_s, connect=CONNECT_TIMEOUT_S)
        try:
            answer = self._http.request(
                method, path, params=chosen, json=body, timeout=timeout, headers={"Accept": accept}
            )
        except httpx.ConnectTimeout:
            raise self._unreachable(f"no connection within {CONNECT_TIMEOUT_S:g} s") from None
        except httpx.TimeoutException:
            raise CommandError(
                f"The hub at {self.url} did not answer in time. It may be busy; try again, and look at its log",
                exit_code=Exit.UNREACHABLE,
                code="timeout",
            ) from None
        except httpx.HTTPError as error:
            raise self._unspoken(error) from None
        except httpx.InvalidURL as error:
            raise usage(f"The hub's address {self.url!r} cannot be read: {error}") from None
        if answer.is_success:
            return answer
        raise self._refusal(answer)

    def _document(self, answer: httpx.Response) -> Any:
        try:
            return answer.json()
        except ValueError:
            raise self._no_hub(_kind(answer)) from None

    def _refusal(self, answer: httpx.Response) -> CommandError:
        try:
            error = answer.json()["error"]
            if isinstance(error, str):  # as the status tree has it
                return CommandError(error, exit_code=Exit.NOT_FOUND, code="invalid_path")
            code, message, details = str(error["code"]), str(error["message"]), [str(d) for d in error["details"]]
        except (ValueError, KeyError, TypeError):
            return self._unauthorized() if answer.status_code == 401 else self._no_hub(_kind(answer))
        if code == "unauthorized":
            return self._unauthorized()
        return CommandError(message, details, exit_code=_EXITS.get(code, Exit.FAILED), code=code)

    def _unauthorized(self) -> CommandError:
        origin = self._credentials.origin
        if self._credentials.token:
            sentence = (
                f"The hub at {self.url} refused the token of {origin}. "
                "The right one is in the file hub/operator.token of the hub's data folder: "
                "give it with --token or TOCSIN_TOKEN, or write it to the token file"
            )
        else:
            sentence = (
                f"The hub at {self.url} wants a token, and none was found in {origin}. "
                "Give the content of the hub's operator.token with --token or TOCSIN_TOKEN"
            )
        return CommandError(sentence, exit_code=Exit.UNREACHABLE, code="unauthorized")

    def _unreachable(self, reason: str) -> CommandError:
        return CommandError(
            f"No hub answers at {self.url}: {reason}. "
            "Start one with `tocsin up`, or name another with --url or TOCSIN_URL",
            exit_code=Exit.UNREACHABLE,
            code="unreachable",
        )

    def _no_hub(self, answer: str) -> CommandError:
        return CommandError(
            f"What answers at {self.url} is no Tocsin hub ({answer}). Name the right address with --url or TOCSIN_URL",
            exit_code=Exit.UNREACHABLE,
            code="no_hub",
        )

    def _unspoken(self, error: httpx.HTTPError) -> CommandError:
        """The error of a request that got no answer in HTTP."""
        text = str(error)
        if "[SSL" in text:
            return self._no_hub("no TLS as https wants it")
        if isinstance(error, httpx.RemoteProtocolError) and "disconnected" not in text:
            return self._no_hub("no HTTP")
        return self._unreachable(why_unanswered(text))


def _kind(answer: httpx.Response) -> str:
    """What sort of answer it is."""
    return f"HTTP {answer.status_code}, {answer.headers.get('content-type', 'no content type')}"
