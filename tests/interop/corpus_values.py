"""The values of the corpus: functions that make them."""

import argparse
import collections
import datetime
import enum
import fractions
import functools
import pathlib
import types

import numpy
import torch

from corpus_expectation import Attributed, Call, Plain, Raw, future_global


class Colour(enum.Enum):
    red = 1


class Subclass(torch.Tensor):
    pass


Pair = collections.namedtuple("Pair", "first second")

PLAIN_TYPES = (
    "uint8 int8 int16 int32 int64 float16 bfloat16 float32 float64 complex64 complex128 bool".split()
)
NEW_TYPES = {
    "complex32": 4, "bits1x8": 1, "bits2x4": 1, "bits4x2": 1, "bits8": 1, "bits16": 2,
    "float8_e5m2": 1, "float8_e4m3fn": 1, "float8_e5m2fnuz": 1, "float8_e4m3fnuz": 1,
    "float8_e8m0fnu": 1, "float4_e2m1fn_x2": 1, "uint16": 2, "uint32": 4, "uint64": 8,
}  # fmt: skip


def of_type(dtype, *shape):
    numbers = torch.arange(1, 1 + max(1, int(numpy.prod(shape)))).reshape(shape)
    return (numbers * 0.75).to(dtype) if dtype.is_floating_point else numbers.to(dtype)


def plain_types():
    return {
        name: {
            "matrix": of_type(dtype, 2, 3),
            "scalar": of_type(dtype),
            "empty": torch.empty(0, 3, dtype=dtype),
            "view": of_type(dtype, 4, 5)[1:3, ::2],
            "transposed": of_type(dtype, 2, 3).t(),
            "expanded": of_type(dtype, 1, 3).expand(4, 3),
        }
        for name in PLAIN_TYPES
        for dtype in [getattr(torch, name)]
    }


def new_types():
    return {
        name: {
            "matrix": Raw(name, (2, 3), bytes(range(7, 7 + 6 * size)), size),
            "scalar": Raw(name, (), bytes(range(size)), size),
            "empty": Raw(name, (0, 2), b"", size),
        }
        for name, size in NEW_TYPES.items()
    }


def quantised():
    values = torch.arange(12.0).reshape(3, 4)
    scales, zeros = torch.tensor([0.5, 0.25, 1.0], dtype=torch.float64), torch.tensor([0, 1, 2])
    tensors = {
        str(dtype): torch.quantize_per_tensor(values, 0.5, 1, dtype)
        for dtype in (torch.quint8, torch.qint8, torch.qint32)
    }
    tensors["channels"] = torch.quantize_per_channel(values, scales, zeros, 0, torch.qint8)
    tensors["transposed"] = torch.quantize_per_tensor(values, 0.5, 1, torch.qint8).t()
    tensors["float_parameters"] = torch.quantize_per_channel(
        values, scales.float(), zeros.float(), 0, torch.quint8
    )
    tensors["quint4x2"] = torch.quantize_per_channel(
        values, scales.float(), zeros.float(), 0, torch.quint4x2
    )
    return tensors


def views():
    base = torch.arange(60.0).reshape(3, 4, 5)
    storage = torch.arange(8.0).storage()
    return {
        "base": base,
        "same": base,
        "permuted": base.permute(2, 0, 1),
        "slice": base[1, :, 2:4],
        "diagonal": base[0, :4, :4].diagonal(),
        "as_strided": torch.as_strided(base, (3, 3), (2, 7), 5),
        "channels_last": torch.rand(1, 3, 2, 2).contiguous(memory_format=torch.channels_last),
        "twice": [storage, torch.tensor([]).set_(storage, 2, (3,))],
        "zero_strides": torch.zeros(1).expand(2, 3, 4),
        "zero_dims": torch.empty(2, 0, 3),
        "detached": base.detach(),
        "grad": torch.ones(3, requires_grad=True),
        "real": torch.ones(2, dtype=torch.complex64).real,
        "imag": (torch.arange(4) * 1j).to(torch.complex64).imag,
    }


def small_view():
    return {"row": torch.arange(1000.0).reshape(10, 100)[3], "tail": torch.arange(64)[60:]}


def sparse():
    dense = torch.tensor([[0.0, 1.5, 0.0], [2.5, 0.0, 0.0], [0.0, 0.0, 3.5]])
    hybrid = torch.sparse_coo_tensor([[0, 2]], torch.rand(2, 4), (3, 4))
    return {
        "coo": dense.to_sparse(),
        "csr": dense.to_sparse_csr(),
        "hybrid": hybrid,
        "uncoalesced": torch.sparse_coo_tensor([[0, 0], [1, 1]], [1.0, 2.0], (2, 2)),
        "empty": torch.sparse_coo_tensor(size=(2, 3)),
        "scalar": torch.sparse_coo_tensor(torch.empty(0, 1, dtype=torch.int64), [5.0], ()),
        "complex": (dense * 1j).to_sparse(),
    }


def layout(name):
    return Call("torch.serialization", "_get_layout", (f"torch.sparse_{name}",), {})


def new_sparse():
    def compressed(kind, names, compressed, plain, values, size):
        parts = dict(zip(names, (compressed, plain)), values=values)
        arguments = (layout(kind), (compressed, plain, values, torch.Size(size)))
        return Call("torch._utils", "_rebuild_sparse_tensor", arguments, parts)

    rows, columns = ("crow_indices", "col_indices"), ("ccol_indices", "row_indices")
    pointers, indices = torch.tensor([0, 1, 3]), torch.tensor([2, 0, 1])
    values, blocks = torch.rand(3), torch.rand(3, 2, 3)
    coo = torch.tensor([[0, 1], [1, 0]]), torch.rand(2)
    return {
        "csr": compressed("csr", rows, pointers, indices, values, (2, 3)),
        "csc": compressed("csc", columns, pointers.int(), indices.int(), values, (3, 2)),
        "bsr": compressed("bsr", rows, pointers, indices, blocks, (4, 9)),
        "bsc": compressed("bsc", columns, pointers, indices, blocks, (6, 6)),
        "coalesced": Call(
            "torch._utils",
            "_rebuild_sparse_tensor",
            (layout("coo"), (*coo, torch.Size((2, 2)), True)),
            {"indices": coo[0], "values": coo[1]},
        ),
    }


def lazy_views():
    """Conjugate and negative views, which this torch drops."""

    def v2(storage, size, metadata, expected):
        hooks = collections.OrderedDict()
        arguments = (storage, 0, tuple([size]), tuple([1]), False, hooks, metadata)
        return Call("torch._utils", "_rebuild_tensor_v2", arguments, expected)

    complex_numbers = torch.tensor([1 + 2j, 3 - 4j], dtype=torch.complex64)
    floats = torch.tensor([1.0, -2.0])
    return {
        "conjugate": v2(complex_numbers.storage(), 2, {"conj": True}, complex_numbers.conj()),
        "negative": v2(floats.storage(), 2, {"neg": True}, -floats),
    }


def subclasses():
    plain = torch.arange(3.0).as_subclass(Subclass)
    tagged = torch.arange(4.0).as_subclass(Subclass)
    tagged.tag, tagged.mask = "x", torch.tensor([True, False])
    data = torch.rand(2)
    with_state = Call(
        "torch._utils",
        "_rebuild_parameter_with_state",
        (data, True, collections.OrderedDict(), {"tag": 1, "extra": torch.ones(1)}),
        Attributed(data, {"extra": torch.ones(1)}),
    )
    return {"plain": plain, "tagged": tagged, "parameter": with_state}


def wrappers():
    inner = torch.rand(2, 2)
    size, device = torch.Size((2, 2)), torch.device("cpu")
    hooks_free = ("_rebuild_wrapper_subclass", "_rebuild_from_type_v2")
    wrapped = Call(
        "torch._tensor",
        hooks_free[1],
        (
            future_global("torch._utils", hooks_free[0]),
            Subclass,
            (Subclass, torch.float32, size, (2, 1), 0, layout("coo"), device, False),
            {"elem": inner},
        ),
        {"elem": inner},
    )
    array = numpy.arange(3, dtype=numpy.float32)
    from_numpy = Call(
        "torch._utils",
        "_rebuild_device_tensor_from_numpy",
        (array, torch.float32, "xla:0", False),
        {"data": array},
    )
    return {"wrapped": wrapped, "device": from_numpy, "meta": torch.ones(2, 3, device="meta")}


def storages():
    return {
        "typed": torch.arange(5, dtype=torch.int16).storage(),
        "untyped": torch.arange(3.0).storage().untyped(),
        "empty": torch.FloatStorage(),
        "bool": torch.tensor([True, False]).storage(),
    }


def numpy_values():
    arrays = {
        name: numpy.arange(6).reshape(2, 3).astype(name)
        for name in "bool uint8 int8 uint16 int16 uint32 int32 uint64 int64 float16 float32 float64 "
        "complex64 complex128".split()
    }
    return {
        **arrays,
        "big_endian": numpy.arange(6, dtype=">i4").reshape(2, 3),
        "fortran": numpy.asfortranarray(numpy.arange(6.0).reshape(2, 3)),
        "zero_dim": numpy.array(2.5),
        "empty": numpy.empty((0, 2)),
        "scalars": [numpy.float64(0.5), numpy.float32(1.5), numpy.int64(-3), numpy.bool_(True)],
        "text": numpy.array(["a", "bc"]),
        "objects": numpy.array([None, 1, "x"], dtype=object),
        "generator": numpy.random.RandomState(0).get_state(),
    }


def containers():
    tensor = torch.rand(2)
    return {
        "list": [tensor, [tensor, (torch.ones(1), None)]],
        "ordered": collections.OrderedDict(a=torch.ones(1), b=torch.zeros(1)),
        "defaultdict": collections.defaultdict(list, {"loss": [torch.ones(1)]}),
        "counter": collections.Counter("hello"),
        "deque": collections.deque([torch.ones(1), 2], maxlen=4),
        "pair": Pair(torch.ones(1), 2),
        "namespace": argparse.Namespace(lr=0.1, weights=torch.ones(2)),
        "simple": types.SimpleNamespace(x=1),
        "object": Plain(weights=torch.ones(2), name="x"),
        "set": {1, 2, 3},
        "frozenset": frozenset("ab"),
        "nested_keys": {(1, "a"): torch.ones(1), None: torch.ones(1), True: torch.ones(1)},
        7: torch.ones(1),
    }


def plain_values():
    return {
        "datetime": datetime.datetime(2024, 5, 6, 7, 8, 9),
        "timedelta": datetime.timedelta(days=1, seconds=2),
        "utc": datetime.datetime(2024, 1, 1, tzinfo=datetime.timezone.utc),
        "enum": Colour.red,
        "path": pathlib.PurePosixPath("/a/b"),
        "complex": 1 + 2j,
        "bytes": b"\x00\xff",
        "bytearray": bytearray(b"abc"),
        "slice": slice(1, 2, 3),
        "range": range(5),
        "fraction": fractions.Fraction(1, 3),
        "big": [2**63, -(2**63), -(2**63) - 1, 2**200, -1, 255, 256, 65535, 65536],
        "floats": [float("inf"), float("-inf"), float("nan"), -0.0, 5e-324, 1e308],
        "text": ["", "héllo \U0001f600", "\ud800", "a" * 300],
        "none": None,
        "size": torch.Size([2, 3]),
        "device": [torch.device("cpu"), torch.device("cuda", 1)],
        "dtype": [torch.bfloat16, torch.quint8, torch.complex64],
        "layout": [torch.strided, torch.sparse_coo],
        "scheme": torch.per_tensor_affine,
        "partial": functools.partial(int, base=2),
        "function": torch.nn.functional.relu,
        "class": collections.OrderedDict,
        "tensor_in_it": torch.ones(1),
    }


def batches():
    sizes = (0, 1, 2, 3, 4, 999, 1000, 1001, 1999, 2000, 2001)
    return {
        "lists": [list(range(n)) for n in sizes],
        "dicts": [dict.fromkeys(range(n)) for n in sizes],
        "ordered": [collections.OrderedDict.fromkeys(range(n)) for n in sizes],
        "tensors": collections.OrderedDict((f"w{i}", torch.full((1,), i)) for i in range(1300)),
    }


def small_model():
    torch.manual_seed(0)
    return torch.nn.Sequential(
        torch.nn.Conv2d(1, 4, 3), torch.nn.BatchNorm2d(4), torch.nn.Flatten(), torch.nn.Linear(16, 3)
    )


def modules():
    torch.manual_seed(0)
    tied = torch.nn.ModuleDict({"a": torch.nn.Linear(2, 2), "b": torch.nn.Linear(2, 2)})
    tied["b"].weight = tied["a"].weight
    return {
        "sequential": small_model(),
        "lstm": torch.nn.LSTM(2, 3, num_layers=2, bidirectional=True),
        "attention": torch.nn.MultiheadAttention(4, 2),
        "transformer": torch.nn.TransformerEncoderLayer(4, 2, 8),
        "embedding": torch.nn.Embedding(5, 3, padding_idx=0),
        "tied": tied,
        "parameters": torch.nn.ParameterList([torch.nn.Parameter(torch.ones(2))]),
        "batch_norm": torch.nn.BatchNorm1d(3, affine=False),
    }


OPTIMIZERS = {
    "SGD": {"lr": 0.1, "momentum": 0.9}, "Adam": {"amsgrad": True}, "AdamW": {}, "Adamax": {},
    "NAdam": {}, "RAdam": {}, "RMSprop": {"momentum": 0.9, "centered": True}, "Adagrad": {},
    "Adadelta": {}, "ASGD": {}, "Rprop": {}, "LBFGS": {"max_iter": 2}, "SparseAdam": {},
}  # fmt: skip


def trained(name):
    """An optimizer that has made some steps."""
    torch.manual_seed(0)
    if name == "SparseAdam":
        model = torch.nn.Embedding(4, 3, sparse=True)
        forward = lambda: model(torch.tensor([1, 2])).square().sum()
    else:
        model = small_model()
        forward = lambda: model(torch.rand(5, 1, 4, 4)).square().sum()
    optimizer = getattr(torch.optim, name)(model.parameters(), **OPTIMIZERS[name])

    def closure():
        optimizer.zero_grad()
        loss = forward()
        loss.backward()
        return loss

    for _ in range(3):
        optimizer.step(closure)
    return optimizer


def optimizers():
    return {name: trained(name).state_dict() for name in OPTIMIZERS}


def schedulers():
    scheduler = torch.optim.lr_scheduler
    make = {
        "StepLR": lambda o: scheduler.StepLR(o, 2),
        "MultiStepLR": lambda o: scheduler.MultiStepLR(o, [2, 3, 3]),
        "ExponentialLR": lambda o: scheduler.ExponentialLR(o, 0.9),
        "CosineAnnealingLR": lambda o: scheduler.CosineAnnealingLR(o, 10),
        "CosineAnnealingWarmRestarts": lambda o: scheduler.CosineAnnealingWarmRestarts(o, 10),
        "LinearLR": lambda o: scheduler.LinearLR(o),
        "ConstantLR": lambda o: scheduler.ConstantLR(o),
        "PolynomialLR": lambda o: scheduler.PolynomialLR(o),
        "ReduceLROnPlateau": lambda o: scheduler.ReduceLROnPlateau(o),
        "LambdaLR": lambda o: scheduler.LambdaLR(o, lambda epoch: 0.9**epoch),
        "SequentialLR": lambda o: scheduler.SequentialLR(
            o, [scheduler.ConstantLR(o), scheduler.ExponentialLR(o, 0.9)], [2]
        ),
        "ChainedScheduler": lambda o: scheduler.ChainedScheduler(
            [scheduler.ConstantLR(o), scheduler.ExponentialLR(o, 0.9)]
        ),
    }
    # OneCycleLR of 1.13 holds itself, and CyclicLR a weak reference that no pickle takes.
    return {name: function(trained("SGD")).state_dict() for name, function in make.items()}


def checkpoint():
    optimizer = trained("Adam")
    return {
        "epoch": 12,
        "model_state_dict": small_model().state_dict(),
        "optimizer_state_dict": optimizer.state_dict(),
        "loss": 0.125,
        "best": numpy.float64(0.93),
        "rng_state": torch.get_rng_state(),
        "history": [{"loss": 1.0}, {"loss": 0.5}],
    }


VALUES = {
    function.__name__: function
    for function in (
        plain_types, new_types, quantised, views, small_view, sparse, new_sparse, lazy_views,
        subclasses, wrappers, storages, numpy_values, containers, plain_values, batches, modules,
        optimizers, schedulers, checkpoint,
    )
}  # fmt: skip
ROOTS = {
    "root_tensor": lambda: torch.rand(3),
    "root_parameter": lambda: torch.nn.Parameter(torch.rand(2)),
    "root_storage": lambda: torch.arange(3).storage(),
    "root_list": lambda: [torch.rand(1), {"a": torch.rand(1)}],
    "root_none": lambda: None,
    "root_plain": lambda: {"a": [1, -2.5, "x\u00e9", b"\xff", True, None], "b": (2**40, {})},
    "root_int": lambda: 2**100,
    "root_module": small_model,
    "root_state_dict": lambda: small_model().state_dict(),
}
OF_PROTOCOLS = ("plain_types", "views", "containers", "plain_values", "numpy_values", "checkpoint")
OF_PROTOCOL_0 = ("root_none", "root_int", "root_plain")
OF_LEGACY = ("plain_types", "views", "quantised", "sparse", "containers", "plain_values",
             "numpy_values", "modules", "optimizers", "checkpoint", "root_tensor",
             "root_state_dict")  # fmt: skip
