"""What a collector of the kit is: a class of one's own, with a name and jobs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, ClassVar

from collectors.framework.interfaces import CollectorContext
from collectors.framework.kit.jobs import Job
from common.configs import DeviceConfig
from common.errors import NotFoundError
from common.queries import Decision, Query
from common.queries import Result as Answer


class Collector:
    """A kind of collector: subclass it, give it a name, and yield jobs; all else may stay as it is.

    Attributes:
        name: of the service whose configs it gets.
        context: what the framework offers.
    """

    name: ClassVar[str] = ""

    def __init__(self, context: CollectorContext) -> None:
        self.context = context

    def jobs(self, config: DeviceConfig) -> Iterable[Job]:
        """What is to be done for a device; asked for each time that its config changes.

        Raises:
            PermanentError: nothing can be done by this config; what ran before goes on.
        """
        raise NotImplementedError(f"{type(self).__name__} has no jobs(): it says what is done for a device")

    def check(self, config: DeviceConfig) -> list[str]:  # noqa: ARG002 - for others
        """What is wrong with a config, each a sentence; the hub is told, and the config before goes on."""
        return []

    def forget(self, device: str) -> None:
        """A device has left: drop what is kept of it."""

    def decided(self, decision: Decision) -> bool:  # noqa: ARG002 - for others
        """Take note of what an operator made of an alarm that is none of its jobs'; False when it is not its own."""
        return False

    def services(self) -> Sequence[Any]:
        """What is started before the jobs and stopped after them."""
        return ()

    def figures(self) -> dict[str, Any]:
        """Figures for `stats`."""
        return {}

    async def answer(self, query: Query) -> Answer:
        """Answer what only this collector knows.

        Raises:
            NotFoundError: the question is not for it.
        """
        raise NotFoundError(f"{type(query).__name__} is not for {self.name}")
