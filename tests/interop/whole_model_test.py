"""Whole models both ways: Python's torch.save(model) run in C++, and written back for Python.

TORCHKEEP_SEED repeats the random models of a run that failed.
TORCHKEEP_ARCHITECTURES names models of torchvision, separated by blanks; small ones of each family,
if it is not set.
"""

import collections
import copy
import json
import os
import random
import re
import sys
import unittest
import warnings
import zipfile

from interop import InteropTest, main, torch
from layer_cases import IMAGE, LAYERS, NOT_RUN

import torchvision
from torch import nn

ARCHITECTURES = os.environ.get(
    "TORCHKEEP_ARCHITECTURES",
    "vgg11 alexnet resnet18 resnet50 resnext50_32x4d squeezenet1_1 densenet121 googlenet"
    " inception_v3 mobilenet_v2 mobilenet_v3_small shufflenet_v2_x0_5 mnasnet0_5 efficientnet_b0"
    " efficientnet_v2_s convnext_tiny regnet_x_400mf regnet_y_400mf",
).split()


# Python has one number for the size of a pooling where LibTorch keeps two, a further attribute of
# layers that tells their initial values, or equal names that are several strings.
OTHER_PICKLES = ("densenet", "inception", "mobilenet_v3", "efficientnet", "convnext", "regnet_y")
INCEPTIONS = ("googlenet", "inception_v3")


def fresh(name, **options):
    """A model of torchvision. The initial values of an Inception would take seconds."""
    if name in INCEPTIONS:
        options.setdefault("init_weights", False)
    return getattr(torchvision.models, name)(**options)


class Twin(nn.Module):
    """A user's class, of which the program has a twin in C++."""

    def __init__(self, width):
        super().__init__()
        self.width = width
        self.first = nn.Linear(4, width)
        self.tail = nn.Sequential(nn.Tanh(), nn.Linear(width, 2))

    def forward(self, x):
        return self.tail(self.first(x).relu()) * 2.0


class Unknown(nn.Module):
    """A user's class that the program does not know."""

    def __init__(self):
        super().__init__()
        self.depth = 3
        self.body = nn.Sequential(nn.Linear(4, 2), nn.ReLU())

    def forward(self, x):
        return self.body(x)


def tensors_of(result):
    if isinstance(result, tuple):
        return tensors_of(result[0])
    return result


def sample(gradient):
    """Of a large one every 997th element, as the program does."""
    return gradient.flatten()[::997].clone() if gradient.numel() > 100_000 else gradient


def outcome(model, x):
    model.zero_grad()
    x = x.clone()
    if x.is_floating_point():
        x.requires_grad_(True)
    torch.manual_seed(0)
    y = tensors_of(model(x * 1 if x.is_floating_point() else x))
    gradients = {}
    if y.requires_grad:
        y.square().sum().backward()
        for name, parameter in model.named_parameters():
            if parameter.grad is not None:
                gradients[name] = sample(parameter.grad.to_dense())
    return {"output": y.detach(), "input_gradient": x.grad, "gradients": gradients}


def plain_repr(module):
    """Numbers that C++ holds as doubles and sizes that it holds for each dimension are the same."""
    text = re.sub(r"(\d)\.0\b", r"\1", repr(module))
    return re.sub(r"output_size=\((\d+)(, \1)*,?\)", r"output_size=\1", text)


def pickle_of(path):
    with zipfile.ZipFile(path) as archive:
        return archive.read(next(n for n in archive.namelist() if n.endswith("data.pkl")))


class WholeModelTest(InteropTest):
    def run_cases(self, cases):
        """cases: name -> (model, input or None). All in one process."""
        for name, (model, x) in cases.items():
            torch.save(model, self.directory / f"{name}.model.pt")
            if x is not None:
                torch.save(x, self.directory / f"{name}.input.pt")
        self.run_program_on(cases)

    def run_program_on(self, names):
        (self.directory / "cases.txt").write_text("".join(f"{name}\n" for name in names))
        self.run_program("whole_models", self.directory)

    def error_of(self, name):
        path = self.directory / f"{name}.error.txt"
        return path.read_text() if path.exists() else None

    def load(self, name, end):
        return torch.load(self.directory / f"{name}{end}")

    def assert_close(self, ours, theirs, what):
        self.assertEqual(ours.shape, theirs.shape, what)
        self.assertTrue(torch.allclose(ours, theirs, 1e-4, 1e-5, equal_nan=True), what)

    def assert_same_outcome(self, ours, theirs, what):
        self.assert_close(ours["output"], theirs["output"], f"{what} output")
        if theirs["input_gradient"] is not None:
            self.assert_close(ours["input_gradient"], theirs["input_gradient"], f"{what} input")
        # C++ lists a shared parameter under each of its names.
        self.assertLessEqual(set(theirs["gradients"]), set(ours["gradients"]), what)
        for key, gradient in theirs["gradients"].items():
            self.assert_close(ours["gradients"][key], gradient, f"{what} {key}")

    def assert_same_module(self, ours, theirs, what):
        """Classes, flags, names and values of all modules below, and what is tied."""
        self.assertEqual(
            [(n, type(m), m.training) for n, m in ours.named_modules()],
            [(n, type(m), m.training) for n, m in theirs.named_modules()],
            what,
        )
        self.assertEqual(plain_repr(ours), plain_repr(theirs), what)
        mine, yours = ours.state_dict(), theirs.state_dict()
        self.assertEqual(list(mine), list(yours), what)
        for key, tensor in yours.items():
            self.assertTrue(torch.equal(mine[key], tensor), f"{what} {key}")
        self.assertEqual(
            [(n, p.requires_grad) for n, p in ours.named_parameters()],
            [(n, p.requires_grad) for n, p in theirs.named_parameters()],
            what,
        )

    def check_case(self, name, model, x):
        self.assertIsNone(self.error_of(name), f"{name}: {model}")
        for end in (".back.pt", ".back113.pt"):
            self.assert_same_module(self.load(name, end), model, f"{name}{end}")
        if x is None:
            return
        results = self.load(name, ".result.pt")
        # The flags as they were saved come first, as in the program: running statistics move.
        for key in ("as_saved", "train", "eval"):
            if key != "as_saved":
                model.train(key == "train")
            self.assert_same_outcome(results[key], outcome(model, x), f"{name} {key}: {model}")
        self.assert_same_outcome(results["plain"], results["as_saved"], f"{name} plain")
        back = self.load(name, ".back.pt")
        self.assert_same_outcome(results["as_saved"], outcome(back, x), f"{name} back")

    def check_cases(self, cases):
        self.run_cases(cases)
        for name, (model, x) in cases.items():
            with self.subTest(name, model=str(model)):
                self.check_case(name, model, x)

    def test_each_layer_alone(self):
        torch.manual_seed(1)
        cases = {}
        for shape, layers in LAYERS.items():
            for i, layer in enumerate(layers):
                name = f"{type(layer).__name__}-{len(shape)}-{i}"
                x = torch.randint(0, 9, (4, 5)) if shape == "indices" else torch.randn(shape)
                cases[name] = (layer, x)
        for i, layer in enumerate(NOT_RUN):
            cases[f"{type(layer).__name__}-{i}"] = (layer, None)
        self.check_cases(cases)

    def test_random_nested_sequentials(self):
        seed = int(os.environ.get("TORCHKEEP_SEED", random.SystemRandom().randrange(2**32)))
        print(f"TORCHKEEP_SEED={seed}", file=sys.stderr)
        generator = random.Random(seed)
        torch.manual_seed(seed)
        # Working in place on what another layer needs for its gradient is an error.
        layers = [layer for layer in LAYERS[IMAGE] if not getattr(layer, "inplace", False)]
        keeping = []
        for layer in layers:
            try:
                if tuple(copy.deepcopy(layer)(torch.randn(IMAGE)).shape) == IMAGE:
                    keeping.append(layer)
            except (RuntimeError, ValueError):
                pass

        def sequential(depth):
            parts = []
            for _ in range(generator.randrange(5)):
                if depth and generator.random() < 0.4:
                    parts.append(sequential(depth - 1))
                elif parts and generator.random() < 0.2:
                    parts.append(generator.choice(parts))  # shared
                else:
                    parts.append(copy.deepcopy(generator.choice(keeping)))
            if generator.random() < 0.5:
                return nn.Sequential(*parts)
            names = (f"part_{i}" for i in range(len(parts)))
            return nn.Sequential(collections.OrderedDict(zip(names, parts)))

        cases = {}
        for i in range(25):
            model = sequential(3)
            for module in model.modules():
                module.training = generator.random() < 0.7
            for parameter in model.parameters():
                parameter.requires_grad_(generator.random() < 0.7)
            cases[f"random-{i}"] = (model, torch.randn(IMAGE))
        self.check_cases(cases)

    def test_models_of_torchvision(self):
        torch.manual_seed(4)
        changed = torchvision.models.resnet18()
        changed.conv1 = nn.Conv2d(1, 64, 3, padding=1, bias=False)
        changed.fc = nn.Linear(512, 7)
        changed.layer4[1] = nn.Identity()
        small = torchvision.models.vgg11_bn()
        small.classifier = nn.Sequential(nn.Linear(25088, 16), nn.ReLU(True), nn.Linear(16, 3))
        cases = {
            "changed": (changed, "torchvision.models.resnet.ResNet", torch.rand(2, 1, 32, 32)),
            "small": (small, "torchvision.models.vgg.VGG", torch.rand(2, 3, 32, 32)),
        }
        for name in ARCHITECTURES:
            # An auxiliary classifier would draw random numbers, too.
            alone = {"aux_logits": False} if name in INCEPTIONS else {}
            model = fresh(name, num_classes=5, **alone)
            size = 80 if name == "inception_v3" else 64
            cases[name] = (model, name, torch.rand(2, 3, size, size))
        for name, (model, architecture, x) in cases.items():
            with self.subTest(name):
                self.check_cases({name: (model.eval(), x)})
                self.assertEqual(self.load(name, ".result.pt")["architecture"], architecture)
                for file in self.directory.iterdir():  # some of them are large
                    file.unlink()

    def test_tied_shared_and_normalised(self):
        torch.manual_seed(2)
        tied = nn.Sequential(nn.Linear(4, 4), nn.Linear(4, 4))
        tied[1].weight = tied[0].weight
        shared = nn.Linear(4, 4)
        shared = nn.Sequential(shared, nn.Tanh(), shared)
        normalised = nn.Sequential(
            nn.utils.weight_norm(nn.Linear(4, 3)), nn.utils.spectral_norm(nn.Linear(3, 2))
        )
        x = torch.randn(3, 4)
        cases = {"tied": (tied, x), "shared": (shared, x), "normalised": (normalised, x)}
        self.run_cases(cases)
        for name, (model, _) in cases.items():
            self.assertIsNone(self.error_of(name), name)
            back = self.load(name, ".back.pt")
            self.assertEqual(len(list(back.parameters())), len(list(model.parameters())), name)
        for name in ("tied", "shared"):
            self.check_case(name, *cases[name])
        results = self.load("normalised", ".result.pt")
        self.assert_same_outcome(results["as_saved"], outcome(normalised, x), "normalised")
        normalised.train()
        outcome(normalised, x)  # the program made one more forward in training mode
        normalised.eval()
        self.assert_close(results["eval"]["output"], normalised(x), "normalised eval")
        back = self.load("normalised", ".back.pt").eval()
        self.assertIn("weight_g", dict(back[0].named_parameters()))
        self.assertEqual(back(x).shape, (3, 2))

    def test_wrappers_and_hooks(self):
        net = nn.Sequential(nn.Linear(4, 3), nn.ReLU())
        hooked = copy.deepcopy(net)
        hooked.register_forward_hook(print_shape)
        x = torch.randn(2, 4)
        cases = {"parallel": (nn.DataParallel(net), x), "hooked": (hooked, x)}
        self.run_cases(cases)
        for name in cases:
            self.assertIsNone(self.error_of(name), name)
            results = self.load(name, ".result.pt")
            self.assert_close(results["eval"]["output"], net(x), name)

    def test_classes_of_users(self):
        twin = Twin(6)
        twin.first.weight.requires_grad_(False)
        x = torch.randn(3, 4)
        within = nn.Sequential(nn.Identity(), copy.deepcopy(twin))
        cases = {"twin": (twin, x), "within": (within, x), "unknown": (Unknown(), x)}
        self.run_cases(cases)
        self.check_case("twin", twin, x)
        self.check_case("within", within, x)
        message = self.error_of("unknown")
        for part in (
            "the class __main__.Unknown is not registered",
            "holds no code for it",
            'register_model<YourNetImpl>("__main__.Unknown"',
            "state_dict(module_tree(load(path)))",
            "0: Linear(in_features=4, out_features=2)",
        ):
            self.assertIn(part, message)

    def test_checkpoint_with_a_whole_model(self):
        net = nn.Sequential(nn.Linear(4, 3), nn.ReLU())
        torch.save({"epoch": 3, "model": net}, self.directory / "in_dict.model.pt")
        torch.save(net, self.directory / "legacy.model.pt", _use_new_zipfile_serialization=False)
        x = torch.randn(2, 4)
        for name in ("in_dict", "legacy"):
            torch.save(x, self.directory / f"{name}.input.pt")
        self.run_program_on(["in_dict", "legacy"])
        for name in ("in_dict", "legacy"):
            self.assertIsNone(self.error_of(name))
            self.assert_close(self.load(name, ".result.pt")["eval"]["output"], net(x), name)

    def test_hostile_trees_are_refused(self):
        def broken(change):
            net = nn.Sequential(nn.Linear(2, 2), nn.LSTM(2, 2), nn.MultiheadAttention(4, 2))
            change(net)
            return net

        def below_itself(net):
            net._modules["loop"] = net

        def absurd(net):
            net[1].hidden_size, net[1].num_layers = 2**40, 2**30

        def no_weight(net):
            del net[1]._parameters["weight_ih_l0"]

        def absurd_attention(net):
            net[2].embed_dim = 2**31

        def wrong_kind(net):
            net[0].in_features = "many"

        def conv(net):
            net[0] = nn.Conv2d(1, 1, 3)
            net[0].kernel_size = (2**31, 2**31)

        def odd_child(net):
            net._modules["0"] = 5

        changes = [below_itself, absurd, no_weight, absurd_attention, wrong_kind, conv, odd_child]
        for change in changes:
            torch.save(broken(change), self.directory / f"{change.__name__}.model.pt")
        self.run_program_on([change.__name__ for change in changes])
        for change in changes:
            with self.subTest(change.__name__):
                self.assertIsNotNone(self.error_of(change.__name__))

    def test_pickle_is_that_of_python(self):
        self.run_program("fresh_models", 7, self.directory, *ARCHITECTURES)
        for name in ARCHITECTURES:
            with self.subTest(name):
                torch.manual_seed(7)
                model = fresh(name)
                torch.save(model, self.directory / "theirs.pt")
                ours = pickle_of(self.directory / f"{name}.pt")
                if not name.startswith(OTHER_PICKLES):
                    self.assertEqual(ours, pickle_of(self.directory / "theirs.pt"), name)
                state = torch.load(self.directory / f"{name}.pt").state_dict()
                if name in INCEPTIONS:
                    continue  # other initial values
                for key, tensor in model.state_dict().items():
                    self.assertTrue(torch.equal(state[key], tensor), f"{name} {key}")

    def test_pickle_of_sequentials_is_that_of_python(self):
        torch.manual_seed(3)
        layers = [nn.Sequential(nn.Linear(2, 3), nn.ReLU(), nn.Sequential(nn.Linear(3, 1)))]
        layers.append(nn.Sequential(*[nn.Conv2d(1, 1, 3, padding=1) for _ in range(12)]))
        layers.append(nn.Sequential(nn.BatchNorm1d(3), nn.Dropout(0.2), nn.PReLU(), nn.GELU()))
        cases = {f"s{i}": (layer, None) for i, layer in enumerate(layers)}
        self.run_cases(cases)
        for name in cases:
            self.assertIsNone(self.error_of(name))
            theirs = pickle_of(self.directory / f"{name}.model.pt")
            self.assertEqual(pickle_of(self.directory / f"{name}.back113.pt"), theirs, name)

    def test_python_trains_what_cpp_made(self):
        path = self.directory / "net.pt"
        self.run_program("cpp_sequential", path)
        net = torch.load(path)
        self.assertFalse(net[0].training)
        self.assertTrue(net[3].training)
        optimizer = torch.optim.SGD(net.parameters(), 0.1)
        before = net[3].weight.detach().clone()
        net(torch.rand(2, 1, 4, 4)).sum().backward()
        optimizer.step()
        self.assertFalse(torch.equal(before, net[3].weight))
        torch.save(net, path)
        self.assertEqual(repr(torch.load(path)), repr(net))


@unittest.skipUnless(len(sys.argv) > 2, "the program is not built")
class WholeModelCommandsTest(InteropTest):
    """The program's commands on a file of Python."""

    def setUp(self):
        super().setUp()
        torch.manual_seed(5)
        self.net = nn.Sequential(nn.Linear(4, 3), nn.Dropout(), nn.Sequential(nn.Tanh()))
        self.net[0].bias.requires_grad_(False)
        self.path = self.directory / "net.pt"
        torch.save(self.net, self.path)

    def test_inspect_shows_the_tree(self):
        text = self.run_program("inspect", self.path, program=1)
        self.assertIn("  0: Linear(in_features=4, out_features=3)  weight [3, 4]", text)
        self.assertIn("15 parameters, 12 trainable", text)
        modules = json.loads(self.run_program("inspect", self.path, "--json", program=1))["modules"]
        self.assertEqual([module["name"] for module in modules], ["", "0", "1", "2", "2.0"])
        self.assertEqual(modules[2]["attributes"], {"p": 0.5, "inplace": False})
        self.assertFalse(modules[1]["parameters"]["bias"]["trainable"])

    def test_summary_shows_shapes_and_what_is_frozen(self):
        text = self.run_program("summary", self.path, "--input", "2,4", program=1)
        self.assertIn("15 parameters, 12 trainable, 3 frozen", text)
        summary = json.loads(self.run_program("summary", self.path, "--json", program=1))
        self.assertEqual(
            [layer["class"] for layer in summary["layers"]],
            ["Sequential", "Linear", "Dropout", "Sequential", "Tanh"],
        )

    def test_convert_takes_the_parameters_out_and_puts_them_in_again(self):
        model = torchvision.models.squeezenet1_1(num_classes=3)
        model_path, state_path = self.directory / "model.pt", self.directory / "state.pt"
        torch.save(model, model_path)
        self.run_program("convert", model_path, state_path, "--state-dict", program=1)
        self.assert_same(torch.load(state_path), model.state_dict())
        again = self.directory / "again.pt"
        self.run_program("convert", state_path, again, "--arch", "squeezenet1_1", program=1)
        self.assertIs(type(torch.load(again)), torchvision.models.SqueezeNet)
        self.assert_same(torch.load(again).state_dict(), model.state_dict())
        self.assertIn(
            "no whole model",
            self.run_failing("convert", state_path, again, "--state-dict", program=1),
        )

    def test_run_computes_in_evaluation_mode(self):
        x = torch.randn(2, 4)
        torch.save(x, self.directory / "x.pt")
        out = self.directory / "y.pt"
        self.run_program("run", self.path, self.directory / "x.pt", "-o", out, program=1)
        self.assertTrue(torch.allclose(torch.load(out), self.net.eval()(x), 1e-5, 1e-6))
        torch.save(self.net.state_dict(), self.directory / "state.pt")
        message = self.run_failing(
            "run", self.directory / "state.pt", self.directory / "x.pt", "-o", out, program=1
        )
        self.assertIn("without the form of the model", message)
        torch.jit.script(self.net).save(str(self.directory / "script.pt"))
        arguments = ["run", self.directory / "script.pt", self.directory / "x.pt", "-o", out]
        self.assertIn("is a program", self.run_failing(*arguments, program=1))
        self.run_program(*arguments, "--allow-torchscript", program=1)
        self.assertTrue(torch.allclose(torch.load(out), self.net(x), 1e-5, 1e-6))


def print_shape(module, inputs, output):
    print(output.shape)


if __name__ == "__main__":
    warnings.filterwarnings("ignore")
    main()
