"""Names that come from probes: of components, points, handlers (pure)."""

from __future__ import annotations

import re

from common.components import MAX_NAME
from common.hashing import name_of
from common.series import MAX_POINT_NAME, is_point_name

DEVICE = "device"
"""Another name of the component that is the device itself, whose name is empty."""
_UNFIT = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
_OTHER = re.compile(r"[^A-Za-z0-9_-]+")
_SLUG = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}")


def component_flaw(name: str) -> str:
    """What is wrong with the name of a component, as the end of a sentence; empty when it is fine."""
    if len(name) > MAX_NAME:
        return f"has {len(name)} characters; a component's name has at most {MAX_NAME}"
    if _UNFIT.search(name):
        return "has a control character in it"
    if ".." in name.replace("\\", "/").split("/"):
        return "leads upwards with `..`, which no component's name may"
    if name.strip() != name:
        return "begins or ends with a space"
    return ""


def point_flaw(name: str) -> str:
    """What is wrong with the name of a point, as the end of a sentence; empty when it is fine."""
    if is_point_name(name):
        return ""
    return f"is no name of a point (1 to {MAX_POINT_NAME} of A-Z a-z 0-9 _ -); {fitting(name)} would be one"


def fitting(name: str, more: str = "", nameless: str = "root") -> str:
    """A name that RRD can hold, the same for the same text; a long one keeps its beginning, and the rest as a hash.

    Args:
        name: what it is made of.
        more: what the name ends with, whatever it is.
        nameless: stands for a name of which nothing is left.
    """
    clean = _OTHER.sub("_", name).strip("_") or nameless
    room = MAX_POINT_NAME - len(more)
    return (clean if len(clean) <= room else f"{clean[: room - 5]}_{name_of(name)[:4]}") + more


def handler_flaw(name: str) -> str:
    """What is wrong with the name of a handler, as the end of a sentence; empty when it is fine."""
    return "" if _SLUG.fullmatch(name) else "is no id of a template (letters, digits and _ . - of at most 100)"
