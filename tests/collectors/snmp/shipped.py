"""The sources of templates in etc/model, as the collector gets them."""

from __future__ import annotations

from pathlib import Path

from common.sources import SERVICE_SNMP, PingSource, SnmpSource
from hub.compile.sources import SourceCompiler
from hub.model.change import plan
from hub.model.documents import SourceFile, read_documents
from hub.model.entities import Device
from hub.model.model import Model

FOLDER = Path(__file__).parents[3] / "etc" / "model"


def sources_of(*templates: str) -> list[SnmpSource | PingSource]:
    """What a device is asked for that has these templates, and no others."""
    files = [SourceFile(path.name, path.read_text(encoding="utf-8")) for path in sorted(FOLDER.glob("*.yaml"))]
    entities = [document.entity for document in read_documents(files)]
    usual = ("-interfaces", "-uptime")
    device = Device(id="it", address="192.0.2.1", class_="/", templates=(*usual, *templates))
    config = SourceCompiler(SERVICE_SNMP).compile(plan(Model(), [*entities, device]).after, "it")
    return [one for one in config.sources if isinstance(one, SnmpSource | PingSource)]
