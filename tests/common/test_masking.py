"""Secrets leave no process's memory; what is none stays."""

from __future__ import annotations

import tracemalloc

import pytest

from common.configs import DeviceConfig, SnmpConfig, SourceKind
from common.masking import STANDARD, Masker, _patterns, check_mask, masker, masker_of, own_secrets


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
        ("agent topsecretcommunity2", "agent ***"),
        ('post {"password":"my hunter2", "user": "me"}', 'post {"password":*** "user": "me"}'),
        (r'post {"password": "my \"hunter2\" x"}', 'post {"password": ***'),
        (r"sh -c {\"password\": \"my hunter2\"}", r"sh -c {\"password\": ***"),
        ("sh -c PASSWORD='my hunter2' x", "sh -c PASSWORD=*** x"),
        ('PASSWORD="my hunter2 that is not closed', "PASSWORD=***"),
        ("SECRET_KEY_BASE=hunter2 ENCRYPTION_KEY=hunter2 x", "SECRET_KEY_BASE=*** ENCRYPTION_KEY=*** x"),
        ("x -----BEGIN RSA PRIVATE KEY-----\nMII\n-----END RSA PRIVATE KEY-----", None),
        ("--password\0hunter2\0-v", "--password\0***\0-v"),
        ("mysql -e 'select\n1' -phunter2", "mysql -e 'select\n1' -p***"),
        ("mysql.exe -phunter2 -v", "mysql.exe -p*** -v"),
        (r'"C:\Program Files\plink.exe" -pw hunter2 host', r'"C:\Program Files\plink.exe" -pw *** host'),
        ("docker login -u me -p hunter2 host", "docker login -u me -p *** host"),
        ("mongodump -u me -p hunter2", "mongodump -u me -p ***"),
        ("sqlcmd -U sa -P hunter2 -S x", "sqlcmd -U sa -P *** -S x"),
        ("7z a -phunter2 x.7z", "7z a -p*** x.7z"),
        ("plink -pw hunter2 host", "plink -pw *** host"),
        ("xfreerdp /u:me /p:hunter2", "xfreerdp /u:me /p:***"),
        ("lftp -u me,hunter2 host", "lftp -u me,*** host"),
        ("htpasswd -bB file me hunter2", "htpasswd -bB file me ***"),
        ("clone https://x/glpat-abcdefghijklmnopqrst", "clone https://x/***"),
    ],
)
def test_what_looks_like_a_secret_is_masked(line: str, written: str | None) -> None:
    masked = masker(secrets=("topsecretcommunity", "topsecretcommunity2")).mask(line)
    assert masked == (written or "x -----BEGIN RSA PRIVATE KEY-----***-----END RSA PRIVATE KEY-----")


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
        "docker run -p 80:80 nginx",
        "mongod --port 27017",
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


def test_patterns_that_are_too_large_for_one_pass_mask_one_by_one() -> None:
    large = tuple(rf"opt{number}[a-z]{{0,500}}=(\S+)" for number in range(100))
    assert not any(map(check_mask, large))
    assert masker((*STANDARD, *large)).mask("x --password=hunter2 opt7abc=hunter2") == "x --password=*** opt7abc=***"


def test_what_is_remembered_of_long_lines_is_bounded() -> None:
    masks = Masker(("hold (x)",))
    tracemalloc.start()
    try:
        for number in range(400):
            masks.mask(f"{number} hold x".ljust(32_000))
        held, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert held < 8 << 20


def test_devices_that_are_read_with_secrets_of_their_own_share_what_is_compiled() -> None:
    masker(secrets=("community of this test alone",))  # which no other has cached: what is compiled is there now
    before = _patterns.cache_info().misses
    assert all(masker(secrets=(f"community{number}",)).mask(f"a community{number}") == "a ***" for number in range(200))
    assert _patterns.cache_info().misses == before


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
