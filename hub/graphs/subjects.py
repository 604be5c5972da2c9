"""Whose graph it is: components of devices, by the names that they have now and by those that others know them by."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from msgspec import Struct

from common.configs import ExpectedSet
from common.events import EventText
from common.graphs import Subject
from common.judged import ThresholdConfig
from hub.components.names import is_fixed
from hub.interfaces import EventRecord
from hub.model.bound import judged_of, place_of, resolution_of
from hub.model.entities import Device
from hub.model.judging import threshold_config
from hub.model.model import Model
from hub.model.templates import Target

Expected = Callable[[str], Sequence[ExpectedSet]]
Elsewhere = Callable[[str], Mapping[str, str]]


class Whose(Struct, frozen=True):
    """A component of a device, by its present name, or by that of its series; None for the whole device."""

    device: str
    component: EventText | None


class Book:
    """Knows names, definitions and thresholds of components.

    Args:
        model: at present.
        expected: process sets that a modelling has found on a device.
        elsewhere: of a device, from the names of sets to those of their series, where these are others.
    """

    def __init__(self, model: Callable[[], Model], expected: Expected, elsewhere: Elsewhere) -> None:
        self._model = model
        self._expected = expected
        self._elsewhere = elsewhere

    def device(self, one: Whose) -> Device | None:
        """The device in the model; None for a collector, whose own series are drawn, too."""
        return self._model().devices.get(one.device)

    def present(self, one: Whose) -> str:
        """What a component is called now."""
        back = {series: name for name, series in self._elsewhere(one.device).items()}
        return back.get(one.component or "", one.component or "")

    def names(self, one: Whose) -> list[str] | None:
        """All names that its events may have; None for any."""
        if one.component is None:
            return None
        present = self.present(one)
        return list(dict.fromkeys([present, self._elsewhere(one.device).get(present, present)]))

    def subject(self, one: Whose, *, with_device: bool) -> Subject:
        """The component as the collector knows it, and what it is called in the picture."""
        if one.component is None:
            return Subject(device=one.device)
        present = self.present(one)
        series = self._elsewhere(one.device).get(present, present)
        shown = f"{one.device} {present}" if with_device else present
        return Subject(device=one.device, component=series, shown=shown if shown != series or with_device else "")

    def number(self, one: Whose) -> int:
        """How many components that are, about: of a device that was never modelled, as many as definitions apply."""
        device = self.device(one)
        if one.component is not None or device is None:
            return 1
        return len(self._expected(device.id)) or len(self._model().sets_of(device))

    def is_set(self, one: Whose) -> bool:
        """Whether it is a process set, as far as the model and modellings know."""
        device = self.device(one)
        if device is None or not one.component:
            return False
        name = self.present(one)
        return any(each.name == name for each in self._expected(device.id)) or (
            self._definition(device, name) is not None
        )

    def judged(self, one: Whose, kinds: Sequence[str] = (Target.PROCESS_SET,)) -> Sequence[ThresholdConfig]:
        """The thresholds that hold for a component; none of a whole device."""
        device = self.device(one)
        if device is None or one.component is None:
            return ()
        if Target.PROCESS_SET not in kinds:
            return self._judged_by_sources(device, kinds)
        definition = self._definition(device, self.present(one))
        found = judged_of(self._model(), place_of(device)).thresholds
        return [each for each in found if not each.definitions or definition in each.definitions]

    def _judged_by_sources(self, device: Device, kinds: Sequence[str]) -> Sequence[ThresholdConfig]:
        found: dict[str, ThresholdConfig] = {}
        for kind in kinds:
            for template in resolution_of(self._model(), device).of(kind):
                for id_, threshold in template.thresholds.items():
                    found.pop(id_, None)
                    if threshold.enabled:
                        found[id_] = threshold_config(id_, threshold)
        return list(found.values())

    def _definition(self, device: Device, component: str) -> str | None:
        for expected in self._expected(device.id):
            if expected.name == component:
                return expected.definition
        for definition in self._model().sets_of(device):
            if is_fixed(definition.name) and definition.name == component:
                return definition.id
        return None


def told_apart(subjects: Sequence[Whose]) -> Callable[[EventRecord], str]:
    """Gives of an event in words whose it is, as far as that does not go without saying among these."""
    devices = {one.device for one in subjects}
    alone = len(subjects) == 1 and subjects[0].component is not None

    def words(record: EventRecord) -> str:
        device = record.device if len(devices) > 1 else ""
        return f"{device} {'' if alone else record.component}".strip()

    return words
