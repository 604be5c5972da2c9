"""The daemon's settings, and what it is."""

from __future__ import annotations

from pathlib import Path

from collectors.modeler.main import SPEC, ModelerSettings
from common.events import CLASS_MODEL
from common.settings import genconf, read_settings

ETC = Path(__file__).parents[3] / "etc"


def test_the_settings_in_etc_are_those_that_genconf_prints() -> None:
    text = genconf(ModelerSettings, "tocsin-modeler")
    assert (ETC / "modeler.toml").read_text() == text, "run: tocsin-modeler genconf > etc/modeler.toml"
    assert read_settings(text, ModelerSettings, "x") == ModelerSettings()


def test_it_shares_no_folder_with_another_daemon() -> None:
    assert ModelerSettings().folder == Path("var/modeler")


def test_what_it_fails_at_is_said_in_a_class_of_its_own() -> None:
    assert (SPEC.service, SPEC.failure_class, SPEC.settings_type) == ("modeler", CLASS_MODEL, ModelerSettings)
