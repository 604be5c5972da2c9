"""What all commands share: which hub, and the options that many of them take."""

from __future__ import annotations

import functools
import os
import pwd
from collections.abc import Callable
from typing import Any, TypeVar, cast

import click
from click.core import ParameterSource

from hub.cli.client import Api, split_url
from hub.cli.exits import usage
from hub.cli.tokens import find_token

F = TypeVar("F", bound=Callable[..., Any])


class Client:
    """The hub that the command line names; nothing is read or connected before it is used."""

    def __init__(self, url: str, token: str | None) -> None:
        self.url = url
        self._token = token
        self._api: Api | None = None

    @property
    def api(self) -> Api:
        """The hub's API."""
        if self._api is None:
            host, port = split_url(self.url)
            self._api = Api(self.url, find_token(self._token, host, port, os.environ))
        return self._api

    def close(self) -> None:
        """Let the connections go."""
        if self._api is not None:
            self._api.close()


pass_client = click.make_pass_decorator(Client)

json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON document and nothing else.")
message_option = click.option("-m", "--message", default="", metavar="TEXT", help="Why; kept with the revision.")


def wait_options(function: F) -> F:
    """Add --wait and --timeout, and refuse them where they would do nothing."""

    @functools.wraps(function)
    def checked(*arguments: Any, wait: bool, **options: Any) -> Any:
        source = click.get_current_context().get_parameter_source("timeout_s")
        if wait and options.get("dry_run"):
            raise usage("--dry-run changes nothing that --wait could wait for; give one of them")
        if not wait and source is ParameterSource.COMMANDLINE:
            raise usage("--timeout says how long --wait waits; give it with --wait")
        return function(*arguments, wait=wait, **options)

    with_timeout = click.option(
        "--timeout",
        "timeout_s",
        type=click.FloatRange(0.1, 86400),
        default=30.0,
        show_default=True,
        metavar="SECONDS",
        help="How long --wait waits; exit code 5 when it is not live by then.",
    )(cast("F", checked))
    return click.option("--wait", is_flag=True, help="Return when the change is live on its collectors.")(with_timeout)


def author() -> str:
    """Who types: the login name, also behind sudo."""
    name = os.environ.get("SUDO_USER")
    if not name:
        try:
            name = pwd.getpwuid(os.getuid()).pw_name
        except KeyError:
            name = f"uid {os.getuid()}"
    return name[:100]
