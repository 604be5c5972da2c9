"""The definitions in etc/model, against command lines as Debian's programs really have them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from common.matching import Matcher
from hub.compile.process import compile_device
from hub.model.bound import resolution_of
from hub.model.change import plan
from hub.model.definitions import to_config
from hub.model.documents import SourceFile, read_documents
from hub.model.entities import (
    Device,
    Entity,
    ProcessSet,
)
from hub.model.model import Model

PAGE = Path(__file__).parents[3] / "docs" / "templates.md"
FOLDER = Path(__file__).parents[3] / "etc" / "model"

PYTHON = "/srv/my tar/.venv/bin/python3"

TAKEN = [
    ("/sbin/init", "init"),
    ("/sbin/init splash", "init"),
    ("/lib/systemd/systemd --system --deserialize 33", "init"),
    ("/usr/lib/systemd/systemd --switched-root --system", "init"),
    ("/lib/systemd/systemd-journald", "systemd-journald"),
    ("/usr/lib/systemd/systemd-logind", "systemd-logind"),
    ("/lib/systemd/systemd-udevd", "systemd-udevd"),
    ("/usr/lib/systemd/systemd-udevd --daemon", "systemd-udevd"),
    ("/lib/systemd/systemd-networkd", "systemd-networkd"),
    ("/lib/systemd/systemd-resolved", "systemd-resolved"),
    ("/lib/systemd/systemd-timesyncd", "systemd-timesyncd"),
    ("/usr/bin/dbus-daemon --system --address=systemd: --nofork --nopidfile --systemd-activation", "dbus-daemon"),
    ("@dbus-daemon --system --address=systemd: --nofork", "dbus-daemon"),
    ("dbus-broker-launch --scope system --audit", "dbus-daemon"),
    ("sshd: /usr/sbin/sshd -D [listener] 0 of 10-100 startups", "sshd"),
    ("sshd: /usr/sbin/sshd -p 2222 [listener] 1 of 10-100 startups", "sshd"),
    ("/usr/sbin/sshd -D", "sshd"),
    ("/usr/sbin/sshd", "sshd"),
    ("sshd", "sshd"),
    ("/usr/sbin/cron -f", "cron"),
    ("/usr/sbin/cron", "cron"),
    ("cron", "cron"),
    ("/usr/sbin/crond -n", "cron"),
    ("/usr/sbin/rsyslogd -n -iNONE", "rsyslogd"),
    ("/usr/sbin/chronyd -F 1", "chronyd"),
    ("/usr/sbin/ntpd -p /var/run/ntpd.pid -g -u 108:115", "ntpd"),
    ("/usr/lib/polkit-1/polkitd --no-debug", "polkitd"),
    ("/usr/sbin/NetworkManager --no-daemon", "NetworkManager"),
    ("/usr/sbin/snmpd -LOw -u Debian-snmp -g Debian-snmp -I -smux mteTrigger -f", "snmpd"),
    ("/usr/sbin/smartd -n", "smartd"),
    ("/usr/sbin/qemu-ga", "qemu guest agent"),
    ("/usr/bin/python3 /usr/bin/fail2ban-server -xf start", "fail2ban"),
    ("nginx: master process /usr/sbin/nginx -g daemon on; master_process on;", "nginx"),
    ("/usr/sbin/nginx -g daemon off;", "nginx"),
    ("/usr/sbin/apache2 -k start", "apache2"),
    ("/usr/sbin/apache2 -f /etc/apache2/x.conf -k start", "apache2"),
    ("/usr/sbin/httpd -DFOREGROUND", "apache2"),
    ("/usr/sbin/haproxy -Ws -f /etc/haproxy/haproxy.cfg -p /run/haproxy.pid -S /run/haproxy-master.sock", "haproxy"),
    ("php-fpm: master process (/etc/php/8.2/fpm/php-fpm.conf)", "php-fpm"),
    ("/usr/sbin/named -f -u bind", "named"),
    ("/usr/sbin/dnsmasq -x /run/dnsmasq/dnsmasq.pid -u dnsmasq", "dnsmasq"),
    ("/usr/sbin/exim4 -bd -q30m", "exim"),
    ("/usr/sbin/exim4 -bdf -q30m", "exim"),
    ("/usr/lib/postfix/sbin/master -w", "postfix"),
    ("/usr/sbin/dovecot -F", "dovecot"),
    ("/usr/sbin/dockerd -H fd:// --containerd=/run/containerd/containerd.sock", "dockerd"),
    ("/usr/bin/dockerd --log-driver cat", "dockerd"),
    ("/usr/bin/containerd", "containerd"),
    ("/usr/bin/prometheus-node-exporter", "prometheus node exporter"),
    ("/opt/node_exporter --web.listen-address=:9100", "prometheus node exporter"),
    ("/usr/bin/prometheus --config.file=/etc/prometheus/prometheus.yml", "prometheus"),
    ("/usr/share/grafana/bin/grafana server --config=/etc/grafana/grafana.ini", "grafana"),
    ("/usr/sbin/grafana-server --config=/etc/grafana/grafana.ini", "grafana"),
    ("/usr/lib/postgresql/15/bin/postgres -D /var/lib/postgresql/15/main -c config_file=/etc/x.conf", "postgres"),
    ("/usr/bin/postgres -D/data", "postgres"),
    ("/usr/sbin/mariadbd", "mariadbd"),
    ("/usr/sbin/mysqld --basedir=/usr", "mariadbd"),
    ("/usr/bin/redis-server 127.0.0.1:6379", "redis-server"),
    ("/usr/bin/valkey-server *:6379", "redis-server"),
    ("/usr/bin/memcached -m 64 -p 11211 -u memcache -l 127.0.0.1", "memcached"),
    ("/opt/t/.venv/bin/python3 /opt/t/.venv/bin/tocsin-hub run --config /var/lib/tocsin/etc/hub.toml", "tocsin-hub"),
    (f"{PYTHON} /srv/my tar/.venv/bin/tocsin-hub run --config x", "tocsin-hub"),
    ("/usr/bin/python3.11 -I /usr/bin/tocsin-hub start", "tocsin-hub"),
    (f"{PYTHON} /srv/my tar/.venv/bin/tocsin-process run --config /srv/my tar/var/etc/process.toml", "tocsin-process"),
    (f"{PYTHON} /srv/my tar/.venv/bin/tocsin-modeler run --config /srv/my tar/var/etc/modeler.toml", "tocsin-modeler"),
    (f"{PYTHON} /srv/t/.venv/bin/tocsin-status run --config /srv/t/etc/status.toml", "tocsin-status"),
    (f"{PYTHON} /srv/t/.venv/bin/tocsin-snmp start", "tocsin-snmp"),
    (f"{PYTHON} /srv/t/.venv/bin/tocsin-probe run --config x", "tocsin-probe"),
    (f"{PYTHON} -m collectors.framework.rrdwriter --spool a --rrd b", "tocsin rrdwriter"),
    ("/opt/t/.venv/bin/python -m collectors.framework.rrdqueries --rrd b", "tocsin rrdqueries"),
    ("/opt/t/bin/python3 -m collectors.framework.outlets.sendingprocess --spool b", "tocsin sendingprocess"),
]

LEFT = [
    "vim /etc/ssh/sshd_config",
    "vim /usr/sbin/sshd",
    "/usr/bin/vim sshd_config",
    "less /usr/sbin/sshd",
    "grep nginx /var/log/syslog",
    "grep -r sshd -D",
    "tail -f /var/log/nginx/access.log",
    "sshd: ann [priv]",
    "sshd: ann@pts/0",
    "sshd: ann@notty",
    "sshd: unknown [net]",
    "sshd: [accepted]",
    "/usr/sbin/sshd -D -R",
    "sshd-session: ann [priv]",
    "/usr/lib/openssh/sshd-session -D -R",
    "ssh host /usr/sbin/sshd -D",
    "scp sshd -x host:",
    "/usr/sbin/CRON -f",
    "/bin/sh -c /usr/sbin/cron-apt",
    "crontab -e",
    "/lib/systemd/systemd --user",
    "/usr/lib/systemd/systemd --user --deserialize 8",
    "(sd-pam)",
    "(udev-worker)",
    "/lib/systemd/systemd-journald-helper",
    "/usr/bin/dbus-daemon --session --address=systemd: --nofork",
    "snmpdate",
    "snmpd_helper",
    "nginx: worker process",
    "nginx: cache manager process",
    "/usr/bin/python3 nginx.py -x",
    "php-fpm: pool www",
    "postgres: 15/main: checkpointer",
    "postgres: 15/main: ann shop 10.0.0.7(5812) idle",
    "psql -D x",
    "mysqld_safe --user=mysql",
    "mysql -u root",
    "redis-rdb-bgsave 127.0.0.1:6379",
    "redis-cli",
    "/usr/bin/containerd-shim-runc-v2 -namespace moby -id 1",
    "docker-proxy -proto tcp",
    "docker run nginx",
    "/usr/sbin/exim4 -Mc 1abc",
    "exim4 -q",
    "/usr/lib/postfix/sbin/qmgr -l -t unix -u",
    "pickup -l -t unix -u",
    "dovecot/imap-login",
    "systemctl status prometheus",
    "apachectl -k start",
    "bash -c tocsin-hub run",
    "sudo /opt/t/.venv/bin/python3 /opt/t/.venv/bin/tocsin-hub run",
    "strace /opt/t/bin/python3 /opt/t/bin/tocsin-hub run",
    "/opt/t/.venv/bin/python3 /opt/t/.venv/bin/tocsin-hub status",
    "/opt/t/.venv/bin/python3 /opt/t/.venv/bin/tocsin up",
    "/opt/t/.venv/bin/python3 /opt/t/.venv/bin/tocsin-process run --once -d web1",
    "vim /opt/t/bin/tocsin-hub run",
    "/usr/bin/vim /opt/python3 /opt/tocsin-hub run",
    f"{PYTHON} -m pytest collectors.framework.rrdwriter",
    "[kworker/0:1]",
    "[jbd2/sda1-8]",
    "",
]


def shipped() -> list[Entity]:
    files = [SourceFile(path.name, path.read_text(encoding="utf-8")) for path in sorted(FOLDER.glob("*.yaml"))]
    return [document.entity for document in read_documents(files)]


@pytest.fixture(scope="module")
def matcher() -> Matcher:
    return Matcher([to_config(entity) for entity in shipped() if isinstance(entity, ProcessSet)])


def test_there_are_some() -> None:
    assert sum(isinstance(entity, ProcessSet) for entity in shipped()) > 30


def test_the_templates_hold_together_and_are_quiet_until_the_strict_one_is_bound() -> None:
    quiet = Device(id="quiet", address="x")
    strict = Device(id="strict", address="x", templates=("process-strict",))
    model = plan(Model(), [*shipped(), quiet, strict]).after
    assert compile_device(model, "quiet").thresholds == ()
    judged = [one.id for one in compile_device(model, "strict").thresholds]
    assert judged == ["cpu-eater", "memory-leak", "memory-growth", "open-files"]
    for device, held in ((quiet, "process"), (strict, "process-strict")):
        assert [one.id for one in resolution_of(model, device).of("process_set")] == [held]


def test_the_examples_of_the_page_about_templates_hold_together() -> None:
    blocks = re.findall(r"^```yaml\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)
    assert len(blocks) > 4
    files = [SourceFile(f"block {number}", text) for number, text in enumerate(blocks, start=1)]
    model = plan(Model(), [*shipped(), *(document.entity for document in read_documents(files))]).after
    device = Device(id="web1", address="x", class_="/Server/Linux", groups=("app servers",), templates=("java-big",))
    model = plan(model, [device]).after
    assert [(one.id, one.definitions) for one in compile_device(model, "web1").thresholds][-2:] == [
        ("leak", ("postgres",)), ("crowd", ("postgres",)),
    ]  # fmt: skip
    assert {one.id for one in resolution_of(model, device).unheld} == {"java", "process"}


@pytest.mark.parametrize(("line", "component"), TAKEN)
def test_it_is_taken_and_by_one_definition_alone(matcher: Matcher, line: str, component: str) -> None:
    found = matcher.match(line)
    assert found is not None
    assert found.component == component
    assert matcher.all_matches(line) == [found.definition]


@pytest.mark.parametrize("line", LEFT)
def test_it_is_left(matcher: Matcher, line: str) -> None:
    assert matcher.match(line) is None


def test_every_definition_has_a_line_that_it_takes(matcher: Matcher) -> None:
    taken = {found.definition for line, _ in TAKEN if (found := matcher.match(line)) is not None}
    assert {entity.id for entity in shipped() if isinstance(entity, ProcessSet)} == taken
