"""`AnalogModule`: a module of torch that arrays compute; and the walk over the modules of a model."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any
from zlib import crc32

import numpy as np
import torch
from torch import nn

from crossbar.inference.matrix import AnalogMatrix
from crossbar.inference.products import (
    ArrayProducts,
    Product,
    RecordedProducts,
    exact_products,
    noiseless,
    sample_seeds,
)
from crossbar.inference.torch_plans import Plan, numbers, plan_of, refusal
from crossbar.tiles import Clipped
from devices.common.arrays import Array
from devices.common.errors import InputError

__all__ = ["AnalogModule", "plan_of", "record", "record_arrays", "replaced", "walk"]


class AnalogModule(nn.Module):
    """A dense, convolutional or recurrent module that arrays compute.

    Parameters
    ----------
    path : str
        Its path in the model.
    plain : torch.nn.Module
        The module that it stands for, whose gradient it has.
    plan : Plan
        The digital arithmetic around its products.
    matrices : tuple of AnalogMatrix
        The programmed matrices.
    rng : numpy.random.Generator
        Generator of the noise where `seed` is None.

    Attributes
    ----------
    seed : int or None
        Seed of the noise of all reads: a sample, along the first axis of the input, has the same noise at the same
        seed, alone or among others. None for noise that differs from call to call.
    clipped : list of Clipped
        Counts of each matrix over all calls.
    """

    def __init__(
        self,
        path: str,
        plain: nn.Module,
        plan: Plan,
        matrices: tuple[AnalogMatrix, ...],
        rng: np.random.Generator,
    ) -> None:
        super().__init__()
        self.path, self.plan, self.matrices, self.rng = path, plan, matrices, rng
        self._plain = [plain.requires_grad_(False)]  # in a list, so that it is no part of the model
        self.seed: int | None = None
        self.clipped = [Clipped() for _ in matrices]
        self._recorded: list[list[Array]] | None = None

    @property
    def plain(self) -> nn.Module:
        """The module that it stands for."""
        return self._plain[0]

    def extra_repr(self) -> str:
        """Return what it stands for and its tiles."""
        return f"{self.plain}, {sum(len(m.tiles) for m in self.matrices)} tiles"

    def recording(self) -> AnalogModule:
        """Return a module of the same arrays without noise that keeps the inputs of each matrix."""
        quiet = tuple(noiseless(matrix) for matrix in self.matrices)
        found = AnalogModule(self.path, self.plain, self.plan, quiet, self.rng)
        found._recorded = [[] for _ in quiet]
        return found

    @property
    def recorded(self) -> list[list[Array]]:
        """Inputs of each matrix in the calls so far of a module that keeps them."""
        return self._recorded or []

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """Return the outputs of the arrays, in the form and with the type of those of the module."""
        inputs = _arrays(self.path, self.plain, args, kwargs)
        samples = self.plan.samples(inputs[0])
        seeds = sample_seeds(self.matrices, self.rng if self.seed is None else self.seed, samples)
        products: Any = ArrayProducts(self.matrices, seeds.child(crc32(self.path.encode())), clipped=self.clipped)
        if self._recorded is not None:
            products = RecordedProducts(products, len(self.matrices))
        found = _forward(self.path, self.plan, products, inputs)
        if self._recorded is not None:
            for kept, calls in zip(self._recorded, products.inputs, strict=True):
                kept.extend(calls)
        first = next(iter((*args, *kwargs.values())))
        outputs = _tensors(found, first)
        if not torch.is_grad_enabled() or not any(t.requires_grad for t in _flat((*args, *kwargs.values()))):
            return outputs
        return _with_gradient(outputs, self.plain(*args, **kwargs))


def _forward(path: str, plan: Plan, product: Product, inputs: Sequence[Any]) -> Any:
    """Return the outputs of a plan, whose errors name the module."""
    try:
        return plan.forward(product, *inputs)
    except InputError as error:
        raise InputError(f"module {path!r}, {error.argument}", error.given, error.allowed, error.fix) from None


def _with_gradient(outputs: Any, plain: Any) -> Any:
    """Return the outputs with the gradients of those of the plain module."""
    if isinstance(outputs, tuple):
        return tuple(_with_gradient(o, p) for o, p in zip(outputs, plain, strict=True))
    return plain + (outputs - plain).detach()


def _flat(values: Sequence[Any]) -> list[Any]:
    """Return all tensors in arguments, tuples among them."""
    found: list[Any] = []
    for value in values:
        found.extend(_flat(value) if isinstance(value, tuple) else [value] if isinstance(value, torch.Tensor) else [])
    return found


def _arrays(path: str, module: nn.Module, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> list[Any]:
    """Return the arguments of a module as arrays."""
    named = [kwargs[name] for name in ("input", "hx") if name in kwargs]
    if len(named) < len(kwargs):
        raise InputError(f"module {path!r}", f"arguments {', '.join(kwargs)}", "input and hx")
    values = [v for v in (*args, *named) if v is not None]
    found: list[Any] = []
    for value in values:
        group = value if isinstance(value, tuple) else (value,)
        if isinstance(value, nn.utils.rnn.PackedSequence) or not all(isinstance(v, torch.Tensor) for v in group):
            given = f"{type(value).__name__} as an argument of {type(module).__name__}"
            raise InputError(f"module {path!r}", given, "tensors", "padded sequences")
        arrays = tuple(numbers(v) for v in group)
        if not all(np.isfinite(a).all() for a in arrays):
            raise InputError(f"module {path!r}", "inputs that are not finite", "finite inputs")
        found.append(arrays if isinstance(value, tuple) else arrays[0])
    if not found:
        raise InputError(f"module {path!r}", "no argument", "tensors")
    return found


def _tensors(values: Any, like: Any) -> Any:
    if isinstance(values, tuple):
        return tuple(_tensors(v, like) for v in values)
    return torch.from_numpy(np.ascontiguousarray(values)).to(like)


def walk(model: Any) -> list[tuple[str, nn.Module, str, str]]:
    """Return path, module, kind and note of all modules that hold no others, are mapped, or are refused as a whole."""
    if not isinstance(model, nn.Module):
        raise InputError("model", type(model).__name__, "a torch.nn.Module")
    found: list[tuple[str, nn.Module, str, str]] = []
    seen: set[int] = set()

    def visit(path: str, module: nn.Module) -> None:
        if id(module) in seen:
            return
        seen.add(id(module))
        why = refusal(module)
        if why:
            found.append((path, module, "not convertible", why))
            return
        if why == "":
            shapes = [tuple(p.shape) for n, p in module.named_parameters() if p.ndim > 1]
            text = " and ".join(" x ".join(map(str, shape)) for shape in shapes)
            found.append((path, module, "analog", text))
            return
        children = list(module.named_children())
        if not children:
            found.append((path, module, "digital", ""))
        for name, child in children:
            visit(f"{path}.{name}" if path else name, child)

    visit("", model)
    return found


def record(
    model: nn.Module, targets: Mapping[str, nn.Module], plans: Mapping[str, Plan], calibration: Any
) -> dict[str, list[list[Array]]]:
    """Run a model in software and return the inputs of each matrix of each of `targets`."""
    products = {p: RecordedProducts(exact_products(plan.matrices), len(plan.matrices)) for p, plan in plans.items()}

    def recorder(path: str, module: nn.Module) -> Callable[..., None]:
        def hook(_: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
            inputs = _arrays(path, module, args, kwargs)
            _forward(path, plans[path], products[path], inputs)

        return hook

    handles = [m.register_forward_pre_hook(recorder(p, m), with_kwargs=True) for p, m in targets.items()]
    try:
        with torch.no_grad():
            model(*_inputs(model, calibration))
    finally:
        for handle in handles:
            handle.remove()
    return {path: product.inputs for path, product in products.items()}


def record_arrays(model: nn.Module, targets: Mapping[str, AnalogModule], inputs: Any) -> dict[str, list[list[Array]]]:
    """Run a model with its arrays, without noise, and return the inputs of each matrix of each of `targets`."""
    recording = {path: module.recording() for path, module in targets.items()}
    there = replaced(model, {id(targets[p]): module for p, module in recording.items()})
    with torch.no_grad():
        there(*_inputs(model, inputs))
    replaced(there, {id(module): targets[p] for p, module in recording.items()})
    return {path: module.recorded for path, module in recording.items()}


def _inputs(model: nn.Module, calibration: Any) -> list[Any]:
    """Return calibration inputs as tensors of the model's type."""
    like = next((p for p in model.parameters() if p.is_floating_point()), torch.zeros(()))
    return [_input(value, like) for value in (calibration if isinstance(calibration, tuple) else (calibration,))]


def _input(value: Any, like: Any) -> Any:
    """Return an argument as a tensor, floating-point numbers of the type of `like`; tuples are kept."""
    if isinstance(value, tuple):
        return tuple(_input(v, like) for v in value)
    try:
        tensor = value if isinstance(value, torch.Tensor) else torch.from_numpy(np.asarray(value))
    except TypeError:
        raise InputError("calibration", f"{type(value).__name__} that is not numeric", "tensors or arrays") from None
    if tensor.is_floating_point():
        tensor = tensor.to(like)
        if not torch.isfinite(tensor).all():
            raise InputError("calibration", "numbers that are not finite", "finite inputs")
    if not tensor.numel():
        raise InputError("calibration", f"shape {tuple(tensor.shape)}", "one sample at least")
    return tensor


def replaced(model: nn.Module, others: Mapping[int, nn.Module]) -> nn.Module:
    """Return a model with other modules in place of some, by their id, wherever they are used."""
    if id(model) in others:
        return others[id(model)]
    for module in list(model.modules()):
        for name, child in module._modules.items():
            if child is not None and id(child) in others:
                module._modules[name] = others[id(child)]
    return model
