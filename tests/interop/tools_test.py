"""What the program's diff, average and convert compute, against the same in Python."""

import itertools
import json
import math
import random

from interop import InteropTest, main, torch

FLOATS = [torch.float16, torch.bfloat16, torch.float32, torch.float64]
COMPLEX = [torch.complex64, torch.complex128]
INTEGERS = [torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64, torch.bool]


def name_of(dtype):
    return str(dtype).removeprefix("torch.")


def interesting_numbers():
    """Numbers at which conversions go wrong: halves, limits of types, NaN, infinities."""
    edges = [0.0, -0.0, 0.5, 1.5, 2.5, -0.5, 127.5, 128, 255.5, 256, 32767.5, 65503.9, 65519.99, 65520]
    edges += [2.0**k + d for k in (8, 11, 16, 24, 31, 32, 53, 62, 63) for d in (-1, 0, 1)]
    edges += [1e-8, 5.9e-8, 6.1e-5, 1e-40, 1e-46, 3e38, 3.5e38, 1e300, math.inf, math.nan]
    generator = random.Random(1)
    edges += [generator.uniform(-300, 300) for _ in range(500)]
    edges += [generator.lognormvariate(0, 30) for _ in range(1500)]
    return [sign * x for x in edges for sign in (1, -1)]


def sample(dtype):
    numbers = torch.tensor(interesting_numbers(), dtype=torch.float64)
    if dtype in INTEGERS:
        numbers = numbers[numbers.abs() < 9e18]  # what lies outside is tested as a float
    if dtype in COMPLEX:
        # An imaginary number is no false bool for PyTorch 1.13, but is for later ones.
        numbers = numbers.to(torch.float32 if dtype == torch.complex64 else torch.float64)
        imaginary = torch.linspace(-5, 5, len(numbers)).to(numbers.dtype)
        return torch.complex(numbers, torch.where(numbers == 0, torch.zeros(()), imaginary))
    return numbers.to(dtype)


class Casts(InteropTest):
    def test_every_pair_of_types(self):
        types = FLOATS + COMPLEX + INTEGERS
        values = {name_of(dtype): sample(dtype) for dtype in types}
        source = self.directory / "all.pt"
        torch.save(values, source)
        for target in types:
            converted = self.directory / f"{name_of(target)}.pt"
            self.run_program("convert", source, converted, "--dtype", name_of(target), "--cast-all")
            result = torch.load(converted)
            for name, tensor in values.items():
                with self.subTest(f"{name} to {name_of(target)}"):
                    self.assert_same_numbers(result[name], tensor.to(target))

    def assert_same_numbers(self, ours, theirs):
        self.assertEqual(ours.dtype, theirs.dtype)
        same = (ours == theirs) | ((ours != ours) & (theirs != theirs))
        self.assertTrue(bool(same.all()), f"{ours[~same][:5]} instead of {theirs[~same][:5]}")
        if not ours.is_complex():
            self.assertTrue(bool((torch.signbit(ours) == torch.signbit(theirs))[ours == 0].all()))

    def test_only_floats_unless_asked(self):
        source = self.directory / "mixed.pt"
        torch.save({"w": torch.ones(2), "n": torch.tensor(3), "z": torch.ones(1) * 1j}, source)
        self.run_program("convert", source, self.directory / "half.pt", "--dtype", "fp16")
        result = torch.load(self.directory / "half.pt")
        self.assertEqual(
            [result[k].dtype for k in "wnz"], [torch.float16, torch.int64, torch.complex64]
        )


class OneCycle(InteropTest):
    """The state of torch 1.13's OneCycleLR holds a bound method, and through it itself."""

    def test_its_checkpoints_are_read_and_converted(self):
        model = torch.nn.Linear(3, 2)
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
        scheduler = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=0.1, total_steps=10)
        source, again = self.directory / "checkpoint.pt", self.directory / "again.pt"
        state = {"model": model.state_dict(), "scheduler": scheduler.state_dict(), "epoch": 3}
        torch.save(state, source)
        report = json.loads(self.run_program("inspect", source, "--json"))
        self.assertEqual(report["values"]["epoch"], 3)
        self.assertEqual(report["values"]["scheduler.total_steps"], 10)
        self.run_program("verify", source)
        self.run_program("convert", source, again)
        self.assertEqual(source.read_bytes(), again.read_bytes())
        only_model = self.directory / "model.pt"
        self.run_program("convert", source, only_model, "--key", "model")
        self.assert_same(torch.load(only_model), state["model"])


class Averages(InteropTest):
    def test_means_are_exact_to_the_bit(self):
        torch.manual_seed(0)
        shapes = [(), (3,), (5, 7), (300, 211), (2, 0)]
        states = [
            {
                f"{name_of(dtype)}{i}": (torch.randn(shape, dtype=torch.float64) * 3).to(dtype)
                for dtype in FLOATS + COMPLEX
                for i, shape in enumerate(shapes)
            }
            | {"steps": torch.tensor(n)}
            for n in range(3)
        ]
        files = []
        for i, state in enumerate(states):
            files.append(self.directory / f"{i}.pt")
            torch.save(state, files[-1])
        for weights in (None, [0.2, 3.0, 1.5]):
            out = self.directory / "mean.pt"
            options = ["--weights", ",".join(map(str, weights))] if weights else []
            self.run_program("average", *files, "-o", out, *options)
            mean = torch.load(out)
            for name, last in states[-1].items():
                with self.subTest(name):
                    self.assertTrue(torch.equal(mean[name], self.mean(states, name, last, weights)))

    @staticmethod
    def mean(states, name, last, weights):
        if not (last.is_floating_point() or last.is_complex()):
            return last
        wide = torch.complex128 if last.is_complex() else torch.float64
        total = torch.zeros_like(last, dtype=wide)
        for i, state in enumerate(states):
            number = state[name].to(wide)
            total = total + (number if weights is None else weights[i] * number)
        divisor = len(states) if weights is None else sum(weights)
        if last.is_complex():  # Python divides complex numbers in another way
            return (torch.view_as_real(total) / divisor).to(
                torch.float32 if last.dtype == torch.complex64 else torch.float64
            ).contiguous().view(last.dtype).squeeze(-1)
        return (total / divisor).to(last.dtype)

    def test_models_stay_loadable(self):
        files = []
        for seed in (0, 1):
            torch.manual_seed(seed)
            model = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.BatchNorm1d(4))
            model(torch.rand(8, 3))
            files.append(self.directory / f"model{seed}.pt")
            torch.save({"epoch": seed, "model_state_dict": model.state_dict()}, files[-1])
        out = self.directory / "mean.pt"
        self.run_program("average", *files, "-o", out)
        result = torch.load(out)
        self.assertEqual(result["epoch"], 1)
        again = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.BatchNorm1d(4))
        again.load_state_dict(result["model_state_dict"])
        parts = [torch.load(file)["model_state_dict"]["0.weight"].double() for file in files]
        self.assertTrue(torch.equal(again[0].weight.detach(), ((parts[0] + parts[1]) / 2).float()))


class Diffs(InteropTest):
    def diff(self, a, b, *options):
        torch.save(a, self.directory / "a.pt")
        torch.save(b, self.directory / "b.pt")
        done = self.finish(
            0, ["diff", self.directory / "a.pt", self.directory / "b.pt", "--json", *options]
        )
        self.assertIn(done.returncode, (0, 1), done.stderr)
        return done.returncode, json.loads(done.stdout)

    def test_numbers(self):
        torch.manual_seed(0)
        for dtype, shape in itertools.product(FLOATS + COMPLEX, [(4,), (70, 9, 11), (300_000,)]):
            a = torch.randn(shape, dtype=torch.float64)
            b = torch.where(torch.rand(shape) < 0.5, a, a + 1e-2 * torch.randn(shape))
            if dtype in COMPLEX:
                a, b = torch.complex(a, b), torch.complex(b, a)
            with self.subTest(f"{dtype} {shape}"):
                self.check_numbers(a.to(dtype), b.to(dtype))

    def check_numbers(self, a, b):
        status, document = self.diff({"t": a}, {"t": b})
        if torch.equal(a, b):
            self.assertEqual(status, 0)
            return
        self.assertEqual(status, 1)
        (found,) = document["tensors"]
        wide = torch.complex128 if a.is_complex() else torch.float64
        x, y = a.to(wide), b.to(wide)
        self.assertEqual(found["bit_equal"], int((a == b).sum()))
        self.assertEqual(found["different"], int((a != b).sum()))
        self.assertEqual(found["first"], (a != b).nonzero()[0].tolist())
        self.assert_close(found["max_abs"], (x - y).abs().max())
        self.assert_close(found["relative_l2"], (x - y).norm() / y.norm())
        product = (x * y.conj()).real.sum() if a.is_complex() else (x * y).sum()
        self.assert_close(found["cosine"], product / (x.norm() * y.norm()))

    def assert_close(self, ours, theirs):
        self.assertAlmostEqual(ours, theirs.item(), delta=1e-12 * max(1, abs(theirs.item())))

    def test_tolerance_is_that_of_allclose(self):
        torch.manual_seed(0)
        a = torch.randn(50) * 10
        b = a + torch.randn(50) * 0.1
        for rtol, atol in itertools.product((0, 1e-3, 1e-2, 0.3), (1e-9, 1e-2, 0.5)):
            status, _ = self.diff({"t": a}, {"t": b}, "--rtol", rtol, "--atol", atol)
            close = torch.allclose(a.double(), b.double(), rtol=rtol, atol=atol, equal_nan=True)
            self.assertEqual(status, 0 if close else 1, (rtol, atol))

    def test_training_state(self):
        def train(steps, extra):
            torch.manual_seed(0)
            model = torch.nn.Sequential(torch.nn.Linear(3, 2), torch.nn.Linear(2, 1))
            model[0].requires_grad_(False)
            optimizer = torch.optim.Adam(model.parameters(), lr=0.1)
            scheduler = torch.optim.lr_scheduler.StepLR(optimizer, 10)
            for _ in range(steps):
                optimizer.zero_grad()
                model(torch.rand(4, 3)).sum().backward()
                optimizer.step()
                scheduler.step()
            state = model.state_dict()
            state._metadata["0"]["frozen"] = ["weight", "bias"]
            return {
                "model_state_dict": state,
                "optimizer_state_dict": optimizer.state_dict(),
                "scheduler_state_dict": scheduler.state_dict(),
                "rng_state": torch.get_rng_state(),
                "extra": extra,
            }

        _, document = self.diff(train(2, 1), train(2, 2))
        self.assertEqual([part["same"] for part in document["training"]], [True] * 3)
        self.assertEqual(document["values"], [{"name": "extra", "a": 1, "b": 2}])
        _, document = self.diff(train(2, 1), train(3, 1))
        optimizer, scheduler, rng = document["training"]
        self.assertEqual(optimizer["summary"], "the state of 2 of 4 parameters differs")
        self.assertEqual([line.split(":")[0] for line in optimizer["details"]], ["1.weight", "1.bias"])
        self.assertIn("last_epoch: 2 -> 3", scheduler["details"])
        self.assertFalse(rng["same"])
        self.assertTrue(document["frozen"]["untouched"])
        self.assertEqual(
            document["frozen"]["names"], ["model_state_dict.0.bias", "model_state_dict.0.weight"]
        )


class Conversions(InteropTest):
    def checkpoint(self):
        torch.manual_seed(0)
        model = torch.nn.Sequential(torch.nn.Conv2d(1, 2, 3), torch.nn.BatchNorm2d(2))
        model[1].weight = torch.nn.Parameter(model[1].bias.detach())
        return {"epoch": 3, "model_state_dict": model.state_dict(), "loss": 0.25}

    def test_a_pt_comes_back_byte_for_byte(self):
        for name, value in {"state": self.checkpoint()["model_state_dict"], "all": self.checkpoint()}.items():
            source = self.directory / f"{name}.pt"
            torch.save(value, source)
            other = self.directory / "another name.pth"
            self.run_program("convert", source, other)
            self.assertEqual(other.read_bytes(), source.read_bytes())

    def test_formats_and_back(self):
        source = self.directory / "checkpoint.pt"
        torch.save(self.checkpoint(), source)
        state = self.checkpoint()["model_state_dict"]
        for extension in ("safetensors", "npz", "pt"):
            with self.subTest(extension):
                between = self.directory / f"between.{extension}"
                self.run_program("convert", source, between, "--key", "model_state_dict")
                back = self.directory / f"from-{extension}.pt"
                self.run_program("convert", between, back)
                again = torch.load(back)
                # A safetensors file has an order of its own.
                self.assertEqual(sorted(again), sorted(state))
                if extension != "safetensors":
                    self.assertEqual(list(again), list(state))
                for name, tensor in state.items():
                    self.assertEqual(again[name].dtype, tensor.dtype)
                    self.assertTrue(torch.equal(again[name], tensor), name)

    def test_legacy_files(self):
        source = self.directory / "model.pt"
        torch.save(self.checkpoint(), source)
        legacy = self.directory / "legacy.pt"
        self.run_program("convert", source, legacy, "--to", "pt-legacy")
        self.assertNotEqual(legacy.read_bytes()[:2], b"PK")
        self.assert_same(torch.load(legacy), torch.load(source))

    def test_names(self):
        source = self.directory / "model.pt"
        torch.save({f"module.{k}": v for k, v in self.checkpoint()["model_state_dict"].items()}, source)
        out = self.directory / "renamed.pt"
        self.run_program(
            "convert", source, out, "--strip-prefix", "module.", "--exclude", "*num_batches_tracked",
            "--rename", "0.*=conv.*", "--rename", "1.*=bn.*", "--add-prefix", "net.",
        )  # fmt: skip
        self.assertEqual(
            list(torch.load(out)),
            ["net.conv.weight", "net.conv.bias", "net.bn.weight", "net.bn.bias",
             "net.bn.running_mean", "net.bn.running_var"],
        )  # fmt: skip

    def test_a_numpy_array(self):
        import numpy

        source = self.directory / "model.pt"
        torch.save({"a": {"w": torch.arange(6.0).reshape(2, 3).t()}}, source)
        out = self.directory / "w.npy"
        self.run_program("extract", source, "a.w", "-o", out)
        self.assertEqual(numpy.load(out).tolist(), [[0, 3], [1, 4], [2, 5]])


if __name__ == "__main__":
    main()
