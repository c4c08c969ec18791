"""Parameter sets as files, TOML or JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from devices.common.errors import InputError
from devices.common.files import write_whole
from devices.common.validation import readable_file
from devices.model import DeviceModel
from devices.parameters import ParameterSet
from devices.pulse_update import CycleNoise
from devices.registry import get_model
from devices.units import factor

__all__ = ["load_set", "save_set"]

_FORMAT = "memductance parameter set 1"
_TEXTS = ("format", "model", "name", "status", "source", "note")


def save_set(set: ParameterSet, model: str | DeviceModel, path: str | Path) -> Path:
    """Write a parameter set with its model, units, source and status to a file.

    Parameters
    ----------
    set : ParameterSet
        The set.
    model : str or DeviceModel
        Model that the set belongs to.
    path : path
        File to write, ``.toml`` or ``.json``.

    Returns
    -------
    pathlib.Path
        The file.

    Raises
    ------
    InputError
        If the set does not fit the model, or the file has another suffix or cannot be written.
    """
    declared = get_model(model)
    declared.check_set(set)
    file = _file_path(path)
    units = {q.name: q.unit for q in (*declared.parameters, *declared.states)}
    content: dict[str, Any] = {
        "format": _FORMAT,
        "model": declared.name,
        "name": set.name,
        "status": set.status,
        "source": set.source,
        "note": set.note,
        "loop_voltage": set.loop_voltage,
    }
    if set.loop_frequency is not None:
        content["loop_frequency"] = set.loop_frequency
    if set.cycle_noise is not None:
        content["cycle_noise"] = asdict(set.cycle_noise)
    for group, values in (("values", set.values), ("initial", set.initial)):
        content[group] = {n: {"value": float(v), "unit": units[n]} for n, v in values.items()}
    if file.suffix == ".json":
        text = json.dumps(content, indent=2, ensure_ascii=False) + "\n"
    else:
        import tomli_w

        text = tomli_w.dumps(content)
    return write_whole(file, text)


def load_set(path: str | Path, model: str | DeviceModel | None = None) -> ParameterSet:
    """Read a parameter set, checked against its model: names, units and bounds.

    Parameters
    ----------
    path : path
        A ``.toml`` or ``.json`` file that `save_set` wrote, or one of the same form.
    model : str or DeviceModel, optional
        Model that the set must belong to; the registered model that the file names where not given.

    Returns
    -------
    ParameterSet
        The set in SI units; a value in another unit of the same dimension, such as kohm, is converted.

    Raises
    ------
    InputError
        For a file that is not such a set, one of another model, a missing or unknown name, a unit of another
        dimension, a value out of bounds, or no source.
    """
    file = _file_path(readable_file("path", path))
    text = file.read_text(encoding="utf-8", errors="replace")
    try:
        if file.suffix == ".json":
            content = json.loads(text)
        else:
            import tomllib

            content = tomllib.loads(text)
    except ValueError as error:
        raise InputError("path", f"{str(file)!r} ({error})", f"a {file.suffix[1:].upper()} file") from None
    if not isinstance(content, dict) or content.get("format") != _FORMAT:
        raise InputError("path", f"{str(file)!r} without format = {_FORMAT!r}", "a file written by save_set")
    for key in _TEXTS:
        if not isinstance(content.get(key, "" if key == "note" else None), str):
            raise InputError(f"{file.name}: {key}", repr(content.get(key)), "a text")
    declared = get_model(content["model"] if model is None else model)
    if declared.name != content["model"]:
        raise InputError(f"{file.name}: model", repr(content["model"]), repr(declared.name))
    units = {q.name: q.unit for q in (*declared.parameters, *declared.states)}
    values, initial = (_values(content.get(g, {}), f"{file.name}: {g}", units) for g in ("values", "initial"))
    optional: dict[str, Any] = {key: content[key] for key in ("loop_voltage", "loop_frequency") if key in content}
    if "cycle_noise" in content:
        optional["cycle_noise"] = _cycle_noise(content["cycle_noise"], f"{file.name}: cycle_noise")
    loaded = ParameterSet(
        content["name"], values, initial, content["source"], content["status"], content.get("note", ""), **optional
    )
    return declared.check_set(loaded)


def _file_path(path: str | Path) -> Path:
    file = Path(path)
    if file.suffix not in (".toml", ".json"):
        raise InputError("path", repr(str(file)), "a name that ends in .toml or .json", f"{file.stem}.toml")
    return file


def _values(table: object, where: str, units: Mapping[str, str]) -> dict[str, float]:
    if not isinstance(table, dict):
        raise InputError(where, repr(table), "a table of names with value and unit")
    values = {}
    for name, entry in table.items():
        value, unit = (entry.get("value"), entry.get("unit")) if isinstance(entry, dict) else (None, None)
        if isinstance(value, bool) or not isinstance(value, int | float) or not isinstance(unit, str):
            raise InputError(f"{where}.{name}", repr(entry), "a value with its unit", 'value = 1.0, unit = "ohm"')
        values[name] = value * factor(name, unit, units[name]) if name in units else float(value)
    return values


def _cycle_noise(table: object, where: str) -> CycleNoise:
    if not isinstance(table, dict) or not {"std"} <= table.keys() <= {"std", "kind", "slope"}:
        raise InputError(where, repr(table), "a table with std, and with kind and slope if needed")
    return CycleNoise(**table)
