"""Settings of the ways out: what cannot be meant is refused with a sentence."""

from __future__ import annotations

from pathlib import Path

import pytest

from collectors.framework.daemonsettings import CollectorSettings
from collectors.framework.outlets.settings import secret_of
from common.errors import SettingsError
from common.settings import read_settings


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('[metrics]\nlisten = "9470"', "no address and port"),
        ('[metrics]\nlisten = "127.0.0.1:99999"', "no address and port"),
        ('[metrics]\nlisten = "web1:9470"', "no IP address"),
        ('[metrics]\nlisten = "0.0.0.0:9470"', "can be reached by others"),
        ('[metrics]\nlisten = "[::]:9470"', "can be reached by others"),
        ('[remote_write]\nurl = "ftp://there/"', "neither http:// nor https://"),
        ('[remote_write]\nurl = "https://me:word@there/"', "name or a password"),
        ('[remote_write]\nurl = "https://there/"\nusername = "me"', "go together"),
        ('[remote_write]\nurl = "https://there/"\nheaders = ["X-Scope"]', "not of the form 'Name: value'"),
        ('[remote_write]\nurl = "https://there/"\nheaders = ["Content-Type: text/plain"]', "said by Tocsin itself"),
        ('[remote_write]\nurl = "https://there/"\nheaders = ["A: b\\r\\nC: d"]', "not of the form 'Name: value'"),
        ('[remote_write]\nurl = "https://there/"\nlabels = ["site:berlin"]', "not of the form 'name=value'"),
        ('[remote_write]\nurl = "https://there/"\nlabels = ["device=x"]', "said by Tocsin itself"),
        ('[remote_write]\nurl = "https://there/"\nlabels = ["a=x", "a=y"]', "there twice"),
        ('[remote_write]\nurl = "https://there:99999/"', "a port that is none"),
        ('[remote_write]\nurl = "https://there/"\nsamples = 0', "samples"),
    ],
)
def test_what_cannot_be_meant_is_refused(text: str, said: str) -> None:
    with pytest.raises(SettingsError) as raised:
        read_settings(text, CollectorSettings, "process.toml")
    assert said in "\n".join([raised.value.message, *raised.value.details])


def test_what_is_meant_is_read() -> None:
    text = (
        '[metrics]\nlisten = "[::1]:9470"\n'
        '[remote_write]\nurl = "https://there/api/v1/write"\nheaders = ["X-Scope-OrgID: ops"]\nlabels = ["site=berlin"]'
    )
    settings = read_settings(text, CollectorSettings, "process.toml")
    assert settings.metrics.address() == ("::1", 9470)
    assert settings.remote_write.more_headers() == {"X-Scope-OrgID": "ops"}
    assert settings.remote_write.more_labels() == {"site": "berlin"}


def test_everybody_may_be_shown_the_page_with_a_token() -> None:
    text = '[metrics]\nlisten = "0.0.0.0:9470"\ntoken_file = "/etc/tocsin/metrics.token"'
    assert read_settings(text, CollectorSettings, "process.toml").metrics.address() == ("0.0.0.0", 9470)


@pytest.mark.parametrize("text", ["", "\n", "two\nlines", "\x00", "é"])
def test_a_file_that_holds_no_secret_is_refused(tmp_path: Path, text: str) -> None:
    file = tmp_path / "token"
    file.write_text(text)
    with pytest.raises(ValueError, match="holds no secret"):
        secret_of(str(file))
