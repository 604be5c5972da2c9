"""Process set definitions as collectors get them."""

from __future__ import annotations

from common.configs import ProcessSetConfig
from hub.model.entities import ProcessSet


def to_config(definition: ProcessSet) -> ProcessSetConfig:
    """What of a definition travels to collectors."""
    title = definition.title or definition.id
    return ProcessSetConfig(
        id=definition.id,
        title=title,
        order=definition.order,
        include=definition.include,
        exclude=definition.exclude,
        name=definition.name or title,
        required=definition.required,
        missing_severity=definition.missing_severity,
        restart_severity=definition.restart_severity,
        count_min=definition.count.min,
        count_max=definition.count.max,
        confirm=definition.confirm,
        instances_max=definition.instances.max,
    )
