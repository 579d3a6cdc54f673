"""Reads the zip files of torch.save without torch: nothing that a file names is imported.

An independent witness for files of others, which must not be unpickled for real.
"""

import collections
import pickle
import zipfile

import numpy

from corpus_expectation import entry, join

# Element types by the names of the storage classes, and how many bytes they have.
STORAGES = {
    "FloatStorage": ("float32", 4), "DoubleStorage": ("float64", 8), "HalfStorage": ("float16", 2),
    "BFloat16Storage": ("bfloat16", 2), "LongStorage": ("int64", 8), "IntStorage": ("int32", 4),
    "ShortStorage": ("int16", 2), "CharStorage": ("int8", 1), "ByteStorage": ("uint8", 1),
    "BoolStorage": ("bool", 1), "ComplexFloatStorage": ("complex64", 8),
    "ComplexDoubleStorage": ("complex128", 16),
}  # fmt: skip


class Inert:
    """Whatever the pickle calls or instantiates."""

    state = None

    def __new__(cls, *arguments):
        self = super().__new__(cls)
        self.arguments, self.items, self.keyed = arguments, [], {}
        return self

    def __init__(self, *arguments):
        pass

    def __setstate__(self, state):
        self.state = state

    def __setitem__(self, key, value):
        self.keyed[key] = value

    def append(self, item):
        self.items.append(item)

    def extend(self, items):
        self.items.extend(items)


class Unpickler(pickle.Unpickler):
    def find_class(self, module, name):
        if (module, name) == ("collections", "OrderedDict"):
            return collections.OrderedDict
        return type(name, (Inert,), {"path": f"{module}.{name}"})

    def persistent_load(self, identifier):
        _, storage, key, _, numel = identifier
        return Storage(storage.path.rpartition(".")[2], key, numel)


class Storage:
    def __init__(self, kind, key, numel):
        self.dtype, self.itemsize = STORAGES[kind]
        self.key, self.numel = key, numel


def elements(storage, data, offset, size, stride):
    """The bytes of the elements in row-major order."""
    item = storage.itemsize
    flat = numpy.frombuffer(data, dtype=f"V{item}")
    strides = [step * item for step in stride]
    view = numpy.lib.stride_tricks.as_strided(flat[offset:], size, strides)
    return numpy.ascontiguousarray(view).tobytes()


def tensors(value, read, name=""):
    if isinstance(value, dict):
        for key, item in value.items():
            yield from tensors(item, read, join(name, key))
    elif isinstance(value, (list, tuple)):
        for i, item in enumerate(value):
            yield from tensors(item, read, join(name, i))
    elif isinstance(value, Inert) and value.path == "torch._utils._rebuild_tensor_v2":
        storage, offset, size, stride = value.arguments[:4]
        data = elements(storage, read(storage.key), offset, size, stride) if 0 not in size else b""
        yield entry(name, storage.dtype, size, data)
    elif isinstance(value, Inert) and value.path == "torch._utils._rebuild_parameter":
        yield from tensors(value.arguments[0], read, name)
    elif isinstance(value, Inert):
        yield from tensors(value.state if isinstance(value.state, dict) else {}, read, name)
        yield from tensors(value.keyed, read, name)


def read_tensors(path):
    """The tensors of a file as corpus_expectation.entries() gives them."""
    with zipfile.ZipFile(path) as archive:
        names = archive.namelist()
        root = names[0].split("/")[0]
        with archive.open(f"{root}/data.pkl") as stream:
            value = Unpickler(stream).load()
        return list(tensors(value, lambda key: archive.read(f"{root}/data/{key}")))
