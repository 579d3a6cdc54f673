"""Thousands of random state dicts, from Python to torchkeep and from torchkeep to Python."""

import collections
import json
import os
import random
import unittest
import zipfile

from interop import InteropTest, main, torch

import corpus_expectation

COUNT = 2000
SEED = int(os.environ.get("TORCHKEEP_TEST_SEED", "1"))
TYPES = (
    "uint8 int8 int16 int32 int64 float16 bfloat16 float32 float64 complex64 complex128 bool".split()
)
QUANTISED = ("quint8", "qint8", "qint32")


class Generator:
    def __init__(self, seed):
        self.random = random.Random(seed)
        self.tensors = []

    def shape(self):
        return [self.random.choice((0, 1, 1, 2, 3, 4)) for _ in range(self.random.randrange(5))]

    def fresh(self):
        dtype = getattr(torch, self.random.choice(TYPES))
        tensor = torch.randint(0, 2 if dtype == torch.bool else 100, self.shape()).to(dtype)
        return tensor * 1j if dtype.is_complex else tensor

    def viewed(self, tensor):
        kind = self.random.randrange(7)
        if kind == 0 and tensor.dim() > 1:
            dims = list(range(tensor.dim()))
            self.random.shuffle(dims)
            return tensor.permute(dims)
        if kind == 1 and tensor.dim() > 0:
            return tensor[self.random.randrange(tensor.size(0)) :] if tensor.size(0) else tensor
        if kind == 2 and tensor.dim() > 0:
            return tensor[..., :: self.random.randrange(1, 4)]
        if kind == 3:
            return tensor.expand([self.random.randrange(1, 4), *tensor.shape])
        if kind == 4 and tensor.numel() > 0:
            return tensor.flatten()[self.random.randrange(tensor.numel())]
        if kind == 5 and tensor.dim() == 2:
            return tensor.diagonal()
        return tensor

    def tensor(self):
        if self.tensors and self.random.random() < 0.4:
            tensor = self.random.choice(self.tensors)
            tensor = tensor if self.random.random() < 0.3 else self.viewed(tensor)
        elif self.random.random() < 0.1:
            dtype = getattr(torch, self.random.choice(QUANTISED))
            return torch.quantize_per_tensor(torch.rand(self.shape()), 0.5, 1, dtype)
        elif self.random.random() < 0.1:
            return torch.rand(self.random.randrange(1, 4), 3).round().to_sparse()
        else:
            tensor = self.viewed(self.fresh())
        self.tensors.append(tensor)
        if tensor.dtype.is_floating_point and self.random.random() < 0.2:
            return torch.nn.Parameter(tensor.detach(), requires_grad=self.random.random() < 0.5)
        return tensor

    def value(self, depth):
        kind = self.random.randrange(10)
        if kind == 0 and depth > 0:
            return self.dict(depth - 1)
        if kind == 1:
            return [self.tensor(), self.random.random(), self.random.choice(["x", "y" * 300])]
        if kind == 2:
            return self.random.choice([None, True, self.random.getrandbits(70), -1, 1.5, (), {}])
        return self.tensor()

    def dict(self, depth=2):
        made = self.random.choice([dict, collections.OrderedDict])()
        for i in range(self.random.randrange(9)):
            made[self.random.choice([f"layer{i}.weight", i, (i, "x")])] = self.value(depth)
        return made


class RandomFiles(InteropTest):
    def test_what_python_writes_is_read_and_written_again(self):
        written, again = self.directory / "python", self.directory / "again"
        written.mkdir()
        again.mkdir()
        expected = []
        torch.manual_seed(SEED)
        for i in range(COUNT):
            value = Generator(SEED + i).dict()
            torch.save(value, written / f"{i}.pt")
            expected.append({item["name"]: item for item in corpus_expectation.entries(value)})
        text = self.run_program("inspect", *(written / f"{i}.pt" for i in range(COUNT)))
        decoder, position = json.JSONDecoder(), 0
        for i in range(COUNT):
            summary, position = decoder.raw_decode(text, position)
            position += 1  # the newline
            found = {item["name"]: item for item in summary["tensors"]}
            self.assertEqual(found, expected[i], f"seed {SEED + i}")
        self.run_program("resave-all", written, again)
        for i in range(COUNT):
            self.assertEqual(
                (written / f"{i}.pt").read_bytes(), (again / f"{i}.pt").read_bytes(), f"seed {SEED + i}"
            )

    def test_what_torchkeep_writes_is_read_by_python(self):
        self.run_program("random", self.directory, COUNT, SEED)
        tensors = 0
        for i in range(COUNT):
            path = self.directory / f"{i}.pt"
            with zipfile.ZipFile(path) as archive:
                manifest = json.loads(archive.read(f"{i}/.torchkeep/sha256.json"))
            expected = [(item["name"], item["sha256"]) for item in manifest["tensors"]]
            found = corpus_expectation.entries(torch.load(path))
            self.assertEqual(expected, [(item["name"], item["sha256"]) for item in found], path)
            tensors += len(expected)
        self.assertGreater(tensors, 2 * COUNT)


@unittest.skipUnless(os.environ.get("TORCHKEEP_LONG_TESTS"), "set TORCHKEEP_LONG_TESTS for 4 GiB files")
class LargeFiles(InteropTest):
    """A storage, and the place of another, beyond what 32 bits can say."""

    ELEMENTS = 2**32 + 100

    def check(self, path):
        summary = json.loads(self.run_program("inspect", path))
        self.assertEqual(
            [(item["name"], item["bytes"]) for item in summary["tensors"]],
            [("big", self.ELEMENTS), ("small", 12)],
        )
        return {item["name"]: item["sha256"] for item in summary["tensors"]}

    def test_large_files_come_out_byte_for_byte(self):
        big = torch.zeros(self.ELEMENTS, dtype=torch.uint8)
        big[-1] = 7
        path, again = self.directory / "large.pt", self.directory / "again" / "large.pt"
        again.parent.mkdir()
        torch.save({"big": big, "small": torch.tensor([1.0, 2.0, 3.0])}, path)
        del big
        hashes = self.check(path)
        self.run_program("resave", path, again, "own")
        self.assertTrue(same_bytes(path, again))
        path.unlink()
        loaded = torch.load(again)
        self.assertEqual((loaded["big"][-1].item(), loaded["small"].tolist()), (7, [1.0, 2.0, 3.0]))
        self.assertEqual(hashes, self.check(again))


def same_bytes(a, b):
    with open(a, "rb") as left, open(b, "rb") as right:
        while True:
            chunk = left.read(1 << 24)
            if chunk != right.read(1 << 24):
                return False
            if not chunk:
                return True


if __name__ == "__main__":
    main()
