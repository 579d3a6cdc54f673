"""State dicts of modules, to the byte: module_test.py PROGRAM"""

import unittest

import interop
import torch
from torch import nn


def small_net(classes=5):
    """The network of module.cpp, after it has seen something."""
    torch.manual_seed(5)
    net = nn.Sequential(
        nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten(), nn.Linear(144, classes)
    )
    net(torch.randn(2, 3, 8, 8))
    return net


class ModuleTest(interop.InteropTest):
    def save(self, state_dict):
        path = self.directory / "theirs" / "model.pt"
        path.parent.mkdir()
        torch.save(state_dict, path)
        return path

    def keep(self, path, layout):
        """The file that the program makes of it."""
        ours = self.directory / "ours" / "model.pt"
        ours.parent.mkdir()
        self.run_program("keep_small_net", path, ours, layout)
        return ours

    def refused(self, state_dict):
        return self.run_failing("keep_small_net", self.save(state_dict), self.directory / "x.pt", "latest")

    @unittest.skipUnless(torch.__version__.startswith("1.13"), "another layout")
    def test_file_is_that_of_python_to_the_byte(self):
        theirs = self.save(small_net().state_dict())
        self.assertEqual(self.keep(theirs, "torch-1.13").read_bytes(), theirs.read_bytes())

    def test_python_loads_our_file(self):
        net = small_net()
        fresh = small_net()
        nn.init.zeros_(fresh[0].weight)
        fresh.load_state_dict(torch.load(self.keep(self.save(net.state_dict()), "latest")))
        self.assert_same(fresh.state_dict(), net.state_dict())

    def test_prefix_is_explained(self):
        state_dict = {f"module.{name}": value for name, value in small_net().state_dict().items()}
        error = self.refused(state_dict)
        self.assertIn("9 missing, 9 unexpected and 0 mismatched keys", error)
        self.assertIn("strip the prefix 'module.'", error)
        self.assertIn("9 of 9 keys would match", error)
        self.assertFalse((self.directory / "x.pt").exists())

    def test_head_of_another_size_is_explained(self):
        error = self.refused(small_net(classes=7).state_dict())
        self.assertIn("4.weight (expected float32 [5, 144], got float32 [7, 144])", error)
        self.assertIn("replace_head(model, 7), 9 of 9 keys would match", error)

    def test_prefix_and_head_are_explained_together(self):
        state_dict = small_net(classes=7).state_dict()
        error = self.refused({f"net.{name}": value for name, value in state_dict.items()})
        self.assertIn("strip the prefix 'net.' with without_prefix(\"net.\"): 7 of 9 keys", error)
        self.assertIn("then the head '4' has another size: after replace_head(model, 7)", error)


if __name__ == "__main__":
    interop.main()
