"""Imported documents as YAML texts, and their secrets beside them."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping, Sequence
from typing import Any

from hub.cli.layout import paths_of
from hub.imports.report import Made, Secret
from hub.model.yamltext import SecretReference, yaml_of

SECRETS = "secrets"


def folder_files(made: Sequence[Made]) -> tuple[dict[str, str], dict[str, str]]:
    """Texts by path below a folder: the documents as `export` lays them out, and each secret, once for each value."""
    keys = [(str(one.document["kind"]), str(one.document["id"])) for one in made]
    store = _Store()
    documents = {
        str(path): store.text(one.document, posixpath.dirname(str(path)))
        for path, one in zip(paths_of(keys), made, strict=True)
    }
    return documents, {name: f"{secret.value}\n" for secret, name in store.names.items()}


def request_files(made: Sequence[Made], name: str) -> list[dict[str, object]]:
    """What the hub's API takes: a text for each document, whose path is its line in the file that was imported."""
    files: list[dict[str, object]] = []
    for one in made:
        store = _Store()
        text = store.text(one.document, "")
        secrets = {f"file:{reference}": secret.value for secret, reference in store.names.items()}
        files.append({"path": f"{name}:{one.line}", "text": text, "secrets": secrets})
    return files


class _Store:
    """Gives each secret a file name, the same for the same value of the same property."""

    def __init__(self) -> None:
        self.names: dict[Secret, str] = {}
        self._numbers: dict[str, int] = {}

    def text(self, document: Mapping[str, Any], folder: str) -> str:
        """YAML of a document that lies in a folder."""
        said = dict(document)
        if "properties" in said:
            said["properties"] = {name: self._written(value, folder) for name, value in said["properties"].items()}
        return yaml_of({name: _plain(value) for name, value in said.items()})

    def _written(self, value: object, folder: str) -> object:
        if not isinstance(value, Secret):
            return _plain(value)
        name = self.names.get(value)
        if name is None:
            number = self._numbers[value.property] = self._numbers.get(value.property, 0) + 1
            name = self.names[value] = f"{SECRETS}/{value.property}-{number}.txt"
        return SecretReference("file:" + posixpath.relpath(name, folder or "."))


def _plain(value: object) -> object:
    return list(value) if isinstance(value, tuple) else value
