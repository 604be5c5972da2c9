"""A real net-snmp agent on loopback, for tests and benchmarks."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from common.configs import AuthProtocol, PrivProtocol, SnmpConfig, SnmpVersion

COMMUNITY = "tocsin-test"
NARROW_COMMUNITY = "narrow-test"  # a view without HOST-RESOURCES-MIB
AUTH_PASSWORD = "auth password of the tests"
PRIV_PASSWORD = "priv password of the tests"
USER_PLAIN = "plain"
USER_SHA1 = "sha1user"  # may read when authenticated
USER_SHA256 = "sha256user"
USER_STRICT = "strictuser"  # SHA-1 and AES, may read only when enciphered
USER_AUTH_ONLY = "authonly"  # SHA-1, has no privacy key
USER_NARROW = "narrowuser"  # SHA-256 and AES, with the narrow view
USER_AES256 = "aes256user"  # SHA-1 and AES-256, whose key must be lengthened
USER_MD5_DES = "desuser"
START_S = 60.0
STARTS = 5

CONFIGURATION = f"""
view all included .1
view narrow included .1.3.6.1.2.1.1
rocommunity {COMMUNITY} default -V all
rocommunity6 {COMMUNITY} default -V all
rocommunity {NARROW_COMMUNITY} default -V narrow
createUser {USER_PLAIN}
createUser {USER_SHA1} SHA "{AUTH_PASSWORD}" AES "{PRIV_PASSWORD}"
createUser {USER_SHA256} SHA-256 "{AUTH_PASSWORD}" AES "{PRIV_PASSWORD}"
createUser {USER_STRICT} SHA "{AUTH_PASSWORD}" AES "{PRIV_PASSWORD}"
createUser {USER_AUTH_ONLY} SHA "{AUTH_PASSWORD}"
createUser {USER_NARROW} SHA-256 "{AUTH_PASSWORD}" AES "{PRIV_PASSWORD}"
createUser {USER_AES256} SHA "{AUTH_PASSWORD}" AES-256 "{PRIV_PASSWORD}"
createUser {USER_MD5_DES} MD5 "{AUTH_PASSWORD}" DES "{PRIV_PASSWORD}"
rouser {USER_PLAIN} noauth -V all
rouser {USER_SHA1} auth -V all
rouser {USER_SHA256} auth -V all
rouser {USER_STRICT} priv -V all
rouser {USER_AUTH_ONLY} auth -V all
rouser {USER_NARROW} auth -V narrow
rouser {USER_AES256} priv -V all
rouser {USER_MD5_DES} auth -V all
sysLocation a shelf
sysContact nobody
dontLogTCPWrappersConnects yes
"""


class Snmpd:
    """A running agent.

    Attributes:
        address, port: where it listens for UDP; on ::1 at the same port too, if `ipv6`.
        pid: of the daemon.
    """

    def __init__(self, address: str, port: int, process: subprocess.Popen[bytes], folder: Path, *, ipv6: bool) -> None:
        self.address = address
        self.port = port
        self.ipv6 = ipv6
        self.folder = folder
        self._process = process

    @property
    def pid(self) -> int:
        return self._process.pid

    def v1(self, community: str = COMMUNITY) -> SnmpConfig:
        return self.v2c(community, version=SnmpVersion.V1)

    def v2c(self, community: str = COMMUNITY, **changes: Any) -> SnmpConfig:
        config = SnmpConfig(version=SnmpVersion.V2C, port=self.port, community=community, timeout_s=3.0, retries=4)
        return msgspec.structs.replace(config, **changes)

    def v3(self, user: str, auth: AuthProtocol, priv: PrivProtocol = PrivProtocol.NONE, **changes: Any) -> SnmpConfig:
        config = SnmpConfig(
            version=SnmpVersion.V3,
            port=self.port,
            timeout_s=3.0,
            retries=4,
            user=user,
            auth_protocol=auth,
            auth_password="" if auth is AuthProtocol.NONE else AUTH_PASSWORD,
            priv_protocol=priv,
            priv_password="" if priv is PrivProtocol.NONE else PRIV_PASSWORD,
        )
        return msgspec.structs.replace(config, **changes)

    def sha256_aes(self, **changes: Any) -> SnmpConfig:
        return self.v3(USER_SHA256, AuthProtocol.SHA256, PrivProtocol.AES128, **changes)

    def command(self, program: str, *arguments: str, community: str = COMMUNITY) -> str:
        """Output of one of net-snmp's commands, v2c, numbers for names."""
        command = [program, "-v2c", "-c", community, "-t5", "-Pe", "-m", "", "-M", str(self.folder)]
        command += [*arguments[:-1], f"{self.address}:{self.port}", arguments[-1]]
        return subprocess.run(command, check=True, capture_output=True, text=True, timeout=60).stdout

    def log(self) -> str:
        return (self.folder / "log").read_text(errors="replace")

    def answers(self) -> bool:
        """Whether a GET of sysUpTime is answered now, and not by another agent, which was faster to take the port."""
        with contextlib.suppress(subprocess.SubprocessError):
            told = self.command("snmpget", "-On", "-t1", "-r0", "1.3.6.1.2.1.1.3.0", community=self.folder.name)
            return "1.3.6.1.2.1.1.3.0" in told
        return False

    def stop(self) -> None:
        """End the daemon; the port is closed afterwards."""
        if self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(10)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()


def free_udp_port(address: str = "127.0.0.1") -> int:
    """A port that was free a moment ago."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind((address, 0))
        return int(probe.getsockname()[1])


def _has_ipv6() -> bool:
    try:
        with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as probe:
            probe.bind(("::1", 0))
    except OSError:
        return False
    return True


def _start(folder: Path, configuration: str) -> Snmpd | None:
    """Start on a port that is free now; None when another program was faster."""
    address, ipv6 = "127.0.0.1", _has_ipv6()
    port = free_udp_port(address)
    (folder / "snmpd.conf").write_text(f"{configuration}\nrocommunity {folder.name} default -V all\n")
    listen = f"udp:{address}:{port}" + (f",udp6:[::1]:{port}" if ipv6 else "")
    environment = {**os.environ, "SNMPCONFPATH": str(folder), "SNMP_PERSISTENT_DIR": str(folder / "state"), "MIBS": ""}
    command = ["snmpd", "-f", "-r", "-Lf", str(folder / "log"), "-C", "-c", str(folder / "snmpd.conf"), listen]
    process = subprocess.Popen(command, env=environment, stdin=subprocess.DEVNULL, cwd=folder)
    agent = Snmpd(address, port, process, folder, ipv6=ipv6)
    deadline = time.monotonic() + START_S
    while process.poll() is None:
        if agent.answers():
            return agent
        if time.monotonic() > deadline:
            agent.stop()
            raise AssertionError(f"snmpd does not answer within {START_S} s: {agent.log()}")
        time.sleep(0.05)
    return None


@contextlib.contextmanager
def snmpd(extra: str = "") -> Iterator[Snmpd]:
    """Run net-snmp's agent until the block is left.

    Args:
        extra: further lines of snmpd.conf.
    """
    folder = Path(tempfile.mkdtemp(prefix="tocsin-snmpd-"))
    agent = None
    try:
        for _ in range(STARTS):
            agent = _start(folder, CONFIGURATION + extra)
            if agent is not None:
                break
        else:
            raise AssertionError(f"snmpd ended {STARTS} times: {(folder / 'log').read_text(errors='replace')}")
        yield agent
    finally:
        if agent is not None:
            agent.stop()
        shutil.rmtree(folder, ignore_errors=True)
