"""Models in C++ against torchvision's: names, initial values, outputs, whole-model files.

TORCHKEEP_ARCHITECTURES names the models to compare, separated by blanks; three, if it is not set.
"""

import os
import pickletools
import zipfile

from interop import InteropTest, main, torch

import torchvision
from torch import nn

ARCHITECTURES = os.environ.get("TORCHKEEP_ARCHITECTURES", "vgg16 alexnet resnext50_32x4d").split()

# What torch.load(weights_only=True) of PyTorch 2.6 and later accepts, as far as these files need it.
SAFE_GLOBALS = {
    "collections OrderedDict",
    "torch._utils _rebuild_tensor_v2",
    "torch FloatStorage",
    "torch LongStorage",
}
SAFE_OPCODES = set(
    "PROTO STOP MARK NONE NEWTRUE NEWFALSE EMPTY_TUPLE EMPTY_LIST EMPTY_DICT EMPTY_SET TUPLE TUPLE1 "
    "TUPLE2 TUPLE3 APPEND APPENDS SETITEM SETITEMS BININT BININT1 BININT2 LONG1 BINFLOAT BINUNICODE "
    "SHORT_BINSTRING BINGET LONG_BINGET BINPUT LONG_BINPUT GLOBAL REDUCE NEWOBJ BUILD "
    "BINPERSID".split()
)


def tiny_vgg(num_classes=10):
    """torchkeep's tiny_vgg, written down in Python."""

    def block(channels, width):
        return [
            nn.Conv2d(channels, width, 3, padding=1),
            nn.ReLU(inplace=True),
            nn.Conv2d(width, width, 3, padding=1),
            nn.ReLU(inplace=True),
            nn.MaxPool2d(2),
        ]

    features = nn.Sequential(*block(1, 16), *block(16, 32))
    classifier = nn.Sequential(nn.Flatten(), nn.Dropout(0.25), nn.Linear(32 * 7 * 7, num_classes))
    net = nn.Sequential()
    net.add_module("features", features)
    net.add_module("classifier", classifier)
    return net


class ModelsTest(InteropTest):
    def assert_same_state(self, ours, theirs):
        self.assertEqual(list(ours), list(theirs))
        for name, tensor in theirs.items():
            self.assertEqual(ours[name].dtype, tensor.dtype, name)
            self.assertTrue(torch.equal(ours[name], tensor), name)

    def assert_same_outputs(self, name, model, images):
        torch.save(model.state_dict(), self.directory / "weights.pt")
        torch.save(images, self.directory / "images.pt")
        files = (self.directory / file for file in ("weights.pt", "images.pt", "out.pt"))
        self.run_program("forward", name, *files)
        with torch.no_grad():
            expected = model.eval()(images)
        ours = torch.load(self.directory / "out.pt")
        self.assertLessEqual((ours - expected).norm(), 1e-5 * expected.norm())

    def test_model_after_the_same_seed_is_torchvisions(self):
        for name in ARCHITECTURES:
            with self.subTest(name):
                self.run_program("initial_state", name, 7, self.directory / "initial.pt")
                torch.manual_seed(7)
                model = getattr(torchvision.models, name)()
                ours = torch.load(self.directory / "initial.pt")
                self.assert_same_state(ours, model.state_dict())
                model.load_state_dict(ours)
                # Running statistics that are not those of a fresh batch norm.
                model.train()(torch.rand(4, 3, 64, 64))
                self.assert_same_outputs(name, model, torch.rand(2, 3, 64, 96))

    def test_tiny_vgg_after_the_same_seed_is_that_of_python(self):
        self.run_program("initial_state", "tiny_vgg", 7, self.directory / "initial.pt")
        torch.manual_seed(7)
        model = tiny_vgg()
        self.assert_same_state(torch.load(self.directory / "initial.pt"), model.state_dict())
        self.assert_same_outputs("tiny_vgg", model, torch.rand(2, 1, 28, 28))

    def test_new_head_after_the_same_seed_is_that_of_python(self):
        self.run_program("initial_head", "tiny_vgg", 7, 3, self.directory / "head.pt")
        torch.manual_seed(7)
        model = tiny_vgg()
        model.classifier[2] = nn.Linear(model.classifier[2].in_features, 3)
        self.assert_same_state(torch.load(self.directory / "head.pt"), model.state_dict())

    def test_whole_model_is_a_plain_dictionary(self):
        path = self.directory / "model.pt"
        self.run_program("whole_model", path)
        saved = torch.load(path)  # 1.13 knows no floats with weights_only=True; the next test does
        self.assertEqual(saved["format"], "torchkeep model")
        self.assertEqual(saved["architecture"], "tiny_vgg")
        self.assertEqual(
            saved["configuration"], {"num_classes": 3, "dropout": 0.25, "in_channels": 1}
        )
        model = tiny_vgg(num_classes=3)
        model.load_state_dict(saved["state_dict"])
        names = [name for name, _ in model.named_parameters()]
        self.assertEqual(saved["frozen"], [name for name in names if name.startswith("features.")])
        self.assertEqual(
            saved["training"],
            ["classifier", "classifier.0", "classifier.1", "classifier.2"],
        )

    def test_whole_model_needs_only_what_weights_only_allows(self):
        path = self.directory / "model.pt"
        self.run_program("whole_model", path)
        with zipfile.ZipFile(path) as archive:
            pickle = archive.read(next(n for n in archive.namelist() if n.endswith("data.pkl")))
        for opcode, argument, _ in pickletools.genops(pickle):
            self.assertIn(opcode.name, SAFE_OPCODES)
            if opcode.name == "GLOBAL":
                self.assertIn(argument, SAFE_GLOBALS)


if __name__ == "__main__":
    main()
