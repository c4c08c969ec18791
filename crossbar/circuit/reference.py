"""The whole nodal matrix, solved by a sparse LU: the reference for tests of the fast solvers."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from crossbar.bias import SIDES, Bias
from crossbar.circuit.network import Network, network
from crossbar.wires import Wires
from devices.common.arrays import Array

__all__ = ["nodal_system", "solve_reference"]


def _connected(sides: dict[str, Array]) -> dict[str, NDArray[np.bool_]]:
    return {name: ~np.isnan(potentials[0]) for name, potentials in sides.items()}


def _system(net: Network) -> tuple:
    """Return nodal matrix, coupling to the terminals, and the nodes that are unknown."""
    from scipy.sparse import coo_matrix

    one, two, value = net.merged[net.one], net.merged[net.two], net.conductance
    total = len(net.merged)
    at, to = np.concatenate([one, two, one, two]), np.concatenate([one, two, two, one])
    laplacian = coo_matrix((np.concatenate([value, value, -value, -value]), (at, to)), shape=(total, total)).tocsc()
    known = np.zeros(total, dtype=bool)
    known[net.terminals] = True
    nodes = np.arange(2 * net.shape[0] * net.shape[1])
    unknown = nodes[(net.merged[nodes] == nodes) & ~known[nodes]]
    rows = laplacian[unknown]
    return rows[:, unknown], -rows[:, net.terminals], unknown


def nodal_system(conductance: Array, wires: Wires, bias: Bias | None = None) -> tuple:
    """Assemble Kirchhoff's equations ``matrix @ unknown = drive @ potential`` of a crossbar.

    Parameters
    ----------
    conductance : numpy.ndarray
        Cell conductances [S], shape ``(rows, columns)``.
    wires : Wires
        The metal.
    bias : Bias, optional
        Which terminals are connected; those of a read where not given.

    Returns
    -------
    matrix : scipy.sparse.csc_matrix
        Symmetric positive definite nodal conductances [S], shape ``(unknowns, unknowns)``.
    drive : scipy.sparse.csc_matrix
        Conductances from the connected terminals, in the order of the sides [S]; for a read the left terminals of the
        word lines, shape ``(unknowns, rows)``: those at ground are left out.
    """
    rows, columns = conductance.shape
    _, sides = (Bias.read(0.0) if bias is None else bias).resolve(rows, columns)
    matrix, drive, _ = _system(network(conductance, wires, _connected(sides)))
    return matrix, drive[:, :rows] if bias is None else drive


def solve_reference(conductance: Array, wires: Wires, bias: Bias) -> tuple[Array, Array]:
    """Solve a crossbar of ohmic cells by one sparse LU factorisation of all its nodes.

    Iterative refinement makes up for rounding in the matrix: its residuals are sums of branch currents in
    extended precision, where the machine has one.

    Parameters
    ----------
    conductance : numpy.ndarray
        Cell conductances [S], shape ``(rows, columns)``.
    wires : Wires
        The metal.
    bias : Bias
        Potentials of the terminals; the same ones float in all vectors.

    Returns
    -------
    word_line_voltage, bit_line_voltage : numpy.ndarray
        Node voltages [V], shape ``(vectors, rows, columns)``.
    """
    from scipy.sparse.linalg import splu

    rows, columns = conductance.shape
    _, sides = bias.resolve(rows, columns)
    connected = _connected(sides)
    net = network(conductance, wires, connected)
    matrix, drive, unknown = _system(net)
    given = np.concatenate([sides[side][:, connected[side]] for side in SIDES], axis=1).T
    potential = np.zeros((len(net.merged), given.shape[1]), dtype=np.longdouble)
    potential[net.terminals] = given
    one, two = net.merged[net.one], net.merged[net.two]
    if unknown.size:
        factor = splu(matrix, permc_spec="MMD_AT_PLUS_A", diag_pivot_thresh=0.0, options={"SymmetricMode": True})
        potential[unknown] = factor.solve(drive @ given)
        for _ in range(3):
            flow = net.conductance[:, None] * (potential[one] - potential[two])
            excess = np.zeros_like(potential)
            np.add.at(excess, two, flow)
            np.subtract.at(excess, one, flow)
            potential[unknown] += factor.solve(excess[unknown].astype(float))
    grid = np.moveaxis(potential[net.merged[: 2 * rows * columns]], -1, 0).astype(float)
    u, v = grid.reshape(-1, 2, rows, columns).transpose(1, 0, 2, 3)
    return u, v
