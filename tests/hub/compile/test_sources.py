"""Sources of templates as the configs of the daemons that read them."""

from __future__ import annotations

import pytest

from common.configs import DeviceConfig, SnmpConfig
from common.errors import NotFoundError, PermanentError
from common.series import Kind
from common.sources import Formula, OidConfig, PingSource, ProbeSource, SnmpSource, StatusSource
from hub.compile.sources import SourceCompiler
from hub.model.model import Model
from tests.hub.model.test_documents import read

SITE = """\
kind: Template
id: net
component: interface
sources:
  traffic:
    type: snmp
    oids: [{walk: .1.3.1}, {walk: .1.3.2}]
    name: '{$2}'
    only: ^eth
    points: {in: {kind: counter}, share: {value: 100 * $1}, bits: {derived: more * 2}, more: {derived: in * 8}}
thresholds:
  high: {points: [in, bits], maximum: 5}
  off: {points: in, maximum: 7, enabled: false}
---
kind: Template
id: own
component: interface
sources: {traffic: {type: status, item: interfaces}}
thresholds: {high: {points: bytes_recv, maximum: 7}}
---
kind: Template
id: echo
sources:
  echo: {type: ping, interval_s: 7}
  jobs: {type: plugin, service: queue, settings: {b: 1, a: [x]}, points: [length]}
---
kind: Template
id: work
component: worker
sources: {sizes: {type: probe, points: [data, stack, {name: used, derived: data + stack}]}}
thresholds: {big: {points: used, maximum: 9}, many: {points: data, maximum: 1}}
---
kind: Template
id: probed
component: worker
sources: {workers: {type: probe, command: [work, -v], handler: work, interval_s: 300}}
thresholds: {big: {points: used, maximum: 3}}
---
kind: DeviceClass
id: /
templates: [net, own, echo]
---
- {kind: Device, id: far, address: a, properties: {interval_s: 30, snmp_community: hush},
   components: {interface/lo: {monitor: false}, process_set/x: {monitor: false}}}
- {kind: Device, id: here, properties: {source: local}, templates: [probed]}
- {kind: Device, id: bare, address: b, class: /, templates: [-net, -own, -echo]}
"""


def site(text: str = SITE) -> Model:
    return Model(1, read(text))


def config(service: str, device: str, model: Model | None = None) -> DeviceConfig:
    return SourceCompiler(service).compile(model or site(), device)


def test_an_snmp_source_has_its_formulas_points_and_thresholds() -> None:
    found = config("snmp", "far")
    assert (found.interval_s, found.snmp) == (30, SnmpConfig(community="hush"))
    echo, traffic = found.sources
    assert isinstance(echo, PingSource)
    assert isinstance(traffic, SnmpSource)
    assert (echo.interval_s, [point.name for point in echo.points]) == (7, ["loss", "rtt_min", "rtt_avg", "rtt_max"])
    assert traffic.oids == (OidConfig(".1.3.1", walk=True), OidConfig(".1.3.2", walk=True))
    assert traffic.formulas == (Formula("in", "$1"), Formula("share", "100 * $1"))
    assert (traffic.name, traffic.only, traffic.interval_s, traffic.left_out) == ("{$2}", "^eth", 30, ("lo",))
    assert [(point.name, point.kind) for point in traffic.points] == [("in", Kind.COUNTER), ("share", Kind.GAUGE)]
    assert [one.point for one in traffic.derived] == ["more", "bits"]  # each after what it needs
    assert [(one.id, one.points, one.levels[0].maximum) for one in traffic.thresholds] == [
        ("high", ("in", "bits"), 5.0)
    ]


def test_what_is_of_the_host_itself_is_read_of_local_devices_and_no_agent_there() -> None:
    (traffic,) = config("status", "here").sources
    assert isinstance(traffic, StatusSource)
    assert [(one.id, one.points) for one in traffic.thresholds] == [("high", ("bytes_recv",))]
    assert [one.id for one in config("snmp", "here").sources] == ["echo"]
    with pytest.raises(NotFoundError, match="'far' has nothing that status reads"):
        config("status", "far")


def test_a_probe_has_the_points_of_its_handler_and_probes_that_are_dropped_in_all_handlers() -> None:
    own, handler = config("probe", "here").sources
    assert isinstance(own, ProbeSource)
    assert isinstance(handler, ProbeSource)
    assert (own.command, own.handler, own.interval_s, own.template) == (("work", "-v"), "work", 300, "probed")
    assert (handler.command, handler.template, handler.interval_s) == ((), "work", 10)
    assert own.points == handler.points
    assert own.derived == handler.derived
    judged = {one.id: one.levels[0].maximum for one in own.thresholds}
    assert judged == {"big": 3.0, "many": 1.0}  # what the own template says goes before
    model = site()
    assert not SourceCompiler("probe").has(model, model.devices["far"])


def test_handlers_have_ids_of_their_own_among_all_that_a_device_has() -> None:
    text = """
- {kind: Template, id: base, component: worker, sources: {sizes: {type: probe, points: [data]}}}
- {kind: Template, id: strict, extends: base}
- {kind: Template, id: sizes, component: worker, sources: {sizes: {type: probe, points: [size]}}}
- {kind: Template, id: run, component: worker, sources: {strict: {type: probe, command: [x], points: [y]}}}
- {kind: Device, id: here, properties: {source: local}, templates: [run]}
"""
    found = {one.template: one.id for one in config("probe", "here", site(text)).sources}
    assert found == {"run": "strict", "sizes": "sizes", "base": "base.sizes", "strict": "strict.sizes"}


def test_a_plugin_gets_its_settings_and_no_secrets() -> None:
    found = config("queue", "far")
    assert found.snmp is None
    assert [getattr(one, "settings", None) for one in found.sources] == [(("a", ("x",)), ("b", 1))]


def test_of_a_device_without_sources_nothing_is_compiled() -> None:
    model = site()
    for service in ("snmp", "status", "probe", "queue"):
        assert not SourceCompiler(service).has(model, model.devices["bare"])


def test_the_source_of_the_stronger_template_holds_under_its_id() -> None:
    other = "kind: Template\nid: mine\nsources: {echo: {type: ping, packets: 9}}\n---\n"
    found = config("snmp", "far", site(other + SITE.replace("id: far,", "id: far, templates: [mine],")))
    (echo,) = (one for one in found.sources if one.id == "echo")
    assert isinstance(echo, PingSource)
    assert (echo.template, echo.packets, echo.interval_s) == ("mine", 9, 30)


def test_series_that_could_not_be_told_apart_are_no_config() -> None:
    other = "kind: Template\nid: fans\ncomponent: fan\n"
    other += "sources: {traffic: {type: snmp, oids: [{walk: .1.3}], points: [x]}}\n---\n"
    model = site(other + SITE.replace("id: far,", "id: far, templates: [fans],"))
    with pytest.raises(PermanentError, match="both have a source 'traffic', so that their series"):
        config("snmp", "far", model)


def test_devices_that_have_their_templates_in_common_share_their_sources() -> None:
    model = site(SITE + "- {kind: Device, id: far2, address: c, properties: {interval_s: 30}}\n")
    compiler = SourceCompiler("queue")
    assert compiler.compile(model, "far").sources is compiler.compile(model, "far2").sources


def test_a_page_is_asked_for_at_the_device() -> None:
    text = "kind: Template\nid: t\nsources:\n  s:\n    type: prometheus\n    url: http://{address}:9100/{device}\n"
    text += "    points: {up: {metric: up}}\n---\n"
    for address, host in (("10.0.0.1", "10.0.0.1"), ("fe80::1", "[fe80::1]")):
        model = site(text + f"{{kind: Device, id: d, address: '{address}', templates: [t]}}\n")
        assert [getattr(one, "url", "") for one in config("probe", "d", model).sources] == [f"http://{host}:9100/d"]
