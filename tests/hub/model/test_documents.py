from __future__ import annotations

import pytest

from common.configs import DEFAULT_EXCLUDE
from common.errors import SettingsError
from common.events import Severity
from hub.model.documents import SourceFile, read_documents, read_entity
from hub.model.entities import (
    Bounds,
    Device,
    DeviceClass,
    DeviceState,
    Entity,
    Group,
    Instances,
    ProcessSet,
    decode_entity,
    encode_entity,
    kind_of,
)
from hub.model.yaml import secret_references


def read(*texts: str) -> list[Entity]:
    files = [SourceFile(f"f{number}.yaml", text) for number, text in enumerate(texts, start=1)]
    return [document.entity for document in read_documents(files)]


def mistakes(*texts: str) -> list[str]:
    with pytest.raises(SettingsError) as caught:
        read(*texts)
    return list(caught.value.details)


def set_(**fields: object) -> str:
    lines = {"kind": "ProcessSet", "id": "s", "include": "^x", **fields}
    return "".join(f"{key}: {value}\n" for key, value in lines.items())


def device(**fields: object) -> str:
    lines = {"kind": "Device", "id": "d", "address": "10.0.0.1", **fields}
    return "".join(f"{key}: {value}\n" for key, value in lines.items())


def test_a_device_with_everything() -> None:
    text = device(
        **{
            "class": "/Server/Linux/Web",
            "collector": "far",
            "groups": "[web, 'data center 1', web]",
            "state": "maintenance",
        }
    )
    assert read(text + "properties:\n  snmp_version: 3\n  snmp_user: u\n  interval_s: 30\n") == [
        Device(
            id="d",
            address="10.0.0.1",
            class_="/Server/Linux/Web",
            collector="far",
            groups=("web", "data center 1"),
            state=DeviceState.MAINTENANCE,
            properties={"snmp_version": "3", "snmp_user": "u", "interval_s": 30},
        )
    ]


def test_a_device_with_nothing_but_its_address() -> None:
    (found,) = read(device())
    assert found == Device(id="d", address="10.0.0.1", class_="/Server/Linux", collector="local")


def test_a_local_device_needs_no_address() -> None:
    (found,) = read("kind: Device\nid: here\nproperties: {source: local}\n")
    assert isinstance(found, Device)
    assert found.address == "127.0.0.1"


def test_a_process_set_with_everything() -> None:
    (found,) = read(
        "kind: ProcessSet\nid: app\ntitle: The app\ndescription: |\n  Two\n  lines\norder: 7\n"
        "include: '^/opt/(\\w+)/run'\nexclude: ' --test'\n"
        "name: 'app {1}'\napplies_to: [/Server/Linux, web]\nrequired: true\nmonitor: false\n"
        "missing_severity: critical\nrestart_severity: 3\ncount: {min: 0, max: 4}\ninstances: {max: 1}\nconfirm: 2\n"
    )
    assert found == ProcessSet(
        id="app",
        title="The app",
        description="Two\nlines",
        order=7,
        include=r"^/opt/(\w+)/run",
        exclude=" --test",
        name="app {1}",
        applies_to=("/Server/Linux", "web"),
        required=True,
        monitor=False,
        missing_severity=Severity.CRITICAL,
        restart_severity=Severity.WARNING,
        count=Bounds(0, 4),
        instances=Instances(1),
        confirm=2,
    )


def test_a_process_set_with_nothing_but_its_pattern() -> None:
    (found,) = read(set_())
    assert found == ProcessSet(id="s", order=100, include="^x")
    assert isinstance(found, ProcessSet)
    assert (found.exclude, found.applies_to, found.missing_severity) == (DEFAULT_EXCLUDE, ("/",), Severity.ERROR)


def test_zero_is_a_bound_and_none_is_no_severity() -> None:
    (found,) = read(set_(count="{max: 0}", restart_severity="none", applies_to="web", exclude="''"))
    assert isinstance(found, ProcessSet)
    assert (found.count, found.restart_severity, found.applies_to, found.exclude) == (
        Bounds(None, 0),
        None,
        ("web",),
        "",
    )


def test_order_is_the_place_in_the_file_and_does_not_depend_on_other_files() -> None:
    three = set_(id="a") + "---\n" + device() + "---\n" + set_(id="b", order=5) + "---\n" + set_(id="c")
    alone = {item.id: item for item in read(three)}
    beside = {item.id: item for item in read(set_(id="z"), three, set_(id="y"))}
    assert {id_: item.order for id_, item in alone.items() if isinstance(item, ProcessSet)} == {
        "a": 100,
        "b": 5,
        "c": 300,
    }
    assert all(beside[id_] == item for id_, item in alone.items())


def test_documents_may_stand_in_a_list() -> None:
    assert len(read("- {kind: Device, id: a, address: x}\n- {kind: ProcessSet, id: b, include: y}\n---\n- null\n")) == 2


def test_what_is_stored_comes_back() -> None:
    for entity in read(set_(count="{min: 1}", restart_severity="info"), device(properties="{snmp_community: abc}")):
        assert decode_entity(kind_of(entity), encode_entity(entity)) == entity
    assert encode_entity(read(device())[0]) == '{"id":"d","address":"10.0.0.1"}'


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("id: x", "f1.yaml:1: field 'kind' is missing; known: Collector, Device, DeviceClass, Group, Pool, ProcessSet"),
        (
            "kind: [a]",
            "f1.yaml:1: field 'kind': got a list; known: Collector, Device, DeviceClass, Group, Pool, ProcessSet",
        ),
        (
            "kind: Notification",
            "f1.yaml:1: kind 'Notification' is not known yet; known: Collector, Device, DeviceClass, Group, Pool",
        ),
        (
            "kind: Devise",
            "f1.yaml:1: there is no kind 'Devise'; did you mean 'Device'? Known: Collector, Device, DeviceClass",
        ),
        ("- 17", "f1.yaml:1: got a whole number (17); expected a document: a mapping with kind and id"),
        ("kind: ProcessSet\nid: s", "f1.yaml:1: ProcessSet s: field 'include' is missing"),
        (
            set_(exlude="x"),
            "f1.yaml:4: ProcessSet s: there is no field 'exlude'; did you mean 'exclude'? Known: applies_to",
        ),
        (set_(include="'('"), "f1.yaml:3: ProcessSet s: field 'include': '(' is no RE2 pattern: missing )"),
        (set_(include="'(?=x)'"), "f1.yaml:3: ProcessSet s: field 'include': '(?=x)' is no RE2 pattern"),
        (set_(exclude="'[a'"), "f1.yaml:4: ProcessSet s: field 'exclude': '[a' is no RE2 pattern"),
        (set_(name="'x {2}'"), "f1.yaml:4: ProcessSet s: field 'name': {2} is no group of include; there are: 0"),
        (set_(title="'x {2}'"), "f1.yaml:1: ProcessSet s: field 'name': {2} is no group of include; there are: 0"),
        (
            set_(include="''"),
            "f1.yaml:3: ProcessSet s: field 'include': got an empty text; expected a regular expression",
        ),
        (
            set_(include="|\n  a\n"),
            "f1.yaml:3: ProcessSet s: field 'include': got 'a\ufffd'; expected a regular expression",
        ),
        (set_(include=5), "f1.yaml:3: ProcessSet s: field 'include': got a whole number (5); expected a regular"),
        (set_(include="x" * 5000), "f1.yaml:3: ProcessSet s: field 'include': got 'xxx"),
        (set_(id="a/b"), "f1.yaml:2: ProcessSet a/b: field 'id': got 'a/b'; expected letters, digits"),
        (set_(id="x" * 300), "f1.yaml:2: ProcessSet xxx"),
        (set_(id="'a\\nb'"), "f1.yaml:2: ProcessSet a\\nb: field 'id'"),
        (
            set_(confirm=0),
            "f1.yaml:4: ProcessSet s: field 'confirm': got a whole number (0); expected a whole number from 1",
        ),
        (set_(required="maybe"), "f1.yaml:4: ProcessSet s: field 'required': got 'maybe'; expected true or false"),
        (set_(missing_severity="none"), "field 'missing_severity': got 'none'; expected one of debug, info"),
        (set_(missing_severity="clear"), "field 'missing_severity': got 'clear'; expected one of debug, info"),
        (
            set_(restart_severity=9),
            "got a whole number (9); expected one of debug, info, warning, error, critical (or 1",
        ),
        (set_(restart_severity="[]"), "field 'restart_severity': got a list; expected one of"),
        (set_(count=3), "field 'count': got a whole number (3); expected a mapping with min, max or both"),
        (set_(count="{min: 2, max: 1}"), "f1.yaml:4: ProcessSet s: field 'count': min 2 is more than max 1"),
        (
            set_(count="{min: -1}"),
            "field 'count': field 'min': got a whole number (-1); expected a whole number from 0",
        ),
        (set_(instances=1), "field 'instances': got a whole number (1); expected a mapping with max"),
        (set_(instances="{max: 0}"), "field 'instances': field 'max': got a whole number (0); expected a whole number"),
        (set_(count="{mim: 1}"), "field 'count': there is no field 'mim'; did you mean 'min'?"),
        (set_(applies_to="[/a, '/b/', '../c']"), "field 'applies_to[2]': got '/b/'; expected a device class"),
        (set_(lock="move"), "field 'lock': got 'move'; expected one of delete, update"),
        (set_(title="2024-01-01"), "field 'title': got a date (2024-01-01); in quotes it would be text"),
        (device(id="../x"), "f1.yaml:2: Device ../x: field 'id': got '../x'; expected letters"),
        (device(id="'a b'"), "field 'id': got 'a b'; expected letters, digits and _ . : -, a letter or digit first"),
        (device(address="'-oProxy'"), "field 'address': got '-oProxy'; expected a host name or an IP address"),
        (device(address="a b"), "field 'address': got 'a b'; expected a host name or an IP address"),
        (
            device(**{"class": "Server/Linux"}),
            "field 'class': got 'Server/Linux'; expected a path such as /Server/Linux",
        ),
        (device(**{"class": "/Server/../x"}), "field 'class': got '/Server/../x'"),
        (device(**{"class": "/Server/"}), "field 'class': got '/Server/'"),
        (device(collector="a b"), "field 'collector': got 'a b'; expected the name of a collector"),
        (device(groups="[a, /x]"), "field 'groups[2]': got '/x'; expected a group"),
        (device(state="off"), "field 'state': got false; expected one of production, maintenance"),
        (device(properties="[]"), "field 'properties': got a list; expected a mapping"),
        (device(properties="{snmp_prot: 1}"), "there is no property 'snmp_prot'; did you mean 'snmp_port'?"),
        (device(properties="{snmp_port: a}"), "field 'properties.snmp_port': got 'a'; expected a whole number from 1"),
        (device(properties="{snmp_community: (set)}"), "got text; expected the secret itself"),
    ],
)
def test_a_mistake_is_a_sentence_with_file_and_line(text: str, expected: str) -> None:
    found = mistakes(text)
    assert any(expected in mistake for mistake in found), found
    assert all(mistake.startswith("f1.yaml:") for mistake in found)


def test_all_mistakes_of_all_files_are_told_in_order() -> None:
    found = mistakes(
        set_(confirm="x", exlude="y") + "---\n" + device(groups="['/a', b, '/c']"),
        "a: [",
        set_(id="s") + "kind: Device\n",
    )
    assert [mistake.split(": ")[0] for mistake in found] == [
        "f1.yaml:4", "f1.yaml:5", "f1.yaml:10", "f1.yaml:10", "f2.yaml:2", "f3.yaml:3", "f3.yaml:4",
    ]  # fmt: skip


def test_the_headline_counts() -> None:
    with pytest.raises(SettingsError) as caught:
        read(set_(confirm="x"))
    assert caught.value.message == "one mistake in f1.yaml; nothing was applied"
    with pytest.raises(SettingsError) as caught:
        read(set_(confirm="x"), "a: [")
    assert caught.value.message == "2 mistakes in 2 files; nothing was applied"


def test_an_id_twice_is_told_over_files_also_when_one_of_them_is_wrong_otherwise() -> None:
    assert mistakes(set_(), "# comment\n" + set_()) == [
        "f2.yaml:2: ProcessSet s is defined twice; the first is at f1.yaml:1"
    ]
    assert len(mistakes(set_(confirm="x"), set_())) == 2
    assert read(set_(id="same"), device(id="same"))  # of different kinds


def test_secrets_stand_in_no_message() -> None:
    found = mistakes(
        device(properties="{snmp_community: 98765, snmp_auth_password: geheim, snmp_priv_password: [geheim]}"),
    )
    assert len(found) == 3
    assert not any("geheim" in mistake or "98765" in mistake for mistake in found), found


def test_very_many_mistakes_are_cut() -> None:
    found = mistakes("".join(f"- {n}\n" for n in range(500)))
    assert len(found) == 201
    assert found[-1] == "and 300 more"


def test_long_and_strange_texts_are_cut_in_messages() -> None:
    (mistake,) = mistakes(device(address='"\\e[31m' + "y" * 1000 + '"'))
    assert len(mistake) < 250
    assert "\x1b" not in mistake


def test_an_entity_without_a_file() -> None:
    found = read_entity("Device", {"id": "d", "address": "x", "groups": ("a",), "properties": {"snmp_version": "1"}})
    assert found == Device(id="d", address="x", groups=("a",), properties={"snmp_version": "1"})
    with pytest.raises(SettingsError) as caught:
        read_entity("Device", {"id": "d", "adress": "x", "properties": {"snmp_port": "a"}})
    assert caught.value.message == "device d cannot be stored as it is"
    assert caught.value.details[1] == "field 'properties.snmp_port': got 'a'; expected a whole number from 1 to 65535"


def test_classes_and_groups_say_what_their_devices_inherit() -> None:
    found = read(
        "kind: DeviceClass\nid: /Server/Linux\ndescription: All\nproperties: {snmp_version: 1, interval_s: 30}\n",
        "kind: Group\nid: web farm\nproperties: {snmp_community: geheim}\n",
    )
    assert found == [
        DeviceClass(id="/Server/Linux", description="All", properties={"snmp_version": "1", "interval_s": 30}),
        Group(id="web farm", properties={"snmp_community": "geheim"}),
    ]
    assert "geheim" not in repr(found)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("kind: DeviceClass\nid: Server\n", "field 'id': got 'Server'; expected a path such as /Server/Linux"),
        ("kind: DeviceClass\nid: /a/../b\n", "expected a path such as /Server/Linux"),
        ("kind: DeviceClass\nid: /a\nproperties: {snmp_prt: 1}\n", "did you mean 'snmp_port'?"),
        ("kind: Group\nid: /a\n", "expected a group"),
        (f"kind: DeviceClass\nid: /{'a' * 99}/{'b' * 99}/{'c' * 99}\n", "at most 255 characters"),
    ],
)
def test_what_is_wrong_with_a_class_or_group(text: str, expected: str) -> None:
    (mistake,) = mistakes(text)
    assert expected in mistake


SECRET = "kind: Device\nid: d\naddress: x\nproperties:\n  snmp_community: {}\n"


def test_a_secret_is_taken_from_where_it_was_read() -> None:
    file = SourceFile("f.yaml", SECRET.format("!secret file:c.txt"), {"file:c.txt": "geheim"})
    (document,) = read_documents([file])
    assert isinstance(document.entity, Device)
    assert (document.entity.properties, document.warnings) == ({"snmp_community": "geheim"}, ())
    assert secret_references(file.text) == [(5, "file:c.txt")]
    assert secret_references("a: !secret x\n# !secret y\nb: [") == [(1, "x")]


def test_a_secret_in_plain_text_is_warned_about_by_line() -> None:
    (document,) = read_documents([SourceFile("f.yaml", SECRET.format("geheim"))])
    (warning,) = document.warnings
    assert warning.startswith("f.yaml:5: Device d: snmp_community stands there in plain text; write !secret")
    assert read_documents([SourceFile("f.yaml", SECRET.format("public"))])[0].warnings == ()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (SECRET.format("!secret file:other"), "got !secret file:other, which nobody has read; expected text"),
        ("kind: Group\nid: g\ndescription: !secret file:c.txt\n", "got a secret"),
        ("kind: Group\nid: g\nproperties: {snmp_user: !secret file:c.txt}\n", "got a secret; expected text"),
    ],
)
def test_a_secret_that_nobody_read_or_in_another_field_is_a_mistake_that_tells_nothing(
    text: str, expected: str
) -> None:
    with pytest.raises(SettingsError) as caught:
        read_documents([SourceFile("f.yaml", text, {"file:c.txt": "geheim"})])
    (mistake,) = caught.value.details
    assert expected in mistake
    assert "geheim" not in mistake
