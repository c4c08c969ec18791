"""The cost of a computation, event by event: an `Account` that is charged as events happen, and its `Ledger`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from crossbar.tiles import Cost

__all__ = ["Account", "Event", "Ledger"]


@dataclass(frozen=True)
class Event:
    """A kind of event: how often it happened, and the cost of one.

    Parameters
    ----------
    name : str
        Name of the event.
    count : int
        Number of times that it happened; each one costs `energy`.
    serial : int
        Number of them that follow one another; each of those takes `latency`. The others run at the same time.
    energy : float
        Energy of one [J].
    latency : float
        Time of one [s].
    source : str
        Source of the costs.
    """

    name: str
    count: int
    serial: int
    energy: float
    latency: float
    source: str

    @property
    def total_energy(self) -> float:
        """Energy of all of them [J]."""
        return self.count * self.energy

    @property
    def total_latency(self) -> float:
        """Time that they take [s]."""
        return self.serial * self.latency


@dataclass(frozen=True)
class Ledger:
    """Events of a run over some images. The totals are the sums over its events, nothing else.

    Parameters
    ----------
    events : tuple of Event
        The events charged.
    images : int
        Images that the run covers.
    memo : mapping of str to float, optional
        Counts that are not charged, because they are contained in the events or free: name with unit, and value.
    """

    events: tuple[Event, ...]
    images: int
    memo: Mapping[str, float] = field(default_factory=dict)

    @property
    def energy(self) -> float:
        """Energy of the run [J]."""
        return sum(e.total_energy for e in self.events)

    @property
    def latency(self) -> float:
        """Time of the run [s], one image after another."""
        return sum(e.total_latency for e in self.events)

    @property
    def energy_per_image(self) -> float:
        """Energy per image [J]."""
        return self.energy / self.images

    @property
    def latency_per_image(self) -> float:
        """Time from an image to its class [s]."""
        return self.latency / self.images

    def to_dict(self) -> dict[str, Any]:
        """Return the account as plain data."""
        return {
            "images": self.images,
            "energy_j": self.energy,
            "latency_s": self.latency,
            "energy_per_image_j": self.energy_per_image,
            "latency_per_image_s": self.latency_per_image,
            "events": [
                {
                    "name": e.name,
                    "count": e.count,
                    "serial": e.serial,
                    "energy_j": e.energy,
                    "latency_s": e.latency,
                    "total_energy_j": e.total_energy,
                    "total_latency_s": e.total_latency,
                    "source": e.source,
                }
                for e in self.events
            ],
            "memo": dict(self.memo),
        }

    def __str__(self) -> str:
        lines = [f"{'event':<28}{'count':>9}{'energy each':>14}{'energy':>13}{'in series':>11}{'time':>13}"]
        lines += [
            f"{e.name:<28}{e.count:>9}{e.energy:>12.4g} J{e.total_energy:>11.4g} J{e.serial:>11}"
            f"{e.total_latency:>11.4g} s"
            for e in self.events
        ]
        lines.append(f"{'total':<28}{'':>9}{'':>14}{self.energy:>11.4g} J{'':>11}{self.latency:>11.4g} s")
        each = f"{self.energy_per_image:>11.4g} J{'':>11}{self.latency_per_image:>11.4g} s"
        lines.append(f"{f'per image ({self.images})':<28}{'':>9}{'':>14}{each}")
        lines += [f"not charged: {name} {value:.6g}" for name, value in self.memo.items()]
        return "\n".join(lines)


class Account:
    """The cost of a run so far; events of one name and one cost are counted together.

    Examples
    --------
    >>> account = Account()
    >>> account.charge(Cost("read", 0.5, 0.25, "an example"), count=3)
    >>> account.charge(Cost("read", 0.5, 0.25, "an example"), serial=1)
    >>> account.ledger(images=1).energy
    1.5
    """

    def __init__(self) -> None:
        self._counts: dict[Cost, list[int]] = {}
        self._memo: dict[str, float] = {}

    def charge(self, cost: Cost, *, count: int = 0, serial: int = 0) -> None:
        """Charge events as they happen.

        Parameters
        ----------
        cost : Cost
            The cost of one.
        count : int, optional
            Number of events; each costs its energy.
        serial : int, optional
            Number of events that followed one another; each takes its latency.
        """
        counts = self._counts.setdefault(cost, [0, 0])
        counts[0] += count
        counts[1] += serial

    def count(self, name: str, amount: float) -> None:
        """Count something that is not charged, because it is contained in the events or free."""
        self._memo[name] = self._memo.get(name, 0.0) + amount

    def ledger(self, images: int) -> Ledger:
        """Return the account so far as the ledger of a run over some images."""
        events = (
            Event(cost.name, count, serial, cost.energy, cost.latency, cost.source)
            for cost, (count, serial) in self._counts.items()
        )
        return Ledger(tuple(events), images, dict(self._memo))
