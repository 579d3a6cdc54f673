"""Files that Python writes, the core reads and writes again, and Python reads."""

import argparse
import collections
import pathlib
import random
import zipfile

from interop import SHARED_DATA, InteropTest, main, torch

import numpy
import torchvision

LAYOUTS = ("torch-1.13", "latest")


def small_model():
    torch.manual_seed(0)
    return torch.nn.Sequential(
        torch.nn.Conv2d(1, 4, 3), torch.nn.BatchNorm2d(4), torch.nn.Flatten(), torch.nn.Linear(16, 3)
    )


def after_steps(make_optimizer, steps=3):
    """A model and an optimizer that has some state."""
    model = small_model()
    optimizer = make_optimizer(model.parameters())
    for _ in range(steps):
        optimizer.zero_grad()
        model(torch.rand(5, 1, 4, 4)).square().sum().backward()
        optimizer.step()
    return model, optimizer


def checkpoint():
    model, optimizer = after_steps(lambda p: torch.optim.Adam(p, amsgrad=True))
    scheduler = torch.optim.lr_scheduler.StepLR(optimizer, step_size=2, gamma=0.5)
    return {
        "epoch": 12,
        "model_state_dict": model.state_dict(),
        "optimizer_state_dict": optimizer.state_dict(),
        "scheduler_state_dict": scheduler.state_dict(),
        "loss": 0.123456789,
        "best": [float("inf"), float("-inf"), -0.0, float("nan")],
        "rng_state": torch.get_rng_state(),
        "python_rng_state": random.Random(0).getstate(),
        "shape": torch.Size([2, 3]),
        "dtype": torch.bfloat16,
        "device": torch.device("cuda", 1),
        "args": argparse.Namespace(lr=0.1, path=pathlib.PurePosixPath("/a/b"), names={"x", "y"}),
        "history": collections.defaultdict(list, {"loss": [1.0, 0.5]}),
        "counts": collections.Counter("hello"),
        "last": collections.deque([1, 2], maxlen=5),
        "numpy": numpy.float64(1.5),
        "array": numpy.arange(6, dtype=numpy.int16).reshape(2, 3),
        "blob": b"\x00\xff",
        "empty": b"",
        "big": [2**63, -(2**63), -(2**63) - 1, 2**70, -(2**2100), 255, 256, -1, 65535, 65536, 2**31],
        "text": "héllo \U0001f600\n",
        1: None,
        (1, "a"): True,
        None: False,
    }


def all_types():
    values = torch.tensor([[0.0, 1.0, -1.0], [2.5, 3.0, float("nan")]])
    plain = [
        torch.float16, torch.bfloat16, torch.float32, torch.float64, torch.complex64,
        torch.complex128, torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64, torch.bool,
    ]  # fmt: skip
    tensors = {str(dtype): torch.nan_to_num(values).abs().to(dtype) for dtype in plain}
    tensors["nan"] = values
    for dtype in (torch.quint8, torch.qint8, torch.qint32):
        tensors[str(dtype)] = torch.quantize_per_tensor(torch.ones(2, 3), 0.5, 1, dtype)
    tensors["channels"] = torch.quantize_per_channel(
        torch.ones(2, 3), torch.tensor([0.5, 0.25]), torch.tensor([0, 1]), 0, torch.qint8
    )
    tensors["quint4x2"] = torch.quantize_per_channel(
        torch.ones(2, 4), torch.tensor([0.5, 0.25]), torch.tensor([0.0, 1.0]), 0, torch.quint4x2
    )
    return tensors


def views():
    base = torch.arange(24.0).reshape(2, 3, 4)
    return {
        "base": base,
        "transposed": base.permute(2, 0, 1),
        "strided": base[:, ::2, 1::2],
        "expanded": torch.ones(1, 3).expand(4, 3),
        "scalar": torch.tensor(3.5),
        "empty": torch.empty(0, 3),
        "inner": base[1, 2],
        "channels_last": torch.rand(1, 3, 2, 2).contiguous(memory_format=torch.channels_last),
        "again": base,
        "grad": torch.ones(2, requires_grad=True),
    }


def sizes_around_batches():
    """Containers of sizes at which the pickler's batches of 1000 begin and end."""
    sizes = (0, 1, 2, 3, 4, 999, 1000, 1001, 1999, 2000, 2001)
    return {
        "lists": [list(range(n)) for n in sizes],
        "dicts": [dict.fromkeys(range(n)) for n in sizes],
        "ordered": [collections.OrderedDict.fromkeys(range(n)) for n in sizes],
        "tuples": [tuple(range(n)) for n in sizes],
        "sets": [set(range(n)) for n in sizes],
        "deques": [collections.deque(range(n)) for n in sizes],
        "frozen": frozenset([1, 2]),
    }


def many_tensors():
    return collections.OrderedDict((f"layer{i}.weight", torch.full((2,), float(i))) for i in range(1500))


# The 21 kinds of ordinary files of which LibTorch's own torch::pickle_load opens four.
ORDINARY = {
    "state_dict": lambda: small_model().state_dict(),
    "ordered_dict": lambda: collections.OrderedDict([("a", torch.ones(1)), ("b", 2)]),
    "checkpoint": checkpoint,
    "optimizer": lambda: after_steps(torch.optim.Adam)[1].state_dict(),
    "scheduler": lambda: torch.optim.lr_scheduler.StepLR(
        after_steps(torch.optim.Adam)[1], 3
    ).state_dict(),
    "rng": lambda: {"rng": torch.get_rng_state()},
    "tuple": lambda: {"t": (1, torch.ones(2), "x")},
    "device": lambda: {"d": torch.device("cpu")},
    "parameter": lambda: torch.nn.Parameter(torch.ones(3)),
    "numpy_scalar": lambda: numpy.float32(2.5),
    "set": lambda: {1, 2, 3},
    "module": small_model,
    "size": lambda: torch.ones(2, 3).size(),
    "dtype": lambda: torch.float16,
    "big_int": lambda: 2**100,
    "legacy": lambda: {"a": torch.ones(2)},
    "protocol_4": lambda: {"a": torch.ones(2), "n": [1, 2], "s": {1}, "b": b"x"},
    "plain_dict": lambda: {"a": torch.ones(2), "b": torch.zeros(3)},
    "half_precision": lambda: {
        "h": torch.ones(2).half(), "b": torch.ones(2).bfloat16(), "c": torch.ones(2) * 1j,
    },  # fmt: skip
    "shared_storage": lambda: (lambda t: {"a": t, "b": t.view(2, 2)})(torch.ones(4)),
    "mixed_list": lambda: [1, 2.5, "x", torch.ones(1), None, True],
}
SAVE_OPTIONS = {
    "legacy": {"_use_new_zipfile_serialization": False},
    "protocol_4": {"pickle_protocol": 4},
}


class FilesTest(InteropTest):
    def saved(self, value, name="value.pt", **options):
        path = self.directory / name
        torch.save(value, path, **options)
        return path

    def resaved(self, path, layout):
        """The file written again under the same name, from which the archive's root is made."""
        folder = self.directory / f"resaved-{layout}"
        folder.mkdir(exist_ok=True)
        self.run_program("resave", path, folder / path.name, layout)
        return folder / path.name

    def check_both_ways(self, value, **options):
        path = self.saved(value, **options)
        for layout in LAYOUTS:
            again = torch.load(self.resaved(path, layout))
            self.assert_same(torch.load(path), again, layout)
        return path

    def check_bytes(self, value):
        path = self.saved(value)
        again = self.resaved(path, "torch-1.13")
        self.assertEqual(path.read_bytes(), again.read_bytes())


class RoundTrips(FilesTest):
    def test_state_dicts_of_torchvision(self):
        for make in (torchvision.models.resnet18, torchvision.models.vgg16):
            with self.subTest(make.__name__):
                path = self.saved(make(weights=None).state_dict(), f"{make.__name__}.pth")
                again = self.resaved(path, "latest")
                self.assert_same(torch.load(path), torch.load(again))
                self.assert_same(torch.load(path), torch.load(again, weights_only=True))

    def test_all_element_types(self):
        self.check_both_ways(all_types())

    def test_views_and_shared_storages(self):
        path = self.check_both_ways(views())
        again = torch.load(self.resaved(path, "latest"))
        self.assertEqual(again["base"].data_ptr(), again["transposed"].data_ptr())
        self.assertIs(again["base"], again["again"])

    def test_a_checkpoint(self):
        self.check_both_ways(checkpoint())

    def test_optimizers(self):
        for name in ("SGD", "Adam", "AdamW", "RMSprop", "Adagrad"):
            with self.subTest(name):
                make = getattr(torch.optim, name)
                _, optimizer = after_steps(lambda p: make(p, lr=0.1))
                self.check_both_ways(optimizer.state_dict())

    def test_containers_around_the_batch_size(self):
        self.check_both_ways(sizes_around_batches())

    def test_more_than_a_thousand_tensors(self):
        self.check_both_ways(many_tensors())

    def test_sparse_tensors_stay_as_they_are(self):
        sparse = torch.eye(3).to_sparse()
        self.check_both_ways({"coo": sparse, "csr": torch.eye(3).to_sparse_csr()})

    def test_what_a_tensor_cannot_say_is_kept(self):
        storage = torch.arange(4.0).storage()
        path = self.saved({"storage": storage, "tensor": torch.ones(2)})
        again = torch.load(self.resaved(path, "latest"))
        self.assertEqual(list(again["storage"]), [0.0, 1.0, 2.0, 3.0])


class OrdinaryFiles(FilesTest):
    def test_all_kinds_are_here(self):
        self.assertEqual(len(ORDINARY), 21)

    def test_open_and_come_back_equal(self):
        for name, make in ORDINARY.items():
            with self.subTest(name):
                self.check_both_ways(make(), name=f"{name}.pt", **SAVE_OPTIONS.get(name, {}))


class SameBytesCases:
    """What must come back byte for byte in each format that Python writes: see check_bytes()."""

    def test_state_dict(self):
        self.check_bytes(small_model().state_dict())

    def test_optimizers(self):
        for make in (torch.optim.Adam, lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9)):
            self.check_bytes(after_steps(make)[1].state_dict())

    def test_checkpoint(self):
        self.check_bytes(checkpoint())

    def test_all_element_types(self):
        self.check_bytes(all_types())

    def test_views(self):
        self.check_bytes(views())

    def test_batches(self):
        self.check_bytes(sizes_around_batches())

    def test_many_tensors(self):
        self.check_bytes(many_tensors())


class SameBytes(SameBytesCases, FilesTest):
    """With the layout of torch 1.13, a file that torch 1.13 wrote comes back byte for byte."""

    def test_resnet18(self):
        self.check_bytes(torchvision.models.resnet18(weights=None).state_dict())

    def test_ordinary_files(self):
        for name, make in ORDINARY.items():
            if name not in SAVE_OPTIONS:
                with self.subTest(name):
                    self.check_bytes(make())


class WeightsOnly(FilesTest):
    def test_opens_what_has_no_floats(self):
        # The machine of torch 1.13 has no opcode for floats.
        path = self.saved({"epoch": 3, "model": small_model().state_dict(), "done": True})
        for layout in LAYOUTS:
            again = torch.load(self.resaved(path, layout), weights_only=True)
            self.assert_same(torch.load(path), again)


class RealFiles(FilesTest):
    def test_zip_files_of_others_open(self):
        folder = SHARED_DATA / "formats"
        if not folder.is_dir():
            self.skipTest(f"{folder} is absent")
        opened = 0
        for path in sorted(filter(zipfile.is_zipfile, folder.rglob("*"))):
            if path.suffix == ".npz":
                continue
            with self.subTest(path.name):
                if any(name.endswith("/constants.pkl") for name in zipfile.ZipFile(path).namelist()):
                    self.assertRegex(self.run_program("describe", path), "__torch__")
                else:
                    self.resaved(path, "latest")
                opened += 1
        self.assertGreaterEqual(opened, 37)


if __name__ == "__main__":
    main()
