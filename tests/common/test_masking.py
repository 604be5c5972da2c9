"""Secrets leave no process's memory; what is none stays."""

from __future__ import annotations

import pytest

from common.configs import DeviceConfig, SnmpConfig, SourceKind
from common.masking import Masker, check_mask, masker, masker_of, own_secrets


@pytest.mark.parametrize(
    ("line", "written"),
    [
        ("--password=hunter2 -v", "--password=*** -v"),
        ("--password=-hunter2 -v", "--password=*** -v"),
        ("--db-password hunter2", "--db-password ***"),
        ("-Dspring.datasource.password=hunter2", "-Dspring.datasource.password=***"),
        ("PGPASSWORD=hunter2 psql", "PGPASSWORD=*** psql"),
        ("--api-key=k --apikey k", "--api-key=*** --apikey ***"),
        ("--Secret hunter2", "--Secret ***"),
        ("worker token=abc secret=def", "worker token=*** secret=***"),
        ("postgres://me:hunter2@db/x", "postgres://me:***@db/x"),
        ("postgres://me:hun@ter2@db/x", "postgres://me:***@db/x"),
        ("pg_dump postgres://me:hunte", "pg_dump postgres://me:***"),
        ("-H 'Authorization: Bearer abc.def'", "-H 'Authorization: Bearer ***"),
        ("-H Authorization: Basic abcdef== -v", "-H Authorization: Basic *** -v"),
        ("aws AKIAIOSFODNN7EXAMPLE s3", "aws *** s3"),
        ("AWS_SECRET_ACCESS_KEY=abc/def x", "AWS_SECRET_ACCESS_KEY=*** x"),
        ("mysql -u root -phunter2 db", "mysql -u root -p*** db"),
        ("/usr/bin/sshpass -p hunter2 ssh host", "/usr/bin/sshpass -p *** ssh host"),
        ("curl -s -u me:hunter2 https://host", "curl -s -u me:*** https://host"),
        ("redis-cli -h x -a hunter2", "redis-cli -h x -a ***"),
        ("snmpget -v3 -A authpass -X privpass host", "snmpget -v3 -A *** -X *** host"),
        ("snmpget -c topsecretcommunity host", "snmpget -c *** host"),
        ("agent topsecretcommunity", "agent ***"),
    ],
)
def test_what_looks_like_a_secret_is_masked(line: str, written: str) -> None:
    assert masker(secrets=("topsecretcommunity",)).mask(line) == written


@pytest.mark.parametrize(
    "line",
    [
        "nginx -g daemon off;",
        "--password-file=/etc/x",
        "--token-ttl 5m",
        "http://host:8080/path@2x",
        "http://host:8080",
        "/usr/bin/passwdd -x",
        "/usr/bin/passwd root",
        "--no-password --verbose",
        "redis-server -p6379",
        "java -pidfile /run/x -port 80",
        "mysqld --port=3306",
    ],
)
def test_what_is_none_stays(line: str) -> None:
    assert masker().mask(line) == line


def test_bytes_that_are_no_text_stay_beside_a_mask() -> None:
    assert masker().mask_bytes(b"\xff --password=x") == b"\xff --password=***"
    assert masker().mask_bytes("é --password=x".encode()) == "é --password=***".encode()


def test_a_text_that_cannot_be_encoded_is_masked_all_the_same() -> None:
    assert masker().mask("\udcff --password=x") == "? --password=***"


def test_of_overlapping_stretches_nothing_is_left() -> None:
    assert Masker([r"a(bcd)e", r"ab(cdef)", r"(c)"]).mask("xabcdefg") == "xa***g"


def test_the_group_with_the_name_is_masked_or_else_the_first() -> None:
    assert Masker([r"(pin|code) (?P<secret>\d+)"]).mask("pin 1234 and code 99") == "pin *** and code ***"
    assert Masker([r"pin (\d+)( x)?"]).mask("pin 1234 x") == "pin *** x"


def test_a_group_that_took_no_part_masks_nothing() -> None:
    assert Masker([r"pin (\d+)?"]).mask("pin x") == "pin x"


@pytest.mark.parametrize(
    ("pattern", "reason"),
    [("(a", "missing ): (a at position 0"), (r"(?<=a)(b)", "at position 0"), ("pin=", "has no group")],
)
def test_a_pattern_that_cannot_mask_is_refused_with_the_reason(pattern: str, reason: str) -> None:
    assert reason in check_mask(pattern)
    with pytest.raises(ValueError, match=r"group|RE2"):
        Masker([pattern])


def test_a_device_s_own_secrets_but_no_ordinary_words() -> None:
    config = SnmpConfig(community="public", auth_password="long enough", priv_password="abc")
    assert own_secrets(config) == ("long enough",)
    assert own_secrets(None) == ()


def test_a_device_has_the_standard_masks_and_its_own() -> None:
    plain = DeviceConfig(device="x", address="", source=SourceKind.LOCAL, interval_s=10)
    assert masker_of(plain).mask("pin=7 password=x") == "pin=7 password=***"
    own = DeviceConfig(
        device="x",
        address="",
        source=SourceKind.LOCAL,
        interval_s=10,
        argument_masks=("pin=(.)",),
        standard_masks=False,
    )
    assert masker_of(own).mask("pin=7 password=x") == "pin=*** password=x"
    snmp = DeviceConfig(
        device="x", address="h", source=SourceKind.SNMP, interval_s=60, snmp=SnmpConfig(community="very-own")
    )
    assert masker_of(snmp).mask("say very-own") == "say ***"
