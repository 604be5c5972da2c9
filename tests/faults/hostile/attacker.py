"""A process that attacks a hub as strangers can, from many connections at once, and counts what it saw.

    python -m tests.faults.hostile.attacker PLAN

PLAN is a JSON file (`Plan`); the outcome (`Outcome`) is printed as JSON. Each connection comes from an address of its
own in 127/8, so that the limit for one address does not stop what should be measured.
"""

from __future__ import annotations

import itertools
import random
import socket
import ssl
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec
from msgspec import Struct

from tests.faults.hostile.payloads import PATIENT, STRANGERS

PLAIN, ANONYMOUS, CERTIFIED = "before TLS", "without a certificate", "before attach"
WAYS = (PLAIN, ANONYMOUS, CERTIFIED)
BANANA = b"\x02\x80\x02\x82pb"
"""How the hub's greeting begins; nobody may hear it without a certificate."""


class Plan(Struct, kw_only=True):
    """What to do.

    Attributes:
        patience_s: how long to wait until the hub ends a connection, at most.
        certificates: folder of a collector's certificate.
        addresses: from how many addresses.
    """

    port: int
    seconds: float
    connections: int
    patience_s: float
    certificates: str
    addresses: int = 10_000


class Outcome(Struct, kw_only=True):
    """What was seen, all told.

    Attributes:
        kept: connections that the hub did not end in time.
        longest_s: that one stood.
        leaked: connections without a certificate that heard Perspective Broker.
        attached: connections that were let in.
        by_way: number of connections in each way.
        said: payloads that were sent at least once in each way.
    """

    attacks: int = 0
    sent_bytes: int = 0
    heard_bytes: int = 0
    kept: int = 0
    longest_s: float = 0.0
    leaked: int = 0
    attached: int = 0
    refused: int = 0
    by_way: dict[str, int] = {}
    said: dict[str, int] = {}


def context(folder: Path | None) -> ssl.SSLContext:
    """TLS that checks nothing, with a certificate or without."""
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    made.check_hostname = False
    made.verify_mode = ssl.CERT_NONE
    if folder is not None:
        made.load_cert_chain(folder / "collector.crt", folder / "collector.key")
    return made


class Attacker:
    """Runs the threads, and adds up."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.outcome = Outcome(by_way=dict.fromkeys(WAYS, 0), said={})
        self.payloads = {name: make() for name, make in STRANGERS.items()}
        # A fifth of the connections is for what only waits: the others never do, and come again and again.
        self.hasty = itertools.cycle([(way, name) for name in self.payloads for way in WAYS if name not in PATIENT])
        self.patient = itertools.cycle([(way, name) for name in self.payloads for way in WAYS if name in PATIENT])
        self.sources = itertools.cycle(range(plan.addresses))
        self.contexts = {ANONYMOUS: context(None), CERTIFIED: context(Path(plan.certificates))}
        self.lock = threading.Lock()
        self.ends = time.monotonic() + plan.seconds
        self.gives_up = self.ends + plan.patience_s

    def run(self) -> Outcome:
        turns = [self.hasty if number % 5 else self.patient for number in range(self.plan.connections)]
        threads = [threading.Thread(target=self.work, args=(each,), daemon=True) for each in turns]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(self.plan.seconds + 4 * self.plan.patience_s)
        return self.outcome

    def work(self, turns: Iterator[tuple[str, str]]) -> None:
        while not self.is_over():
            with self.lock:
                way, name = next(turns)
                source = next(self.sources)
            self.attack(way, name, f"127.{1 + source // 62500}.{1 + source // 250 % 250}.{1 + source % 250}")

    def is_over(self) -> bool:
        """Whether the time is up, and it was enough for all that there is to say; a slow machine has some more."""
        now = time.monotonic()
        with self.lock:
            seen = self.outcome
            said = set(seen.said) | PATIENT == set(self.payloads) and min(seen.by_way.values()) > len(self.payloads)
        return now >= self.gives_up or (said and now >= self.ends)

    def attack(self, way: str, name: str, source: str) -> None:
        began = time.monotonic()
        heard = bytearray()
        sent = kept = refused = 0
        line: socket.socket | None = None
        try:
            line = socket.create_connection(("127.0.0.1", self.plan.port), self.plan.patience_s, (source, 0))
            if way != PLAIN:
                line = self.contexts[way].wrap_socket(line)
            data = self.payloads[name]
            for start in range(0, len(data), 65536):
                line.sendall(data[start : start + 65536])
                sent += len(data[start : start + 65536])
            while part := line.recv(65536):
                heard += part
        except TimeoutError:
            kept = 1
        except OSError:
            refused = 1
        finally:
            if line is not None:
                line.close()
        with self.lock:
            self.note(way, name, time.monotonic() - began, bytes(heard), sent, kept, refused)

    def note(self, way: str, name: str, took_s: float, heard: bytes, sent: int, kept: int, refused: int) -> None:
        seen = self.outcome
        seen.attacks += 1
        seen.sent_bytes += sent
        seen.heard_bytes += len(heard)
        seen.kept += kept
        seen.refused += refused
        seen.longest_s = max(seen.longest_s, took_s)
        seen.leaked += way != CERTIFIED and BANANA in heard
        seen.attached += b"Attached" in heard
        seen.by_way[way] += 1
        seen.said[name] = seen.said.get(name, 0) + 1


def main(path: str) -> int:
    """Attack by a plan."""
    random.seed(1)
    plan = msgspec.json.decode(Path(path).read_bytes(), type=Plan)
    sys.stdout.buffer.write(msgspec.json.encode(Attacker(plan).run()) + b"\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
