"""One value of a settings file changes, and all else stays."""

from __future__ import annotations

import tomllib

import pytest

from common.settingsfile import toml_text, with_setting

TEXT = '# top\na = 1\n\n[http]\n# the page\nport = 8080 # old\nhost = "x"\n\n[broker]\nport = 1\n'


def test_one_setting_changes_and_all_else_stays() -> None:
    changed = with_setting(TEXT, "http", "port", "9")
    assert tomllib.loads(changed) == {"a": 1, "http": {"port": 9, "host": "x"}, "broker": {"port": 1}}
    assert changed == TEXT.replace("port = 8080 # old", "port = 9")


@pytest.mark.parametrize(
    ("section", "key", "wanted"),
    [
        ("", "a", {"a": 7, "http": {"port": 8080, "host": "x"}, "broker": {"port": 1}}),
        ("", "new", {"a": 1, "new": 7, "http": {"port": 8080, "host": "x"}, "broker": {"port": 1}}),
        ("broker", "new", {"a": 1, "http": {"port": 8080, "host": "x"}, "broker": {"port": 1, "new": 7}}),
        ("new", "b", {"a": 1, "http": {"port": 8080, "host": "x"}, "broker": {"port": 1}, "new": {"b": 7}}),
    ],
)
def test_a_setting_or_section_that_is_not_there_is_added(section: str, key: str, wanted: object) -> None:
    assert tomllib.loads(with_setting(TEXT, section, key, "7")) == wanted


@pytest.mark.parametrize("text", ["", 'a"b', "c:\\x", "é\n\t", "/srv/x"])
def test_texts_are_quoted_as_toml_reads_them(text: str) -> None:
    assert tomllib.loads(f"x = {toml_text(text)}") == {"x": text}
