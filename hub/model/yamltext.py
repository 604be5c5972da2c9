"""Documents as YAML text."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import yaml

from hub.model.yaml import SECRET_TAG

WIDE = 10**6
"""Lines are not folded: a regular expression stays in one piece."""

ODD_BREAKS = "\r\x85\u2028\u2029"
"""Line ends to YAML 1.1, which makes blanks or `\\n` of them unless they are escaped."""


class SecretReference(str):
    """Where a secret is read from, as `!secret` has it: `file:NAME` or `env:NAME`."""

    __slots__ = ()


class _Dumper(yaml.SafeDumper):
    """Writes texts of several lines as such."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002 - as PyYAML calls it
        """Write a value again where it stands twice."""
        return True


def _text(dumper: yaml.SafeDumper, value: str) -> yaml.ScalarNode:
    style = '"' if any(letter in value for letter in ODD_BREAKS) else "|" if "\n" in value else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=style)


def _secret(dumper: yaml.SafeDumper, value: SecretReference) -> yaml.ScalarNode:
    return dumper.represent_scalar(SECRET_TAG, str(value))


def _list(dumper: yaml.SafeDumper, value: list[Any]) -> yaml.SequenceNode:
    return dumper.represent_sequence("tag:yaml.org,2002:seq", value, flow_style=True)


_Dumper.add_representer(str, _text)
_Dumper.add_representer(list, _list)
_Dumper.add_representer(SecretReference, _secret)


def yaml_of(document: Mapping[str, Any], left_out: Collection[str] = ()) -> str:
    """Write a document.

    Args:
        document: plain values.
        left_out: names of secret properties that are not written; a comment says so of each.
    """
    said = dict(document)
    if left_out:
        said["properties"] = {name: value for name, value in said["properties"].items() if name not in left_out}
        if not said["properties"]:
            del said["properties"]
    text: str = yaml.dump(said, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=WIDE)
    return text + "".join(f"# {name} is set; not exported\n" for name in left_out)
