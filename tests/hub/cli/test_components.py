# mypy: allow-untyped-calls
"""`tocsin component` against the API itself, in memory."""

from __future__ import annotations

import json
import re
from typing import Any

import click
from click.testing import CliRunner, Result

from common.components import ComponentKind
from hub.cli.client import Api
from hub.cli.components import component_group
from hub.cli.context import Client
from hub.cli.devices import device_group
from hub.cli.exits import CommandError
from hub.cli.tokens import Credentials
from tests.hub.components.reports import NOW, found, outcome
from tests.hub.web.http import TOKEN, Bridge
from tests.hub.web.test_components import ComponentCase

FILESYSTEM = ComponentKind.FILESYSTEM


class InMemory(Client):
    """A hub that needs no port."""

    def __init__(self, bridge: Bridge) -> None:
        super().__init__("http://127.0.0.1", None)
        self._api = Api(self.url, Credentials(token=TOKEN, origin="the test"), bridge)


class CommandTests(ComponentCase):
    def run_group(self, group: click.Group, *arguments: str) -> Result:
        result = CliRunner().invoke(group, arguments, obj=InMemory(Bridge(self.client)))
        if result.exception is not None and not isinstance(result.exception, CommandError | SystemExit):
            raise result.exception
        return result

    def component(self, *arguments: str) -> Result:
        return self.run_group(component_group, *arguments)

    def refusal(self, *arguments: str) -> str:
        error = self.component(*arguments).exception
        assert isinstance(error, CommandError), error
        return "\n".join((error.message, *error.details))

    def said(self) -> dict[str, Any]:
        return dict(self.model.model.device("web1").components)

    def test_components_are_listed_also_those_that_are_gone(self) -> None:
        self.clock.advance(5)
        self.take(at=NOW + 5)
        lines = self.component("list", "web1").stdout.splitlines()
        assert re.split(r"  +", lines[0].strip()) == ["KIND", "NAME", "STATE", "NOT SEEN SINCE", "LOCK", "ATTRIBUTES"]
        assert re.search(r"^interface +eth0 +present +– +– +speed=1$", lines[1].rstrip())
        assert re.search(r"^process_set +nginx +absent +2027-01-1\S \S+ +– +–$", lines[2].rstrip())
        assert len(self.component("list", "web1", "--state", "absent").stdout.splitlines()) == 2
        document = json.loads(self.component("list", "web1", "--kind", "interface", "--json").stdout)
        assert [row["name"] for row in document["components"]] == ["eth0"]

    def test_an_empty_list_says_why(self) -> None:
        self.put("web2")
        assert "`tocsin model web2 --wait`" in self.component("list", "web2").stderr
        assert self.component("list", "web1", "--kind", "cpu").stderr == "web1 has no such component\n"
        self.take(outcome(problem="a time-out"))
        assert "web1 had trouble: processes: a time-out" in self.component("list", "web1").stderr

    def test_one_is_shown_with_what_is_said_of_it(self) -> None:
        self.component("set", "web1", "interface/eth0", "retire_after_days=90")
        self.component("lock", "web1", "interface/eth0", "delete")
        self.clock.advance(5)
        self.take(
            outcome(found("lan0", "m1", ComponentKind.INTERFACE, speed=2), kinds=(ComponentKind.INTERFACE,)), at=NOW + 5
        )
        shown = self.component("show", "web1", "interface/eth0").stdout
        for line in (r"name +lan0", r"series under +eth0", r"lock +delete", r"  speed +2", r"  retire_after_days +90"):
            assert re.search(rf"^{line} *$", shown, re.MULTILINE), (line, shown)
        assert json.loads(self.component("show", "web1", "interface/lan0", "--json").stdout)["series"] == "eth0"

    def test_what_is_said_of_one_is_a_revision_each(self) -> None:
        name = "filesystem//srv/data"
        self.take(outcome(found("/srv/data", kind=FILESYSTEM), kinds=(FILESYSTEM,)))
        assert self.component("lock", "web1", name, "update", "delete").stdout == (
            f"Changed {name} of web1 (revision 2)\n"
        )
        assert self.said() == {name: {"lock": ("delete", "update")}}
        assert self.component("lock", "web1", name, "update").stdout == f"Unchanged: {name} of web1\n"
        self.component("unlock", "web1", name, "update", "-m", "moved")
        self.component("set", "web1", name, "monitor=false", "retire_after_days=5")
        assert self.said() == {name: {"lock": ("delete",), "monitor": False, "retire_after_days": 5}}
        self.component("reset", "web1", name, "monitor")
        assert self.said() == {name: {"lock": ("delete",), "retire_after_days": 5}}
        document = json.loads(self.component("reset", "web1", name, "--json").stdout)
        assert (document["revision"], document["properties"], self.said()) == (6, {}, {})

    def test_one_that_is_gone_is_removed(self) -> None:
        assert "is there, and would be found again" in self.refusal("remove", "web1", "process_set/nginx")
        self.clock.advance(5)
        self.take(at=NOW + 5)
        assert self.component("remove", "web1", "process_set/nginx").stdout == "Removed process_set/nginx of web1\n"
        assert "has no component process_set/nginx" in self.refusal("show", "web1", "process_set/nginx")

    def test_what_cannot_be_is_refused_with_a_sentence(self) -> None:
        assert "'nginx' is no component; expected KIND/NAME" in self.refusal("show", "web1", "nginx")
        assert "there is no kind of component 'disk'" in self.refusal("show", "web1", "disk/sda")
        assert "There are: lock, missing_severity" in self.refusal("set", "web1", "process_set/nginx", "snmp_port=5")
        assert "monitor=maybe: wanted true or false" in self.refusal(
            "set", "web1", "process_set/nginx", "monitor=maybe"
        )
        assert "there is no property 'snmp_port'" in self.refusal("reset", "web1", "process_set/nginx", "snmp_port")
        assert self.component("lock", "web1", "process_set/nginx", "keep").exit_code == 2

    def test_where_its_properties_come_from(self) -> None:
        self.component("set", "web1", "process_set/nginx", "missing_severity=critical")
        arguments = ("show", "web1", "--properties", "--component", "process_set/nginx")
        shown = self.run_group(device_group, *arguments).stdout
        assert re.search(
            r"^missing_severity +critical +component process_set/nginx +definition \(default\)", shown, re.MULTILINE
        )
        assert "snmp_port" not in shown
        error = self.run_group(device_group, "show", "web1", "--component", "process_set/nginx").exception
        assert isinstance(error, CommandError)
        assert "--component goes with --properties" in error.message
