"""A network executed by the cores that hold it, with its cost."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from numpy.typing import ArrayLike, NDArray

from crossbar.fabric.core import Core
from crossbar.fabric.ledger import Account, Ledger
from crossbar.inference.network import AnalogNetwork
from crossbar.read_noise import ReadSeeds
from devices.common.arrays import Array
from devices.common.errors import InputError
from devices.common.randomness import Seed
from devices.common.validation import finite_array

__all__ = ["ChipRun", "execute"]


@dataclass(frozen=True, eq=False)
class ChipRun:
    """Predictions of a run, and its ledger."""

    predictions: NDArray[Any]
    ledger: Ledger


def execute(network: AnalogNetwork, cores: Sequence[Core], inputs: ArrayLike, seed: Seed | None = None) -> ChipRun:
    """Classify inputs one after another on cores, which compute and charge every product.

    The cores of one layer work at the same time, layers follow one another. Sums over cores, activations and the
    choice of a class are the host's, as in `AnalogNetwork`.

    Parameters
    ----------
    network : AnalogNetwork
        The network, whose own tiles are not read.
    cores : sequence of Core
        The cores that hold its tiles.
    inputs : array_like
        Shape ``(images, features)``, or that of images or sequences.
    seed : int or numpy.random.Generator, optional
        Seed or generator of the noise of the reads; the network's own generator where not given.

    Returns
    -------
    ChipRun
        Predictions and the ledger of energy and latency.

    Raises
    ------
    InputError
        If a tile of the network is on no core, or on two.
    """
    x = finite_array("inputs", inputs)
    account = Account()
    charged = [[c.charged_to(account) for c in cores if c.layer == k] for k in range(len(network.layers))]
    for k, (layer, held) in enumerate(zip(network.layers, charged, strict=True)):
        wanted, found = (sorted((t.rows.start, t.columns.start) for t in tiles) for tiles in (layer.tiles, held))
        if wanted != found:
            given = f"{len(found)} for the {len(wanted)} tiles of layer {k}"
            raise InputError("cores", given, "each tile of the network on one core", "chip.place(network)")

    def read(k: int, share: Array, seeds: ReadSeeds) -> Array:
        outputs = network.layers[k].read(share, seeds, cores=charged[k])
        for cost in charged[k][0].cost("read"):
            account.charge(cost, serial=len(share))
        return outputs

    outputs = network.run(x, seed, read).outputs
    return ChipRun(network.classify(outputs), account.ledger(len(x)))
