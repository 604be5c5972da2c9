"""Process classes of Zenoss as process sets."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from msgspec import Struct

from common.configs import ProcessSetConfig
from common.events import Severity
from common.matching import check_definition
from hub.imports import zennames, zenvalues
from hub.imports.literals import Setting
from hub.imports.regexes import UnlikeError, to_re2
from hub.imports.report import Made, Notes
from hub.imports.setnames import Naming, UnlikeNamesError, naming
from hub.imports.zenbatch import Entry
from hub.imports.zenproperties import NoEquivalentError, is_needed, lock, severity, why_not
from hub.model.fields import cut
from hub.model.kinds import ORDER_STEP

_ONLY_CLASSES = {"includeRegex", "regex", "excludeRegex", "replaceRegex", "replacement", "sequence", "example"}
_ALIASES = {"regex": "includeRegex", "setTitle": "title", "name": "title"}
_KNOWN = {
    *_ONLY_CLASSES - {"regex", "example"},
    *("title", "description", "minProcessCount", "maxProcessCount", "zMonitor", "zAlertOnRestart", "zFailSeverity"),
    *("minProcessMemory", "maxProcessMemory", "zModelerLock"),
    *("ignoreParameters", "ignoreParametersWhenModeling"),
}
_OURS = {"minimum": "min", "maximum": "max"}
_UNNEEDED = {
    "example": "`tocsin match` tries a definition on what really runs",
    "zSendEventWhenBlockedFlag": "what the modeler keeps is in its report",
    "zCountProcs": "processes are always counted",
    "loader": "a process class needs none",
    "loader_arg_keys": "a process class needs none",
}


class _Class(Struct, frozen=True):
    """A process class, or an organizer of them."""

    path: tuple[str, ...]
    line: int
    settings: dict[str, Setting]


class _LeftOutError(Exception):
    """A process class that cannot be taken; the text says why."""


def is_class(entry: Entry) -> bool:
    """Whether an entry has settings that only process classes have."""
    return any(setting.name in _ONLY_CLASSES for setting in entry.settings)


class ProcessClasses:
    """Gathers process classes and their organizers, and makes sets of them when all have been seen."""

    def __init__(self, notes: Notes) -> None:
        self._notes = notes
        self._organizers: dict[tuple[str, ...], dict[str, Setting]] = {}
        self._classes: list[_Class] = []

    def organizer(self, entry: Entry, parts: list[str]) -> None:
        """An organizer says what holds for the classes below it, wherever they stand."""
        path = tuple(zennames.process_path(parts))
        self._organizers[path] = {**self._organizers.get(path, {}), **self._settings(entry)}

    def process_class(self, entry: Entry, parts: list[str]) -> None:
        """A class with its path below /Processes."""
        path = zennames.process_path(parts)
        self._classes.append(_Class(tuple(path), entry.line, self._settings(entry)))

    def made(self) -> list[Made]:
        """All process sets, in the order in which they are asked."""
        found: list[Made] = []
        for place, one in enumerate(self._in_order()):
            id_ = zennames.set_id(list(one.path))
            if self._notes.claim("ProcessSet", "/".join(one.path), id_, one.line, title=".".join(one.path), once=True):
                try:
                    fields = self._document(one, place)
                    found.append(Made({"kind": "ProcessSet", "id": id_, **fields}, one.line))
                except _LeftOutError as error:
                    self._notes.lost(f"process class {cut('/'.join(one.path))}", one.line, f"is left out: {error}")
        return found

    def _settings(self, entry: Entry) -> dict[str, Setting]:
        found: dict[str, Setting] = {}
        for setting in entry.settings:
            word = _ALIASES.get(setting.name, setting.name)
            if word in _KNOWN:
                found[word] = setting
            elif word in _UNNEEDED:
                self._notes.lost(setting.name, setting.line, _UNNEEDED[word], needed=False)
            else:
                why = why_not(word) or "it is no setting of process classes that is known"
                self._notes.lost(setting.name, setting.line, why, needed=is_needed(word))
        return found

    def _in_order(self) -> Iterable[_Class]:
        """Those with a sequence by it, then those without as they stand."""
        return sorted(self._classes, key=lambda one: self._value(one.settings, "sequence", zenvalues.whole, 2**40))

    def _document(self, one: _Class, place: int) -> dict[str, Any]:
        settings = self._inherited(one)
        title = self._value(settings, "title", zenvalues.text, "") or one.path[-1]
        include = _re2("includeRegex", self._value(settings, "includeRegex", zenvalues.text, "") or one.path[-1])
        _check(title, include)
        named = self._naming(settings, include, title)
        fields: dict[str, Any] = {"title": title}
        if description := self._value(settings, "description", zenvalues.text, ""):
            fields["description"] = description
        fields |= {"order": (place + 1) * ORDER_STEP, "include": named.include}
        if "excludeRegex" in settings:
            fields["exclude"] = _re2("excludeRegex", self._value(settings, "excludeRegex", zenvalues.text, ""))
        if named.name:
            fields["name"] = named.name
        _check(title, named.include, fields.get("exclude", ""), named.name)
        return {**fields, **self._judgement(settings)}

    def _inherited(self, one: _Class) -> dict[str, Setting]:
        """What holds for a class: its own word, else that of the nearest organizer above it."""
        found: dict[str, Setting] = {}
        for depth in range(len(one.path)):
            found.update(self._organizers.get(one.path[:depth], {}))
        return {**found, **one.settings}

    def _naming(self, settings: Mapping[str, Setting], include: str, title: str) -> Naming:
        replace = self._value(settings, "replaceRegex", zenvalues.text, "")
        replacement = self._value(settings, "replacement", zenvalues.text, "")
        words = ("ignoreParameters", "ignoreParametersWhenModeling")
        if not replace and any(self._value(settings, word, zenvalues.flag, default=False) for word in words):
            replace, replacement = ".*", title  # what an upgrade of Zenoss makes of them
        try:
            return naming(include, to_re2(replace), replacement)
        except (UnlikeError, UnlikeNamesError) as error:
            where = settings["replaceRegex"]
            self._notes.lost("replaceRegex", where.line, str(error))
            return Naming(include)

    def _judgement(self, settings: Mapping[str, Setting]) -> dict[str, Any]:
        """What is said about a set that runs, or does not."""
        fields: dict[str, Any] = {}
        if not self._value(settings, "zMonitor", zenvalues.flag, default=True):
            fields["monitor"] = False
        missing = self._severity(settings)
        if missing is not None:
            fields["missing_severity"] = missing
        if self._value(settings, "zAlertOnRestart", zenvalues.flag, default=False):
            fields["restart_severity"] = missing or Severity.ERROR.label
        if count := self._count(settings):
            fields["count"] = count
        if thresholds := self._thresholds(settings):
            fields["thresholds"] = thresholds
        if locks := self._value(settings, "zModelerLock", lock, []):
            fields["lock"] = locks
        return fields

    def _severity(self, settings: Mapping[str, Setting]) -> str | None:
        try:
            found: str | None = self._value(settings, "zFailSeverity", severity, None)
        except NoEquivalentError as error:
            self._notes.lost("zFailSeverity", settings["zFailSeverity"].line, str(error))
            return None
        return found

    def _count(self, settings: Mapping[str, Setting]) -> dict[str, int]:
        """Bounds of the number of processes."""
        bounds = self._bounds(settings, "Count")
        return {} if _is_band(bounds) else {_OURS[name]: bound for name, bound in bounds.items()}

    def _thresholds(self, settings: Mapping[str, Setting]) -> dict[str, Any]:
        """What count cannot say: a band of numbers that are forbidden, and bounds of the memory."""
        found = {}
        for point, word in (("count", "Count"), ("memory", "Memory")):
            bounds = self._bounds(settings, word)
            if _is_band(bounds):
                band = {"minimum": bounds["maximum"], "maximum": bounds["minimum"]}
                found[point] = {"points": [point], "form": "band", **band}
            elif bounds and point == "memory":
                found[point] = {"points": [point], **bounds}
        return found

    def _bounds(self, settings: Mapping[str, Setting], word: str) -> dict[str, int]:
        """A minimum and a maximum; 0 and nothing are none in Zenoss."""
        bounds = {
            "minimum": self._value(settings, f"minProcess{word}", _bound, 0),
            "maximum": self._value(settings, f"maxProcess{word}", _bound, 0),
        }
        return {name: bound for name, bound in bounds.items() if bound}

    def _value(self, settings: Mapping[str, Setting], word: str, read: Any, default: Any) -> Any:
        setting = settings.get(word)
        if setting is None or setting.value is None:
            return default
        try:
            return read(setting.value)
        except zenvalues.WrongValueError as error:
            self._notes.wrong(setting.line, setting.column, f"{setting.name}: {error}")
            return default


def _is_band(bounds: Mapping[str, int]) -> bool:
    """A minimum above the maximum forbids what lies between them."""
    return len(bounds) > 1 and bounds["minimum"] > bounds["maximum"]


def _bound(value: Any) -> int:
    return 0 if value == "" else max(0, zenvalues.whole(value))


def _re2(name: str, pattern: str) -> str:
    try:
        return to_re2(pattern)
    except UnlikeError as error:
        raise _LeftOutError(f"{name}: {error}") from None


def _check(title: str, include: str, exclude: str = "", name: str = "") -> None:
    """Try the patterns of a definition on RE2."""
    config = ProcessSetConfig(id="x", title=title, order=0, include=include, exclude=exclude, name=name or title)
    if wrong := check_definition(config):
        raise _LeftOutError("; ".join(wrong))
