"""Resistivity of narrow metal lines: bulk metal, and what surfaces and grain boundaries add."""

from __future__ import annotations

import math
from dataclasses import dataclass

from devices.common.validation import choice, number

__all__ = ["METALS", "Metal", "line_resistivity"]


@dataclass(frozen=True, slots=True)
class Metal:
    """A metal for lines.

    Parameters
    ----------
    name : str
        Element.
    resistivity : float
        Of the bulk at room temperature [ohm m].
    mean_free_path : float
        Of electrons in the bulk at room temperature [m].
    """

    name: str
    resistivity: float
    mean_free_path: float


#: Bulk resistivity and mean free path of D. Gall, J. Appl. Phys. 119, 085101 (2016), doi:10.1063/1.4942216. The values
#: are recalled, not re-read; their products agree with the ratios to copper that the abstract gives for Rh, Ir and Ni.
METALS = {
    metal.name: metal
    for metal in (
        Metal("Ag", 1.587e-8, 53.3e-9),
        Metal("Cu", 1.678e-8, 39.9e-9),
        Metal("Au", 2.214e-8, 37.7e-9),
        Metal("Al", 2.650e-8, 18.9e-9),
        Metal("Rh", 4.7e-8, 6.88e-9),
        Metal("Ir", 5.2e-8, 7.09e-9),
        Metal("W", 5.28e-8, 15.5e-9),
        Metal("Mo", 5.34e-8, 11.2e-9),
        Metal("Co", 6.2e-8, 11.8e-9),
        Metal("Ni", 6.93e-8, 5.87e-9),
        Metal("Ru", 7.8e-8, 6.59e-9),
    )
}


def line_resistivity(
    metal: str, width: float, thickness: float, *, grain: float | None = None, specularity: float = 0.0,
    reflection: float = 0.3,
) -> float:  # fmt: skip
    r"""Return the resistivity [ohm m] of a line of rectangular cross-section.

    .. math:: \frac{\rho}{\rho_0} = \frac{1}{1 - \frac32 a + 3 a^2 - 3 a^3 \ln(1 + 1/a)}
        + \frac38 (1 - p) \lambda \left(\frac1w + \frac1t\right), \qquad a = \frac{\lambda}{D} \frac{R}{1 - R}

    Grain boundaries after Mayadas and Shatzkes (1970), doi:10.1103/PhysRevB.1.1382, surfaces after Fuchs and Sondheimer
    in the limit of lines not much thinner than the mean free path, added as by Steinhoegl et al. (2002),
    doi:10.1103/PhysRevB.66.075414. Down to widths of about a tenth of the mean free path.

    Parameters
    ----------
    metal : str
        A key of `METALS`.
    width, thickness : float
        Of the line [m].
    grain : float, optional
        Mean distance of grain boundaries ``D`` [m]; the width where not given.
    specularity : float, optional
        Share ``p`` of electrons that surfaces reflect like mirrors, 0 to 1; default ours, the rough limit.
    reflection : float, optional
        Share ``R`` of electrons that grain boundaries reflect, 0 to below 1; default ours, within the range of
        published fits to copper lines.

    Returns
    -------
    float
        Resistivity [ohm m].

    Examples
    --------
    >>> round(line_resistivity("Cu", 50e-9, 100e-9) * 1e8, 2)
    3.24
    """
    bulk = METALS[choice("metal", metal, METALS)]
    w = number("width", width, unit="m", minimum=0.0, open_minimum=True)
    t = number("thickness", thickness, unit="m", minimum=0.0, open_minimum=True)
    d = w if grain is None else number("grain", grain, unit="m", minimum=0.0, open_minimum=True)
    p = number("specularity", specularity, minimum=0.0, maximum=1.0)
    reflected = number("reflection", reflection, minimum=0.0, maximum=0.99)
    a = bulk.mean_free_path / d * reflected / (1.0 - reflected)
    if a > 100.0:  # the series, where the closed form is a difference of large numbers
        grains = 1.0 / (0.75 / a - 0.6 / a**2)
    else:
        grains = 1.0 if a == 0.0 else 1.0 / (1.0 - 1.5 * a + 3.0 * a**2 - 3.0 * a**3 * math.log1p(1.0 / a))
    surfaces = 0.375 * (1.0 - p) * bulk.mean_free_path * (1.0 / w + 1.0 / t)
    return bulk.resistivity * (grains + surfaces)
