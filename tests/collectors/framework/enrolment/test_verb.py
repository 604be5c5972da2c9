"""`enrol` against a door on the loopback: what it writes, what it refuses, and what it never tells an impostor."""

from __future__ import annotations

import io
import os
import resource
import socket
import stat
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from collectors.framework.daemonsettings import CollectorSettings
from collectors.framework.enrolment.client import EnrolClient, UnreachableError
from collectors.framework.enrolment.settingsfile import Place, find_place, settle
from collectors.framework.enrolment.verb import PENDING
from collectors.framework.hubaddresses import HubAddress, read_address
from collectors.process.main import main
from common.certificates import collector_name, collector_tls_options, ensure_site, issue_collector
from common.edge.collectorfiles import load_collector
from common.edge.pem import load_certificate, pem
from common.settings import load_settings, read_settings
from tests.collectors.framework.enrolment.door import Door, real_hub
from tests.fakes.enrolment import EnrolHub
from tests.fakes.ports import held_port


class Host:
    """A new host: a folder for its settings."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder = folder
        self.capsys = capsys
        self.config = folder / "process.toml"
        self.certs = folder / "certs"
        self.out = self.err = ""

    def enrol(self, address: str, token: str | None, *more: str) -> int:
        given = [] if token is None else ["--token", token]
        status = main(["enrol", "--config", str(self.config), "--hub", address, *given, *more])
        captured = self.capsys.readouterr()
        self.out, self.err = captured.out, captured.err
        return status

    @property
    def settings(self) -> CollectorSettings:
        return load_settings(self.config, CollectorSettings)

    def files(self) -> dict[str, bytes]:
        return {path.name: path.read_bytes() for path in self.certs.glob("[!.]*")} if self.certs.exists() else {}


@pytest.fixture
def hub() -> Iterator[EnrolHub]:
    made = real_hub()
    yield made
    made.close()


@pytest.fixture
def door(hub: EnrolHub) -> Iterator[Door]:
    made = Door(hub)
    yield made
    made.close()


@pytest.fixture
def host(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Host:
    folder = tmp_path / "host"
    folder.mkdir()
    return Host(folder, capsys)


def test_a_token_becomes_three_files_and_settings_that_name_the_hub(host: Host, hub: EnrolHub, door: Door) -> None:
    assert host.enrol(door.address, hub.token("far")) == 0
    assert sorted(host.files()) == ["ca.crt", "collector.crt", "collector.key"]
    assert stat.S_IMODE((host.certs / "collector.key").stat().st_mode) == 0o600
    assert not (host.certs / PENDING).exists()
    collector_tls_options(host.certs, time.time)
    assert collector_name(hub.site, load_certificate(host.certs / "collector.crt")) == "far"
    settings = host.settings
    assert (settings.hub.host, settings.hub.port, settings.name) == ("127.0.0.1", 8789, "far")
    assert (settings.hub.certificates, settings.folder) == (host.certs, host.folder / "process")
    assert "collector far" in host.out
    assert f"tocsin-process start --config {host.config}" in host.out


def test_a_token_from_a_file_and_from_standard_input(
    host: Host, hub: EnrolHub, door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = host.folder / "token"
    path.write_text(hub.token("far") + "\n")
    assert host.enrol(door.address, f"@{path}") == 0
    monkeypatch.setattr("sys.stdin", io.StringIO(hub.token("far", again=True) + "\n"))
    assert host.enrol(door.address, "-") == 0
    assert host.enrol(door.address, f"@{host.folder}/nothing") == 2
    assert "cannot be read" in host.err


def test_settings_that_are_there_keep_all_but_the_hub(host: Host, hub: EnrolHub, door: Door, tmp_path: Path) -> None:
    host.certs = tmp_path / "elsewhere"
    host.config.write_text(f'# mine\nparallel = 7\n\n[hub]\nport = 1 # old\ncertificates = "{host.certs}"\n')
    assert host.enrol(door.address, hub.token()) == 0
    text = host.config.read_text()
    assert text.startswith("# mine\nparallel = 7\n")
    assert (host.settings.hub.host, host.settings.hub.port) == ("127.0.0.1", 8789)
    assert "names this hub now" in host.out
    assert len(host.files()) == 3
    assert host.enrol(door.address, None) == 0
    assert "names this hub already" in host.out
    assert host.config.read_text() == text


def test_settings_that_cannot_be_changed_are_told_instead(host: Host, hub: EnrolHub, door: Door) -> None:
    host.config.write_text(f'hub = {{port = 1, certificates = "{host.certs}"}}\n')
    before = host.config.read_text()
    assert host.enrol(door.address, hub.token()) == 0
    assert host.config.read_text() == before
    assert "was not changed" in host.out
    assert '    host = "127.0.0.1"\n    port = 8789\n' in host.out
    host.config.write_text(f'[hub]\naddresses = ["192.0.2.1"]\ncertificates = "{host.certs}"\n')
    assert host.enrol(door.address, None) == 0
    assert "hub.addresses name other hubs; add 127.0.0.1:8789 there" in host.out
    assert f"When the file says that, begin with: tocsin-process start --config {host.config}" in host.out


def test_a_new_file_that_may_not_be_written_is_told_with_all_its_lines(host: Host, hub: EnrolHub) -> None:
    config = host.folder / "file" / "process.toml"
    (host.folder / "file").touch()
    place = Place(program="tocsin-process", path=config, settings=None, certificates=host.certs)
    settled = settle(place, CollectorSettings, "far", HubAddress("192.0.2.1", 8789))
    assert not settled.is_done
    assert f"{config} could not be written" in settled.sentence
    assert "was not changed" not in settled.sentence
    printed = "\n".join(line.removeprefix("    ") for line in settled.sentence.splitlines() if line.startswith("    "))
    told = read_settings(printed, CollectorSettings, "what was printed")
    assert (told.name, told.folder) == ("far", host.folder / "file" / "process")
    assert (told.hub.host, told.hub.certificates) == ("192.0.2.1", host.certs)


def test_a_daemon_without_settings_of_its_own_looks_where_enrol_puts_the_certificate() -> None:
    place = find_place("tocsin-process", Path("/etc/tocsin/no-such-file.toml"), CollectorSettings)
    assert place.certificates == CollectorSettings().hub.certificates


def test_another_daemon_of_the_host_needs_no_token(host: Host, hub: EnrolHub, door: Door) -> None:
    assert host.enrol(door.address, None) == 2
    assert "has no certificate yet; give a token" in host.err
    assert host.enrol(door.address, hub.token()) == 0
    before = host.files()
    host.config = host.folder / "other.toml"
    assert host.enrol(door.address, None) == 0
    assert host.settings.hub.port == 8789
    assert host.files() == before
    assert len(door.posts) == 1


def test_a_token_that_was_used_expired_or_withdrawn_ends_with_4_and_changes_nothing(
    host: Host, hub: EnrolHub, door: Door
) -> None:
    token = hub.token()
    assert host.enrol(door.address, token) == 0
    before = host.files()
    assert host.enrol(door.address, token) == 4
    assert "used already" in host.err
    assert "has a certificate of that collector" in host.err
    old = hub.token(lifetime_s=60, again=True)
    hub.clock.advance(61)
    assert host.enrol(door.address, old) == 4
    assert "expired" in host.err
    gone = hub.token(again=True)
    hub.desk.withdraw("far")
    assert host.enrol(door.address, gone) == 4
    assert "not known here" in host.err
    assert host.files() == before
    for text in (token, old, gone):
        assert text not in host.err


@pytest.mark.parametrize("text", ["nonsense", "tocsin_enrol_AAAA", ""])
def test_what_is_no_token_never_leaves_the_host(host: Host, door: Door, text: str) -> None:
    assert host.enrol(door.address, text) == 2
    assert door.posts == []


def test_an_impostor_with_an_authority_of_his_own_gets_no_secret(host: Host, hub: EnrolHub, tmp_path: Path) -> None:
    other = real_hub()
    impostor = Door(other)
    try:
        assert host.enrol(impostor.address, hub.token()) == 4
    finally:
        impostor.close()
        other.close()
    assert "is not the hub that was meant" in host.err
    assert "no secret was sent" in host.err
    assert impostor.posts == []
    assert host.files() == {}


def test_an_impostor_who_repeats_the_hubs_authority_gets_none_either(host: Host, hub: EnrolHub, tmp_path: Path) -> None:
    ensure_site(tmp_path / "other", time.time)
    impostor = Door(hub, shows=tmp_path / "other")
    try:
        assert host.enrol(impostor.address, hub.token()) == 4
    finally:
        impostor.close()
    assert "somebody stands in between" in host.err
    assert impostor.posts == []
    assert host.files() == {}


def test_a_collector_of_the_site_cannot_play_the_hub(host: Host, hub: EnrolHub, tmp_path: Path) -> None:
    folder = issue_collector(hub.site, "near", tmp_path / "near")
    (folder / "hub.crt").write_bytes((folder / "collector.crt").read_bytes())
    (folder / "hub.key").write_bytes((folder / "collector.key").read_bytes())
    impostor = Door(hub, shows=folder)
    try:
        assert host.enrol(impostor.address, hub.token()) == 4
    finally:
        impostor.close()
    assert impostor.posts == []


def test_what_the_hub_gives_is_checked(host: Host, hub: EnrolHub, door: Door) -> None:
    stranger = pem(hub.enrol(hub.token("near"))).decode()
    for certificate, says in ((stranger, "not for this host's key"), ("rubbish", "cannot be read")):
        door.mangle = lambda answer, given=certificate: (
            {**answer, "certificate": given} if "certificate" in answer else answer
        )
        assert host.enrol(door.address, hub.token("far", again=True)) == 1
        assert says in host.err
        assert host.files() == {}


def test_an_answer_that_is_lost_is_asked_for_again_with_the_same_key(host: Host, hub: EnrolHub, door: Door) -> None:
    token = hub.token()
    door.mangle = lambda answer: {"nonsense": 1} if "certificate" in answer else answer
    assert host.enrol(door.address, token) == 4
    assert (host.certs / PENDING).exists()
    door.mangle = lambda answer: answer
    assert host.enrol(door.address, token) == 0
    assert len(host.files()) == 3
    assert not (host.certs / PENDING).exists()


def test_who_is_somebody_else_already_stays_so_without_force(host: Host, hub: EnrolHub, door: Door) -> None:
    assert host.enrol(door.address, hub.token("far")) == 0
    before = host.files()
    assert host.enrol(door.address, hub.token("near")) == 2
    assert "certificate of collector far, the token is for near" in host.err
    other = real_hub()
    second = Door(other)
    try:
        token = other.token("far")
        assert host.enrol(second.address, token) == 2
        assert "certificate of another hub" in host.err
        assert host.files() == before
        assert second.posts == []
        assert host.enrol(second.address, token, "--force") == 0
    finally:
        second.close()
        other.close()
    assert load_collector(host.certs)[1] == other.site.ca.certificate


def test_the_same_name_at_the_same_hub_needs_no_force(host: Host, hub: EnrolHub, door: Door) -> None:
    assert host.enrol(door.address, hub.token()) == 0
    before = host.files()
    hub.desk.revoke("far")
    assert host.enrol(door.address, hub.token()) == 0
    assert host.files()["collector.crt"] != before["collector.crt"]


def test_a_folder_that_cannot_be_written_is_told_before_the_token_is_spent(
    host: Host, hub: EnrolHub, door: Door
) -> None:
    host.certs.write_text("a file")
    token = hub.token()
    assert host.enrol(door.address, token) == 2
    assert str(host.certs) in host.err
    assert door.posts == []
    host.certs.unlink()
    assert host.enrol(door.address, token) == 0


def test_settings_with_mistakes_are_told_before_anything_else(host: Host, hub: EnrolHub, door: Door) -> None:
    host.config.write_text("paralel = 3\n")
    assert host.enrol(door.address, hub.token()) == 2
    assert "did you mean parallel" in host.err
    assert door.posts == []


@pytest.mark.parametrize("address", ["", "a b", "host:0", "host:99999", "http://x", "[::1"])
def test_addresses_that_are_none(host: Host, address: str) -> None:
    assert host.enrol(address, "x") == 2
    assert "--hub: " in host.err


def test_a_hub_that_is_not_there_ends_with_4(host: Host, hub: EnrolHub) -> None:
    with held_port() as taken:
        port = taken.getsockname()[1]
        assert host.enrol(f"127.0.0.1:{port}", hub.token()) == 4
    assert f"no hub answers at 127.0.0.1 port {port}" in host.err
    assert "enrol.host" in host.err


def test_a_port_that_speaks_something_else_ends_with_4(host: Host, hub: EnrolHub) -> None:
    import threading

    with socket.create_server(("127.0.0.1", 0)) as server:

        def answer() -> None:
            connection, _ = server.accept()
            connection.recv(10)
            connection.sendall(b"SSH-2.0-OpenSSH_9.9\r\n" * 5)
            connection.recv(4096)
            connection.close()

        thread = threading.Thread(target=answer)
        thread.start()
        assert host.enrol(f"127.0.0.1:{server.getsockname()[1]}", hub.token()) == 4
        thread.join()
    assert "is no Tocsin hub: no TLS 1.3" in host.err


def test_a_port_that_takes_the_connection_and_says_nothing_may_be_the_wrong_one() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        client = EnrolClient(HubAddress("127.0.0.1", server.getsockname()[1]), lambda _: None, answer_s=0.2)
        with pytest.raises(UnreachableError, match="is it the port for enrolment"):
            client.authority()


def test_a_hub_with_too_many_at_once_is_asked_again(host: Host, hub: EnrolHub, door: Door) -> None:
    pauses: list[float] = []
    client = EnrolClient(read_address(door.address, 1), pauses.append)
    door.resets = 2
    client.authority()
    assert pauses == [1.0, 2.0]
    door.resets = 9
    with pytest.raises(UnreachableError, match="too many at the moment"):
        client.authority()
    door.resets = 0


def test_a_clock_that_is_wrong_is_noted(host: Host, hub: EnrolHub, door: Door) -> None:
    door.mangle = lambda answer: {**answer, "at": answer["at"] + 3 * 3600 + 60} if "at" in answer else answer
    assert host.enrol(door.address, hub.token()) == 0
    assert "the clock of this host is 3 hours behind the hub's" in host.err


def test_a_hub_whose_certificate_begins_later_than_this_clock_says_to_set_the_clock(host: Host) -> None:
    later = EnrolHub(start=time.time() + 86400)
    door = Door(later)
    try:
        assert host.enrol(door.address, later.token()) == 4
    finally:
        door.close()
        later.close()
    assert "is not valid yet by the clock of this host: set the clock" in host.err
    assert door.posts == []


def test_the_port_for_collectors_is_tried(host: Host, hub: EnrolHub, door: Door) -> None:
    port = 0
    door.mangle = lambda answer: {**answer, "broker_port": port} if "broker_port" in answer else answer
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
        assert host.enrol(door.address, hub.token()) == 0
        assert "cannot be reached" not in host.err
    with held_port() as silent:
        port = silent.getsockname()[1]
        assert host.enrol(door.address, None) == 0
    assert f"the hub's port for collectors, 127.0.0.1 port {port}, cannot be reached" in host.err


def test_users_that_are_none(host: Host, hub: EnrolHub, door: Door) -> None:
    assert host.enrol(door.address, hub.token(), "--user", "no-such-user") == 2
    assert "there is no user no-such-user" in host.err


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_root_enrols_for_the_user_of_the_daemon(host: Host, hub: EnrolHub, door: Door) -> None:
    assert host.enrol(door.address, hub.token(), "--user", "nobody") == 0
    import pwd

    uid = pwd.getpwnam("nobody").pw_uid
    assert {path.stat().st_uid for path in (host.certs, *host.certs.iterdir())} == {uid}
    assert host.enrol(door.address, hub.token(again=True)) == 0
    assert {path.stat().st_uid for path in (host.certs, *host.certs.iterdir())} == {uid}, "whose the folder is"


def all_below(folder: Path) -> list[Path]:
    return [folder, *folder.rglob("*")]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_root_that_is_refused_half_way_leaves_nothing_of_its_own_in_the_daemons_folder(
    host: Host, hub: EnrolHub, door: Door
) -> None:
    token = hub.token()
    hub.desk.withdraw("far")
    host.certs.mkdir()
    os.chown(host.certs, 12345, 12346)
    assert host.enrol(door.address, token) == 4
    left = {path.name: (path.lstat().st_uid, path.lstat().st_gid) for path in all_below(host.certs)}
    assert left == dict.fromkeys(("certs", ".lock", PENDING), (12345, 12346))


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_root_that_is_stopped_by_a_full_disk_leaves_nothing_of_its_own(host: Host, hub: EnrolHub, door: Door) -> None:
    host.certs.mkdir()
    os.chown(host.certs, 12345, 12346)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)

    def full(answer: Any) -> Any:
        if "certificate" in answer:
            resource.setrlimit(resource.RLIMIT_FSIZE, (400, hard))
        return answer

    door.mangle = full
    try:
        assert host.enrol(door.address, hub.token()) == 2
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert "cannot be written" in host.err
    assert host.certs / ".next.partial" in all_below(host.certs)
    assert {path.lstat().st_uid for path in all_below(host.certs)} == {12345}


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_root_gives_away_nothing_that_lies_elsewhere(host: Host, hub: EnrolHub, door: Door) -> None:
    roots = host.folder / "roots"
    roots.touch()
    host.certs.mkdir()
    (host.certs / ".lock").symlink_to(roots)
    os.chown(host.certs, 12345, 12346)
    assert host.enrol(door.address, hub.token()) == 0
    assert roots.stat().st_uid == 0


def test_what_is_told_fits_a_terminal(host: Host, hub: EnrolHub, door: Door) -> None:
    def evil(answer: Any) -> Any:
        return {"error": {"code": "x", "message": "\x1b[2Jgone\nforged", "details": []}}

    door.mangle = lambda answer: evil(answer) if "error" in answer else answer
    token = hub.token()
    hub.desk.withdraw("far")
    assert host.enrol(door.address, token) == 4
    assert "\x1b" not in host.err
    assert "?[2Jgone?forged" in host.err
