"""Reads how many wait in the queues of a queue server, and for how long the oldest has waited."""

import socket

from twisted.internet.threads import deferToThread

from collectors.framework.kit import Collector, Job
from collectors.framework.sources.results import Measured, Problem, Result
from common.errors import TransientError


class QueueCollector(Collector):
    name = "queue"

    def jobs(self, config):
        for source in config.sources:
            settings = dict(source.settings)
            server = (settings.get("host", config.address), settings.get("port", 7001))

            async def run(due, source=source, server=server, queues=settings["queues"]):
                rows, problems = await deferToThread(ask, server, queues)
                return [Result(source=source.id, step=due.steps[source.interval_s], rows=rows, problems=problems)]

            yield Job(id=source.id, intervals=[source.interval_s], run=run, parameters=(source, config.address))

    def check(self, config):
        return [
            f"source {source.id}: its settings need `queues`, a list of names"
            for source in config.sources
            if not isinstance(dict(source.settings).get("queues"), tuple)
        ]


def ask(server, queues):
    """What a server says of queues. It blocks, and so is called in a thread."""
    rows, problems = [], []
    try:
        with socket.create_connection(server, timeout=5) as connection, connection.makefile("rw") as talk:
            for name in queues:
                talk.write(f"LEN {name}\n")
                talk.flush()
                answer = talk.readline(200).strip()
                try:
                    length, oldest = map(float, answer.split())
                    rows.append(Measured(component=name, values={"length": length, "oldest": oldest}))
                except ValueError:
                    summary = f"queue {name}: the server says {answer!r}"
                    problems.append(Problem(key="queue_unknown", component=name, summary=summary))
    except (OSError, UnicodeDecodeError) as error:
        raise TransientError(f"the queue server {server[0]}:{server[1]} does not answer: {error}") from None
    return rows, problems
