"""Secrets are not written; what is none stays."""

from __future__ import annotations

import pytest

from collectors.framework.captures.masking import mask, mask_bytes, own_secrets
from common.configs import SnmpConfig


@pytest.mark.parametrize(
    ("line", "written"),
    [
        ("--password=hunter2 -v", "--password=*** -v"),
        ("--db-password hunter2", "--db-password ***"),
        ("-Dspring.datasource.password=hunter2", "-Dspring.datasource.password=***"),
        ("PGPASSWORD=hunter2 psql", "PGPASSWORD=*** psql"),
        ("--api-key=k --apikey k", "--api-key=*** --apikey ***"),
        ("--Secret hunter2", "--Secret ***"),
        ("postgres://me:hunter2@db/x", "postgres://me:***@db/x"),
        ("-H 'Authorization: Bearer abc.def'", "-H 'Authorization: Bearer ***"),
        ("snmpget -c topsecretcommunity host", "snmpget -c *** host"),
    ],
)
def test_what_looks_like_a_secret_is_not_written(line: str, written: str) -> None:
    assert mask(line, ["topsecretcommunity"]) == written


@pytest.mark.parametrize(
    "line",
    [
        "nginx -g daemon off;",
        "--password-file=/etc/x",
        "--token-ttl 5m",
        "http://host:8080/path@2x",
        "/usr/bin/passwdd -x",
        "--no-password --verbose",
    ],
)
def test_what_is_none_stays(line: str) -> None:
    assert mask(line) == line


def test_bytes_that_are_no_text_stay_beside_a_mask() -> None:
    assert mask_bytes(b"\xff --password=x") == b"\xff --password=***"


def test_a_device_s_own_secrets_but_no_ordinary_words() -> None:
    config = SnmpConfig(community="public", auth_password="long enough", priv_password="abc")
    assert own_secrets(config) == ("long enough",)
    assert own_secrets(None) == ()
