"""Arrays in torch: the exact read as a differentiable function, and a linear layer of differential pairs on tiles.

It needs the extra ``torch``.
"""

from __future__ import annotations

import math
from dataclasses import fields, replace
from typing import Any

import numpy as np

from crossbar.array import Crossbar
from crossbar.inference.recipe import Recipe
from crossbar.mapping.pairs import DifferentialPairs
from crossbar.mapping.tiling import tile_slices
from crossbar.periphery.encodings import Amplitude
from crossbar.wires import Wires
from devices.common.errors import InputError
from devices.common.randomness import Seed, generator
from devices.common.validation import integer
from devices.effects.base import apply_effects

try:
    import torch
except ModuleNotFoundError:
    raise InputError("torch", "no package torch", "that package", "pip install 'memductance[torch]'") from None

__all__ = ["CrossbarLinear", "crossbar_read"]

#: Resistances of `Wires` that a read has a derivative for, in the order of the arguments of the function below.
RESISTANCES = ("word_line", "bit_line", "driver", "sense")


class _Read(torch.autograd.Function):
    """Currents of a read; the backward pass solves the adjoint array with the factors of the read."""

    @staticmethod
    def forward(ctx: Any, voltage: Any, conductance: Any, wires: Wires, *resistances: Any) -> Any:
        given = {name: _numbers(r) for name, r in zip(RESISTANCES, resistances, strict=True) if r is not None}
        given = {name: float(r) if r.ndim == 0 else r for name, r in given.items()}
        ctx.array = Crossbar(_numbers(conductance), replace(wires, **given) if given else wires)
        ctx.save_for_backward(voltage, conductance, *resistances)
        return _like(ctx.array.read(_numbers(voltage)).current, voltage)

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, current_gradient: Any) -> tuple[Any, ...]:
        voltage, conductance, *resistances = ctx.saved_tensors
        weights = _numbers(current_gradient)
        if not any(ctx.needs_input_grad[1:]):
            return _like(ctx.array.read(weights, backward=True).current, voltage), None, None, *(None,) * 4
        found = ctx.array.read_gradient(_numbers(voltage), weights)
        ohms = [
            None if given is None else _like(np.asarray(getattr(found, name)), given)
            for name, given in zip(RESISTANCES, resistances, strict=True)
        ]
        return _like(found.voltage, voltage), _like(found.conductance, conductance), None, *ohms


def crossbar_read(
    voltage: Any,
    conductance: Any,
    wires: Wires | None = None,
    *,
    word_line: Any = None,
    bit_line: Any = None,
    driver: Any = None,
    sense: Any = None,
) -> Any:
    r"""Return the exact currents of a read with IR drop, differentiable in every argument but `wires`.

    The gradient is exact too, and costs one more solution of the same array; see `Crossbar.read_gradient`. The array is
    solved on the CPU in double precision, whatever the tensors are. There are no second derivatives.

    Parameters
    ----------
    voltage : torch.Tensor
        Source voltages [V], shape ``(..., rows)``.
    conductance : torch.Tensor
        Cell conductances [S], shape ``(rows, columns)``, each >= 0.
    wires : Wires, optional
        The metal; ideal by default.
    word_line, bit_line, driver, sense : torch.Tensor, optional
        Resistances in place of those of `wires` [ohm], of any shape that `Wires` takes.

    Returns
    -------
    torch.Tensor
        Currents into the sense amplifiers [A], shape ``(..., columns)``, of the voltages' type.

    Raises
    ------
    InputError
        As `Crossbar` and `Crossbar.read` do.
    ConvergenceError
        As in `Crossbar.read`.

    Notes
    -----
    S. W. Director and R. A. Rohrer, IEEE Trans. Circuit Theory 16, 318 (1969), doi 10.1109/TCT.1969.1082967.
    """
    given = [torch.as_tensor(voltage), torch.as_tensor(conductance)]
    ohms = [None if r is None else torch.as_tensor(r) for r in (word_line, bit_line, driver, sense)]
    if not given[0].is_floating_point():
        raise InputError("voltage", f"a tensor of {given[0].dtype}", "real numbers [V]", "voltage.double()")
    return _Read.apply(*given, wires or Wires(), *ohms)


class CrossbarLinear(torch.nn.Module):
    r"""A linear layer on tiles of differential pairs, trained through their exact IR drop.

    .. math:: y = \frac{1}{s} \sum_\mathrm{tiles} \left(I^+(x) - I^-(x)\right) + b, \quad
              G^\pm = g_\min + s \max(\pm w, 0), \quad s = \frac{g_\max - g_\min}{\max |w|}

    with currents of a read at 1 V for an input of 1: cells are ohmic, so that the read voltage drops out. The bias is
    digital. It equals an `AnalogMatrix` of the same recipe, and with ideal wires ``torch.nn.Linear``.

    Parameters
    ----------
    in_features, out_features : int
        Inputs and outputs.
    recipe : Recipe
        Conductance window, tiles and wires. Effects that act once are drawn anew at each pass in training mode and are
        left out otherwise: training that is aware of them. Converters, other mappings and noise of reads have no
        gradient and are refused.
    bias : bool, optional
        Whether a bias is added.
    seed : int or numpy.random.Generator, optional
        Seed or generator of the effects.

    Attributes
    ----------
    weight : torch.nn.Parameter
        Shape ``(out_features, in_features)``, as in ``torch.nn.Linear``, with the same random start.
    bias : torch.nn.Parameter or None
        Shape ``(out_features,)``.

    Raises
    ------
    InputError
        If the recipe has what is refused.
    """

    def __init__(
        self, in_features: int, out_features: int, recipe: Recipe, *, bias: bool = True, seed: Seed = 0
    ) -> None:
        super().__init__()
        self.in_features = integer("in_features", in_features, minimum=1)
        self.out_features = integer("out_features", out_features, minimum=1)
        self.recipe = _differentiable(recipe)
        self._rng = generator(seed)
        self.weight = torch.nn.Parameter(torch.empty(out_features, in_features))
        self.bias = torch.nn.Parameter(torch.empty(out_features)) if bias else None
        bound = 1.0 / math.sqrt(in_features)
        for parameter in self.parameters():
            torch.nn.init.uniform_(parameter, -bound, bound)

    @classmethod
    def from_linear(cls, linear: Any, recipe: Recipe, *, seed: Seed = 0) -> CrossbarLinear:
        """Return a layer with a copy of the weights and the bias of a ``torch.nn.Linear``."""
        layer = cls(linear.in_features, linear.out_features, recipe, bias=linear.bias is not None, seed=seed)
        layer.to(linear.weight.dtype)
        with torch.no_grad():
            for mine, other in zip(layer.parameters(), linear.parameters(), strict=True):
                mine.copy_(other)
        return layer

    def conductances(self) -> tuple[Any, Any]:
        """Return the target conductances [S], shape ``(in_features, 2 out_features)``, and the scale s [S].

        Both are differentiable in the weights, and equal those of `DifferentialPairs`.
        """
        w = self.weight.T.double()
        low, high = self.recipe.conductance_limits
        largest = w.abs().amax()
        scale = (high - low) / torch.where(largest > 0.0, largest, 1.0)
        parts = torch.stack([w.clamp(min=0.0), (-w).clamp(min=0.0)], dim=-1)
        return (low + scale * parts).reshape(self.in_features, -1), scale

    def forward(self, inputs: Any) -> Any:
        """Return the products plus the bias, shape ``(..., out_features)``, for inputs ``(..., in_features)``."""
        if inputs.ndim == 0 or inputs.shape[-1] != self.in_features:
            raise InputError("inputs", f"shape {tuple(inputs.shape)}", f"shape (..., {self.in_features})")
        G, scale = self.conductances()
        if self.training and self.recipe.effects:
            target = _numbers(G)
            drawn = apply_effects(target, self.recipe.effects, self._rng, limits=self.recipe.conductance_limits)
            G = G + _like(drawn - target, G)
        x = inputs.double()
        columns = []
        rows, width = self.recipe.tile[0], self.recipe.tile[1] - self.recipe.tile[1] % 2
        for left in range(0, G.shape[1], width):
            right = slice(left, left + width)
            blocks = tile_slices((self.in_features, len(G[0, right])), (rows, width))
            columns.append(sum(crossbar_read(x[..., i], G[i, right], self.recipe.wires) for i, _ in blocks))
        current = torch.cat(columns, dim=-1)
        product = (current[..., 0::2] - current[..., 1::2]) / scale
        product = product.to(torch.promote_types(inputs.dtype, self.weight.dtype))
        return product if self.bias is None else product + self.bias

    def extra_repr(self) -> str:
        """Return the sizes for the representation of a model."""
        return f"in_features={self.in_features}, out_features={self.out_features}, bias={self.bias is not None}"


def _differentiable(recipe: Recipe) -> Recipe:
    """Return the recipe if products by it have a gradient, or raise `InputError`."""
    if not isinstance(recipe, Recipe):
        raise InputError("recipe", type(recipe).__name__, "a Recipe", "Recipe(conductance_limits=(1e-6, 1e-5))")
    plain = Recipe(conductance_limits=recipe.conductance_limits)
    for field in fields(Recipe):
        given = getattr(recipe, field.name)
        free = field.name in ("conductance_limits", "tile", "wires", "effects")
        if field.name == "encoding":
            free = isinstance(given, Amplitude) and given.bits is None
        if not free and given != getattr(plain, field.name):
            allowed = f"the default, {getattr(plain, field.name)!r}: others have no gradient"
            raise InputError(f"recipe.{field.name}", repr(given), allowed)
    for effect in recipe.effects:
        if effect.acts != "once":
            raise InputError("recipe.effects", repr(effect), "effects that act once: others have no gradient")
    if recipe.mapping is not DifferentialPairs:
        raise InputError("recipe.mapping", repr(recipe.mapping), "DifferentialPairs: others have no gradient")
    return recipe


def _numbers(tensor: Any) -> Any:
    """Return a tensor as an array of doubles."""
    return tensor.detach().cpu().numpy().astype(float)


def _like(array: Any, tensor: Any) -> Any:
    """Return an array as a tensor of the type and on the device of another one."""
    return torch.from_numpy(np.ascontiguousarray(array)).reshape(array.shape).to(tensor)
