"""How the field `components` of a device's document is read."""

from __future__ import annotations

from hub.model import schemas
from hub.model.components import MAX_COMPONENTS, OF_COMPONENTS, check_key
from hub.model.fields import Fault, Reader, WrongValueError, cut, read_properties, wrong
from hub.model.properties import Value
from hub.model.yaml import Item


def _read_components(item: Item) -> dict[str, dict[str, Value]]:
    if not isinstance(item.value, dict):
        raise wrong(item, "a mapping from KIND/NAME to the properties of a component")
    if len(item.value) > MAX_COMPONENTS:
        raise wrong(item, f"at most {MAX_COMPONENTS} components")
    found: dict[str, dict[str, Value]] = {}
    faults: list[Fault] = []
    for key, part in item.value.items():
        place = f".{cut(key)}"
        try:
            check_key(key)
            found[key] = read_properties(part, OF_COMPONENTS)
        except ValueError as error:
            faults.append(Fault(part.line, place, f"expected {error}"))
        except WrongValueError as error:
            faults += (Fault(one.line or part.line, place + one.place, one.sentence) for one in error.faults)
    if faults:
        raise WrongValueError(*faults)
    return {key: values for key, values in found.items() if values}


components = Reader(_read_components, schemas.components(OF_COMPONENTS))
