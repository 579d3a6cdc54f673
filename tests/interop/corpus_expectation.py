"""What Python sees in a value: the tensors, with the names that torchkeep gives them."""

import argparse
import collections
import ctypes
import functools
import hashlib
import sys

import numpy
import torch


class Raw:
    """A tensor of a type that this torch does not have: its bytes and how a newer one writes it."""

    def __init__(self, dtype, shape, data, itemsize):
        self.dtype, self.shape, self.data, self.itemsize = dtype, shape, data, itemsize

    def __reduce__(self):
        storage = torch.ByteStorage(list(self.data)).untyped()
        stride = [1] * len(self.shape)
        for i in range(len(self.shape) - 2, -1, -1):
            stride[i] = stride[i + 1] * max(self.shape[i + 1], 1)
        dtype = future_global("torch", self.dtype)
        return future_global("torch._utils", "_rebuild_tensor_v3"), (
            storage, 0, tuple(list(self.shape)), tuple(stride), False, collections.OrderedDict(), dtype,
        )  # fmt: skip


class Call:
    """A call as a newer torch writes it. `parts` are the tensors in it, by their expected names."""

    def __init__(self, module, name, arguments, parts, state=None):
        self.function = future_global(module, name)
        self.arguments, self.parts, self.state = arguments, parts, state

    def __reduce__(self):
        return (self.function, self.arguments) + (() if self.state is None else (self.state,))


class Global:
    """Pickles as a name of a module and nothing else."""

    def __init__(self, module, name):
        self.__module__, self.name = module, name

    def __reduce__(self):
        return self.name

    def __call__(self):
        raise TypeError("only a name")


class Plain:
    """A class of the program that saved the file."""

    def __init__(self, **attributes):
        vars(self).update(attributes)


class Attributed:
    """Expected: a tensor and, under its name, its attributes."""

    def __init__(self, tensor, attributes):
        self.tensor, self.attributes = tensor, attributes


@functools.lru_cache(None)
def future_global(module, name):
    """What a module of torch holds under that name; put there if this torch has none."""
    holder = sys.modules[module]
    if not hasattr(holder, name):
        setattr(holder, name, Global(module, name))
    return getattr(holder, name)


def raw_bytes(tensor):
    """The elements in row-major order."""
    dense = tensor.detach().resolve_conj().resolve_neg()
    if not (dense.is_contiguous() and dense.storage_offset() == 0):
        dense = dense.clone(memory_format=torch.contiguous_format)
    size = dense.numel() * dense.element_size()
    if tensor.dtype in (torch.quint4x2, torch.quint2x4):
        size = dense.storage().nbytes()
    return ctypes.string_at(dense.data_ptr(), size) if size else b""


def entry(name, dtype, shape, data):
    return {
        "name": name,
        "dtype": str(dtype).replace("torch.", ""),
        "shape": list(shape),
        "bytes": len(data),
        "sha256": hashlib.sha256(data).hexdigest(),
    }


def join(name, key):
    return f"{name}.{key}" if name else str(key)


def tensor_entries(value, name):
    if value.layout == torch.sparse_coo:
        parts = {"indices": value._indices(), "values": value._values()}
    elif value.layout == torch.sparse_csr:
        parts = {
            "crow_indices": value.crow_indices(),
            "col_indices": value.col_indices(),
            "values": value.values(),
        }
    elif value.is_meta:
        parts = {}
    else:
        yield entry(name, value.dtype, value.shape, raw_bytes(value))
        # Python's attributes of a tensor follow it.
        parts = vars(value) if type(value) not in (torch.Tensor, torch.nn.Parameter) else {}
    yield from entries(dict(parts), name)


def entries(value, name=""):
    """The tensors in a value with the names that lead to them."""
    if isinstance(value, torch.Tensor):
        yield from tensor_entries(value, name)
    elif isinstance(value, Raw):
        yield entry(name, value.dtype, value.shape, value.data)
    elif isinstance(value, Call):
        yield from entries(value.parts, name)
    elif isinstance(value, Attributed):
        yield from entries(value.tensor, name)
        yield from entries(value.attributes, name)
    elif isinstance(value, (torch.storage.TypedStorage, torch.UntypedStorage)):
        dtype = value.dtype if isinstance(value, torch.storage.TypedStorage) else torch.uint8
        yield entry(name, dtype, [len(value)], ctypes.string_at(value.data_ptr(), value.nbytes()))
    elif isinstance(value, numpy.ndarray) and value.dtype.kind in "biufc":
        little = value.astype(value.dtype.newbyteorder("<"))
        yield entry(name, value.dtype.name, value.shape, little.tobytes())
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from entries(item, join(name, key))
    elif isinstance(value, tuple) and type(value) is not tuple and not isinstance(value, torch.Size):
        for i, item in enumerate(value):  # a class of its own: what it was made from
            yield from entries(item, join(name, f"arguments.{i}"))
    elif isinstance(value, (list, tuple, collections.deque)):
        for i, item in enumerate(value):
            yield from entries(item, join(name, i))
    elif isinstance(value, torch.nn.Module):
        yield from entries(value.__getstate__() if hasattr(value, "__getstate__") else vars(value), name)
    elif isinstance(value, (argparse.Namespace, Plain)):
        yield from entries(vars(value), name)
