"""What the interop tests share: programs, temporary files, comparison of values."""

import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

SKIPPED = 77

try:
    import torch
except ImportError:
    print("skipped: this Python has no torch (on Debian: apt-get install python3-torch)")
    sys.exit(SKIPPED)

SHARED_DATA = pathlib.Path(os.environ.get("TORCHKEEP_SHARED_DATA", "/nonexistent"))


class InteropTest(unittest.TestCase):
    """A test with a temporary directory, `self.directory`."""

    programs = []  # the paths given on the command line

    def setUp(self):
        temporary = tempfile.TemporaryDirectory(prefix="torchkeep-interop-")
        self.addCleanup(temporary.cleanup)
        self.directory = pathlib.Path(temporary.name)

    def run_program(self, *arguments, program=0):
        """Standard output of a program, which must succeed."""
        done = self.finish(program, arguments)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    def run_failing(self, *arguments, program=0):
        """Standard error of a program, which must fail with a message."""
        done = self.finish(program, arguments)
        self.assertEqual(done.returncode, 3, done.stderr)
        return done.stderr

    def finish(self, program, arguments):
        return subprocess.run(
            [self.programs[program], *map(str, arguments)],
            capture_output=True,
            text=True,
            timeout=300,
        )

    def assert_same(self, a, b, path="value"):
        """The same types, structure and values; tensors to the bit."""
        self.assertIs(type(a), type(b), path)
        if isinstance(a, torch.Tensor):
            self.assert_same_tensor(a, b, path)
        elif isinstance(a, dict):
            self.assertEqual(list(a), list(b), path)
            for key in a:
                self.assert_same(a[key], b[key], f"{path}[{key!r}]")
            self.assert_same_attributes(a, b, path)
        elif isinstance(a, (list, tuple)):
            self.assertEqual(len(a), len(b), path)
            for i, (x, y) in enumerate(zip(a, b)):
                self.assert_same(x, y, f"{path}[{i}]")
        elif isinstance(a, float):
            self.assertEqual(repr(a), repr(b), path)
        elif isinstance(a, torch.nn.Module):
            self.assert_same_attributes(a, b, path)
        elif type(a).__module__ == "numpy":
            self.assertEqual(a.dtype, b.dtype, path)
            self.assertEqual(a.tobytes(), b.tobytes(), path)
        else:
            self.assertEqual(a, b, path)

    def assert_same_attributes(self, a, b, path):
        if hasattr(a, "__dict__"):
            self.assert_same(vars(a), vars(b), f"{path}.__dict__")

    def assert_same_tensor(self, a, b, path):
        for attribute in ("dtype", "layout", "device", "requires_grad", "shape"):
            self.assertEqual(getattr(a, attribute), getattr(b, attribute), f"{path}.{attribute}")
        if a.layout != torch.strided:
            self.assert_same(a.to_dense(), b.to_dense(), path)
            return
        self.assertEqual(a.stride(), b.stride(), path)
        self.assertEqual(a.storage_offset(), b.storage_offset(), path)
        self.assertEqual(a.storage().nbytes(), b.storage().nbytes(), path)
        if a.is_quantized:
            self.assertEqual(a.qscheme(), b.qscheme(), path)
            if a.qscheme() == torch.per_tensor_affine:
                self.assertEqual((a.q_scale(), a.q_zero_point()), (b.q_scale(), b.q_zero_point()))
            else:
                self.assert_same(a.q_per_channel_scales(), b.q_per_channel_scales(), path)
                self.assert_same(a.q_per_channel_zero_points(), b.q_per_channel_zero_points(), path)
                self.assertEqual(a.q_per_channel_axis(), b.q_per_channel_axis(), path)
        self.assertEqual(raw(a), raw(b), path)


def raw(tensor):
    """All bytes of a tensor's storage."""
    import ctypes

    storage = tensor.detach().storage()
    return ctypes.string_at(storage.data_ptr(), storage.nbytes()) if storage.nbytes() else b""


def main():
    """Runs the tests of the script; its arguments are the programs."""
    InteropTest.programs = sys.argv[1:]
    unittest.main(argv=sys.argv[:1], verbosity=2)
