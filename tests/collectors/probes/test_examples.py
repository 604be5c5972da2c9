"""The examples do what they say, and are short."""

from __future__ import annotations

import datetime as dt
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from collectors.probes.dryrun import run_apart
from collectors.probes.found.folders import Folders
from collectors.probes.launch.orders import Run
from collectors.probes.output.parsed import Parsed
from tests.fakes.ports import held_port

EXAMPLES = Path(__file__).parents[3] / "etc" / "examples" / "probes"
PROGRAMS = sorted(path for path in EXAMPLES.iterdir() if path.suffix in {".py", ".sh"})


def ran(tmp_path: Path, name: str, *arguments: str, path: str = "/usr/bin:/bin") -> Parsed:
    """What one prints, as the collector finds and runs it."""
    source = next(one for one in PROGRAMS if one.stem == name)
    folder = tmp_path / "probes"
    folder.mkdir()
    copy = folder / source.name
    shutil.copyfile(source, copy)
    copy.chmod(0o755 if source.suffix == ".sh" else 0o644)
    folders = Folders([folder], dict)
    folders.look()
    assert folders.found.refused == ()
    argv = [*folders.found.probes[name].program, *arguments]
    outcome = run_apart(Run(number=1, argv=argv, environment={"PATH": path}, memory_mib=1024))
    assert (outcome.status, outcome.errors, outcome.parsed.flaws) == (0, "", [])
    return outcome.parsed


@pytest.fixture
def server() -> Iterator[str]:
    class Page(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200 if self.path == "/" else 404)
            self.send_header("Content-Length", "5")
            self.end_headers()
            self.wfile.write(b"hello")

        def log_message(self, *args: object) -> None:
            pass

    http = HTTPServer(("127.0.0.1", 0), Page)
    thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"http://127.0.0.1:{http.server_address[1]}"
    http.shutdown()
    thread.join()
    http.server_close()


@pytest.mark.parametrize("path", PROGRAMS, ids=lambda path: path.name)
def test_each_has_less_than_25_lines(path: Path) -> None:
    assert len(path.read_text().splitlines()) < 25


def test_process_tracking_adds_up_the_processes_of_a_name(tmp_path: Path) -> None:
    name = Path(sys.argv[0]).name if Path(f"/proc/{os.getpid()}/cmdline").read_bytes().count(b"\0") > 1 else ""
    parsed = ran(tmp_path, "process_tracking", Path(sys.executable).name, name or "x", "no-such-program")
    assert parsed.handler == "process_tracking"
    sizes = parsed.components[Path(sys.executable).name] if not name else next(iter(parsed.components.values()))
    assert set(sizes) == {"data", "stack"}
    assert all(isinstance(value, int) and value > 0 for value in sizes.values())
    assert "no-such-program" not in parsed.components


def test_certificate_expiry_counts_the_days(tmp_path: Path) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "x")])
    now = dt.datetime.now(dt.UTC)
    made = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    made = made.serial_number(1).not_valid_before(now).not_valid_after(now + dt.timedelta(days=10, hours=12))
    path = tmp_path / "cert.pem"
    path.write_bytes(made.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))
    parsed = ran(tmp_path, "certificate_expiry", str(path), "/no/such/file", "127.0.0.1:1")
    assert parsed.components["/no/such/file"] == parsed.components["127.0.0.1:1"] == {"read": 0}
    assert parsed.components[str(path)]["read"] == 1
    assert parsed.components[str(path)]["days_left"] == pytest.approx(10.5, abs=0.1)


def test_http_check_tells_status_and_size(tmp_path: Path, server: str) -> None:
    with held_port() as free:
        silent = f"http://127.0.0.1:{free.getsockname()[1]}/"
        parsed = ran(tmp_path, "http_check", f"{server}/", f"{server}/gone", silent, "file:///etc/passwd")
    page = parsed.components[f"{server}/"]
    assert (page["up"], page["status"], page["size"]) == (1, 200, 5)
    gone = parsed.components[f"{server}/gone"]
    assert (gone["up"], gone["status"]) == (0, 404)
    assert parsed.components[silent] == {"up": 0}
    assert len(parsed.components) == 3


def test_log_lines_counts_lines_and_matches(tmp_path: Path) -> None:
    log = tmp_path / "a.log"
    log.write_bytes(b"ERROR one\nfine\nERROR two\xff\n")
    parsed = ran(tmp_path, "log_lines", "ERR", str(log), str(tmp_path / "gone"))
    assert parsed.components == {str(log): {"lines": 3, "matches": 2, "size": 26}}


IPUTILS = """PING 127.0.0.1 (127.0.0.1) 56(84) bytes of data.

--- 127.0.0.1 ping statistics ---
3 packets transmitted, 2 received, 33.3333% packet loss, time 402ms
rtt min/avg/max/mdev = 0.030/0.045/0.060/0.012 ms
"""
BUSYBOX = """PING 127.0.0.1 (127.0.0.1): 56 data bytes

--- 127.0.0.1 ping statistics ---
3 packets transmitted, 2 packets received, 33% packet loss
round-trip min/avg/max = 0.030/0.045/0.060 ms
"""


@pytest.mark.parametrize("text", [IPUTILS, BUSYBOX], ids=["iputils", "busybox"])
def test_ping_reads_what_ping_prints(tmp_path: Path, text: str) -> None:
    programs = tmp_path / "bin"
    programs.mkdir()
    (programs / "said").write_text(text)
    (programs / "ping").write_text(f"#!/bin/sh\ncat {programs}/said\n")
    (programs / "ping").chmod(0o755)
    parsed = ran(tmp_path, "ping", "127.0.0.1", "localhost", path=f"{programs}:/usr/bin:/bin")
    assert set(parsed.components) == {"127.0.0.1", "localhost"}
    assert parsed.components["localhost"] == pytest.approx(
        {"loss": 33.3333 if text is IPUTILS else 33, "rtt_min": 0.00003, "rtt_avg": 0.000045, "rtt_max": 0.00006}
    )


@pytest.mark.skipif(shutil.which("ping") is None, reason="ping is not installed")
def test_ping_pings(tmp_path: Path) -> None:
    if subprocess.run(["ping", "-n", "-c", "1", "127.0.0.1"], capture_output=True, check=False, timeout=60).returncode:
        pytest.skip("ping may not ping here")
    assert ran(tmp_path, "ping", "127.0.0.1").components["127.0.0.1"]["loss"] == 0
