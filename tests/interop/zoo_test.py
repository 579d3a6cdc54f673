"""The models of the zoo against torchvision's: names, initial values, training, evaluation.

All models are compared by the names and shapes of their state dicts, and SMALL ones by their
values, too: initial values to the bit, then a step of training with its gradients, and an
evaluation. TORCHKEEP_LONG=1 takes all models for that, which needs minutes and gigabytes.
"""

import hashlib
import json
import os
import warnings

from interop import SHARED_DATA, InteropTest, main, torch

import torchvision
from torch import nn
from torch.nn import functional as F

OURS_ALONE = {"tiny_vgg"}  # compared in models_test.py
PERCEPTRONS = ("maxvit", "swin", "vit")  # not convolutional
SMALL = """
    convnext_tiny densenet121 efficientnet_b0 efficientnet_v2_s googlenet inception_v3 mnasnet0_5
    mnasnet1_3 mobilenet_v1_x0_25 mobilenet_v2 mobilenet_v3_large mobilenet_v3_small regnet_x_400mf
    regnet_y_400mf resnet20 shufflenet_v2_x0_5 shufflenet_v2_x1_5 squeezenet1_0 squeezenet1_1
""".split()
IMAGE_SIZES = {"inception_v3": 299}  # its auxiliary classifier needs them; 64 for the others


class CifarResNet(nn.Module):
    """A ResNet of option A for CIFAR-10, as its paper describes it."""

    class Block(nn.Module):
        def __init__(self, channels, width, stride):
            super().__init__()
            self.conv1 = nn.Conv2d(channels, width, 3, stride, 1, bias=False)
            self.bn1 = nn.BatchNorm2d(width)
            self.conv2 = nn.Conv2d(width, width, 3, 1, 1, bias=False)
            self.bn2 = nn.BatchNorm2d(width)
            self.stride = stride

        def forward(self, x):
            y = self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)))))
            if self.stride != 1:
                half = y.shape[1] // 4
                x = F.pad(x[:, :, ::2, ::2], (0, 0, 0, 0, half, half))
            return F.relu(y + x)

    def __init__(self, blocks):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 16, 3, 1, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(16)
        channels = 16
        for number, width in enumerate((16, 32, 64), 1):
            layers = []
            for _ in range(blocks):
                layers.append(self.Block(channels, width, 1 if channels == width else 2))
                channels = width
            self.add_module(f"layer{number}", nn.Sequential(*layers))
        self.linear = nn.Linear(64, 10)
        for module in self.modules():
            if isinstance(module, (nn.Conv2d, nn.Linear)):
                nn.init.kaiming_normal_(module.weight)

    def forward(self, x):
        x = F.relu(self.bn1(self.conv1(x)))
        x = self.layer3(self.layer2(self.layer1(x)))
        return self.linear(F.adaptive_avg_pool2d(x, 1).flatten(1))


class MobileNetV1(nn.Module):
    """MobileNet, version 1, in three stages with leaky activations."""

    STRIDES = [[1, 2, 1, 2, 1], [2, 1, 1, 1, 1, 1], [2, 1]]

    def __init__(self, factor):
        super().__init__()
        channels = int(32 * factor)

        def layers(into, out, kernel, stride, groups):
            return [
                nn.Conv2d(into, out, kernel, stride, kernel // 2, groups=groups, bias=False),
                nn.BatchNorm2d(out),
                nn.LeakyReLU(0.1, inplace=True),
            ]

        stage = [nn.Sequential(*layers(3, channels, 3, 2, 1))]
        for number, strides in enumerate(self.STRIDES, 1):
            for place, stride in enumerate(strides):
                doubles = stride == 2 or (number, place) == (1, 0)
                out = channels * 2 if doubles else channels
                stage.append(
                    nn.Sequential(
                        *layers(channels, channels, 3, stride, channels),
                        *layers(channels, out, 1, 1, 1),
                    )
                )
                channels = out
            self.add_module(f"stage{number}", nn.Sequential(*stage))
            stage = []
        self.fc = nn.Linear(channels, 1000)

    def forward(self, x):
        x = self.stage3(self.stage2(self.stage1(x)))
        return self.fc(F.adaptive_avg_pool2d(x, 1).flatten(1))


OTHERS = {f"resnet{6 * n + 2}": lambda n=n: CifarResNet(n) for n in (3, 5, 7, 9)}
OTHERS["mobilenet_v1"] = lambda: MobileNetV1(1.0)
OTHERS |= {f"mobilenet_v1_x0_{x}": lambda x=x: MobileNetV1(float(f"0.{x}")) for x in (25, 5, 75)}


def build(name):
    """The model in Python."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return OTHERS[name]() if name in OTHERS else getattr(torchvision.models, name)()


class WithoutInitialisation:
    """While it is entered, models are made without initial values, which takes no time."""

    NAMES = [name for name in dir(nn.init) if name.endswith("_") and not name.startswith("_")]

    def __enter__(self):
        self.kept = {name: getattr(nn.init, name) for name in self.NAMES}
        for name in self.NAMES:
            setattr(nn.init, name, lambda tensor, *_, **__: tensor)

    def __exit__(self, *_):
        for name, function in self.kept.items():
            setattr(nn.init, name, function)


def digest(tensor):
    return hashlib.sha256(tensor.detach().contiguous().numpy().tobytes()).hexdigest()


def disturb(model):
    """As the program does: values that show the effect of every parameter."""
    torch.manual_seed(8)
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.dim() == 1:
                parameter.add_(torch.empty_like(parameter).uniform_(-0.2, 0.2))
            if parameter.dim() == 3:
                parameter.uniform_(0.1, 1.0)
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.momentum = 1.0


def sample(tensors):
    parts = [t.detach().flatten()[:: max(1, t.numel() // 50)].float() for t in tensors]
    return torch.cat([torch.zeros(0), *parts])


def images_of(size):
    torch.manual_seed(9)
    return torch.rand(3, 3, size, size)


def train_step(model, size):
    disturb(model)
    images = images_of(size)
    torch.manual_seed(10)
    outputs = model.train()(images)
    if hasattr(outputs, "aux_logits1"):  # torchvision has the names of the two the wrong way round
        outputs = [outputs.logits, outputs.aux_logits2, outputs.aux_logits1]
    outputs = [outputs] if isinstance(outputs, torch.Tensor) else list(outputs)
    weights = [torch.linspace(-1, 1, o.numel()).view_as(o) for o in outputs]
    sum((o * w).sum() for o, w in zip(outputs, weights)).backward()
    return {
        "outputs": [output.detach() for output in outputs],
        "gradients": sample([p.grad for p in model.parameters() if p.grad is not None]),
        "buffers": sample(model.buffers()),
    }


class ZooTest(InteropTest):
    @classmethod
    def setUpClass(cls):
        torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", os.cpu_count())))

    def names(self):
        return [n for n in self.run_program("zoo_names").split() if n not in OURS_ALONE]

    def assert_close(self, ours, theirs, tolerance, message):
        self.assertEqual(ours.shape, theirs.shape, message)
        self.assertTrue(torch.isfinite(theirs).all(), message)
        self.assertLessEqual((ours - theirs).norm(), tolerance * theirs.norm(), message)

    def test_every_classifier_of_torchvision_is_there(self):
        theirs = torchvision.models.list_models(module=torchvision.models)
        theirs = {name for name in theirs if not name.startswith(PERCEPTRONS)}
        self.assertEqual(set(self.names()) - theirs, set(OTHERS))
        self.assertEqual(theirs - set(self.names()), set())

    def test_names_and_shapes_of_every_model(self):
        names = self.names()
        forms = json.loads(self.run_program("zoo_forms", *names))
        for name in names:
            with self.subTest(name), WithoutInitialisation():
                theirs = [[key, list(t.shape)] for key, t in build(name).state_dict().items()]
                self.assertEqual(forms[name], theirs)

    def test_initial_values_training_and_evaluation(self):
        names = self.names() if os.environ.get("TORCHKEEP_LONG") else SMALL
        out = self.directory / "steps.pt"
        sizes = [IMAGE_SIZES.get(name, 64) for name in names]
        arguments = [x for pair in zip(names, sizes) for x in pair]
        digests = json.loads(self.run_program("zoo_steps", out, *arguments))
        steps = torch.load(out)
        for name, size in zip(names, sizes):
            with self.subTest(name):
                torch.manual_seed(7)
                model = build(name)
                theirs = [[key, digest(t)] for key, t in model.state_dict().items()]
                self.assertEqual(digests[name], theirs)
                self.compare_training(steps[name], train_step(model, size), name)
                self.compare_evaluation(steps[name], model, size, name)

    def compare_training(self, ours, theirs, name):
        """To float tolerance: batch norms over few values blow rounding errors up."""
        self.assertEqual(len(ours["outputs"]), len(theirs["outputs"]), name)
        for a, b in zip(ours["outputs"], theirs["outputs"]):
            self.assert_close(a, b, 2e-4, f"{name}: outputs in training")
        self.assert_close(ours["gradients"], theirs["gradients"], 3e-2, f"{name}: gradients")
        self.assert_close(ours["buffers"], theirs["buffers"], 2e-4, f"{name}: buffers")

    def compare_evaluation(self, ours, model, size, name):
        model.load_state_dict(ours["state_dict"])
        with torch.no_grad():
            theirs = model.eval()(images_of(size))
        self.assert_close(ours["evaluated"], theirs, 1e-4, f"{name}: evaluation")
        spread = (theirs[0] - theirs[1]).norm()
        self.assertGreater(spread, 1e-3 * theirs.norm(), f"{name}: all images look the same")

    def test_state_dicts_go_both_ways(self):
        for name in ("mnasnet0_5", "densenet121"):
            with self.subTest(name):
                saved = self.directory / "saved.pt"
                model = build(name)
                torch.save({"state_dict": {"module." + k: v for k, v in model.state_dict().items()}},
                           saved)
                images = torch.rand(2, 3, 64, 64)
                torch.save(images, self.directory / "images.pt")
                out = self.directory / "out.pt"
                self.run_program("zoo_outputs", name, saved, self.directory / "images.pt", out)
                with torch.no_grad():
                    self.assert_close(torch.load(out), model.eval()(images), 1e-5, name)
                self.run_program("initial_state", name, 3, saved)
                build(name).load_state_dict(torch.load(saved))  # mnasnet asks for its version

    def test_real_weights(self):
        weights = SHARED_DATA / "weights"
        if not weights.exists():
            self.skipTest(f"{weights} is not on this machine")
        files = {
            "resnet20": "resnet20-12fca82f.th",
            "resnet56": "resnet56-4bfd9763.th",
            "mobilenet_v1_x0_25": "mobilenetV1X0.25_pretrain.tar",
        }
        for name, file in files.items():
            with self.subTest(name):
                model = build(name)
                state = torch.load(weights / file, map_location="cpu")["state_dict"]
                model.load_state_dict({k.removeprefix("module."): v for k, v in state.items()})
                images = torch.rand(2, 3, 32, 32) if name[0] == "r" else torch.rand(2, 3, 96, 96)
                torch.save(images, self.directory / "images.pt")
                out = self.directory / "out.pt"
                self.run_program(
                    "zoo_outputs", name, weights / file, self.directory / "images.pt", out
                )
                with torch.no_grad():
                    self.assert_close(torch.load(out), model.eval()(images), 1e-5, name)


if __name__ == "__main__":
    main()
