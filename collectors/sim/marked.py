"""YAML whose every value knows its line, so that a mistake can be told where it stands."""

from __future__ import annotations

from typing import Any

import yaml
from msgspec import Struct

MOST_BYTES = 1 << 20
MOST_DEPTH = 12


class Marked(Struct, frozen=True):
    """A value and its line.

    Attributes:
        value: text, number, bool, None, a list of Marked, or a dict of them by text.
    """

    value: Any
    line: int


class Mistakes(list[tuple[int, str]]):
    """What is wrong, with lines."""

    def add(self, line: int, sentence: str) -> None:
        """Note a mistake."""
        self.append((line, sentence))


def marked(text: str, mistakes: Mistakes) -> Marked | None:
    """The document in a text; None when it cannot be read, which is a mistake then."""
    if len(text) > MOST_BYTES:
        mistakes.add(1, f"more than {MOST_BYTES} characters")
        return None
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark is not None else 1
        mistakes.add(line, f"not YAML: {error.problem or error.context}")
        return None
    except (yaml.YAMLError, RecursionError) as error:
        mistakes.add(1, f"not YAML: {str(error).splitlines()[0]}")
        return None
    if node is None:
        return Marked(None, 1)
    return _of(node, mistakes, 0)


def _of(node: yaml.Node, mistakes: Mistakes, depth: int) -> Marked:
    line = node.start_mark.line + 1
    if depth > MOST_DEPTH:
        mistakes.add(line, "too deep")
        return Marked(None, line)
    if isinstance(node, yaml.SequenceNode):
        return Marked([_of(item, mistakes, depth + 1) for item in node.value], line)
    if isinstance(node, yaml.MappingNode):
        found: dict[str, Marked] = {}
        for key, value in node.value:
            name = str(key.value) if isinstance(key, yaml.ScalarNode) else "?"
            if name in found:
                mistakes.add(key.start_mark.line + 1, f"{name} stands here twice")
            found[name] = _of(value, mistakes, depth + 1)
        return Marked(found, line)
    return Marked(_scalar(node), line)


def _scalar(node: yaml.Node) -> Any:
    loader = yaml.SafeLoader("")
    try:
        return loader.construct_object(node)
    except (ValueError, yaml.YAMLError):
        return node.value
    finally:
        loader.dispose()
