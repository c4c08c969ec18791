"""HP linear ion drift (Strukov 2008) with each of the common windows."""

from __future__ import annotations

from devices.model import VOLTAGE, DeviceModel
from devices.parameters import Parameter, ParameterSet, State
from devices.windows import WINDOWS, Window

_X = State("x", "1", "width of the doped region over the film thickness, w/D")
_PARAMETERS = (
    Parameter(
        "r_on",
        "ohm",
        "resistance of the fully doped film",
        lower=0.0,
        open_lower=True,
        latex=r"R_\mathrm{on}",
    ),
    Parameter("r_off", "ohm", "resistance of the undoped film", lower=0.0, open_lower=True, latex=r"R_\mathrm{off}"),
    Parameter("d", "m", "film thickness", lower=0.0, open_lower=True, latex="D"),
    Parameter("mu_v", "m^2/(V s)", "ion mobility", lower=0.0, latex=r"\mu_v"),
)
_STRUKOV = "D. B. Strukov et al., Nature 453, 80 (2008), doi 10.1038/nature06932"
_KNOWM = "parameters of the open SPICE collection knowm/memristor-models-4-all"

_HP = {"r_on": 100.0, "r_off": 16e3, "d": 10e-9, "mu_v": 1e-14}
_SETS: dict[str, tuple[ParameterSet, ...]] = {
    "none": (
        ParameterSet(
            "hp",
            _HP,
            {"x": 0.1},
            _KNOWM + " (Joglekar deck)",
            "seen",
            "The deck starts at 11 kohm (x = 0.314); the start at x = 0.1 is ours, for a loop inside the bounds.",
        ),
    ),
    "joglekar": (
        ParameterSet("hp", {**_HP, "p": 1.0}, {"x": 5000 / 15900}, _KNOWM + " (Joglekar deck)", "seen"),
        ParameterSet(
            "joglekar2",
            {"r_on": 100.0, "r_off": 10e3, "d": 12e-9, "mu_v": 5e-14, "p": 7.0},
            {"x": 0.56},
            _KNOWM + " (second Joglekar deck)",
            "seen",
        ),
    ),
    "biolek": (
        ParameterSet(
            "biolek",
            {"r_on": 100.0, "r_off": 1e3, "d": 16e-9, "mu_v": 4e-14, "p": 7.0},
            {"x": 0.076},
            _KNOWM + " (Biolek deck)",
            "seen",
        ),
    ),
    "prodromakis": (
        ParameterSet("hp", {**_HP, "p": 1.0, "j": 4.0}, {"x": 0.3}, _KNOWM + "; p, j and start ours", "ours"),
    ),
    "zha": (ParameterSet("hp", {**_HP, "p": 1.0, "j": 4.0}, {"x": 0.3}, _KNOWM + "; p, j and start ours", "ours"),),
}


def _declare(window: Window) -> DeviceModel:
    x = _X.symbol
    r_on, r_off, d, mu_v = (p.symbol for p in _PARAMETERS)
    current = VOLTAGE / (r_on * x + r_off * (1 - x))
    return DeviceModel(
        name="linear_ion_drift" if window.name == "none" else f"linear_ion_drift_{window.name}",
        title=f"HP linear ion drift, {window.name if window.name != 'none' else 'no'} window",
        states=(_X,),
        parameters=(*_PARAMETERS, *window.parameters),
        current=current,
        rates=(mu_v * r_on / d**2 * current * window.expression(x, VOLTAGE),),
        parameter_sets=_SETS[window.name],
        references=(_STRUKOV, *((window.reference,) if window.reference else ())),
        validity="A drift picture, not a fit: no threshold, symmetric set and reset. " + window.remark,
    )


MODELS = tuple(_declare(window) for window in WINDOWS.values())
