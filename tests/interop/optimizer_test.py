"""Optimizers that go on in the other language: optimizer_test.py PROGRAM"""

import interop
import torch
from torch import nn

# The class, the number of groups and the options.
OPTIMIZERS = {
    "SGD": (torch.optim.SGD, 1, {"lr": 0.1}),
    "SGD with Nesterov momentum": (
        torch.optim.SGD,
        2,
        {"lr": 0.05, "momentum": 0.9, "nesterov": True, "weight_decay": 0.01},
    ),
    "SGD with dampening": (torch.optim.SGD, 1, {"lr": 0.05, "momentum": 0.5, "dampening": 0.25}),
    "Adam": (torch.optim.Adam, 1, {"lr": 0.02, "betas": (0.8, 0.95), "weight_decay": 0.1}),
    "Adam with amsgrad": (torch.optim.Adam, 2, {"lr": 0.02, "amsgrad": True, "eps": 1e-6}),
    "AdamW": (torch.optim.AdamW, 2, {"lr": 0.02, "weight_decay": 0.3}),
    "AdamW with amsgrad": (torch.optim.AdamW, 1, {"lr": 0.02, "amsgrad": True}),
    "RMSprop": (torch.optim.RMSprop, 1, {"lr": 0.01, "alpha": 0.8}),
    "centered RMSprop": (
        torch.optim.RMSprop,
        2,
        {"lr": 0.01, "centered": True, "momentum": 0.5, "weight_decay": 0.01},
    ),
    "Adagrad": (
        torch.optim.Adagrad,
        2,
        {"lr": 0.1, "lr_decay": 0.05, "initial_accumulator_value": 0.2, "eps": 1e-7},
    ),
}


class Training:
    """A network and its optimizer, with one group or with two whose options differ."""

    def __init__(self, name):
        self.kind, groups, options = OPTIMIZERS[name]
        torch.manual_seed(3)
        self.net = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 2))
        if groups == 1:
            parameters = self.net.parameters()
        else:
            parameters = [
                {"params": self.net[0].parameters()},
                {"params": self.net[2].parameters(), "lr": options["lr"] / 2, "weight_decay": 0.2},
            ]
        self.optimizer = self.kind(parameters, **options)

    def train(self, inputs):
        for batch in inputs:
            self.optimizer.zero_grad()
            self.net(batch).pow(2).sum().backward()
            self.optimizer.step()

    def state(self):
        return {"model": self.net.state_dict(), "optimizer": self.optimizer.state_dict()}

    def load(self, state):
        self.net.load_state_dict(state["model"])
        self.optimizer.load_state_dict(state["optimizer"])


class OptimizerTest(interop.InteropTest):
    def train_in_cpp(self, training, inputs):
        """What the program makes of the training's state."""
        start, end = self.directory / "start.pt", self.directory / "end.pt"
        torch.save({**training.state(), "inputs": list(inputs)}, start)
        self.run_program("train_steps", training.kind.__name__, start, end)
        return torch.load(end)

    def assert_close(self, ours, theirs):
        self.assert_close_tensors(ours["model"], theirs["model"])
        ours, theirs = ours["optimizer"], theirs["optimizer"]
        for mine, other in zip(ours["param_groups"], theirs["param_groups"], strict=True):
            self.assertEqual({key: mine[key] for key in other}, other)
        has_state = {key for key, held in theirs["state"].items() if any_value(held)}
        self.assertEqual(set(ours["state"]), has_state)
        for key in has_state:
            self.assert_close_tensors(ours["state"][key], theirs["state"][key])

    def assert_close_tensors(self, ours, theirs):
        self.assertEqual(list(ours), list(theirs))
        for key, value in theirs.items():
            self.assertIs(type(ours[key]), type(value), key)
            torch.testing.assert_close(ours[key], value, rtol=1e-5, atol=1e-7, msg=key)

    def test_cpp_goes_on_where_python_stopped(self):
        inputs = torch.randn(4, 5, 3)
        for name in OPTIMIZERS:
            with self.subTest(name):
                training = Training(name)
                training.train(inputs[:3])
                ours = self.train_in_cpp(training, inputs[3:])
                training.train(inputs[3:])
                self.assert_close(ours, training.state())

    def test_python_goes_on_where_cpp_stopped_and_cpp_again(self):
        inputs = torch.randn(7, 5, 3)
        for name in OPTIMIZERS:
            with self.subTest(name):
                training, reference = Training(name), Training(name)
                training.load(self.train_in_cpp(training, inputs[:3]))
                training.train(inputs[3:5])
                ours = self.train_in_cpp(training, inputs[5:])
                reference.train(inputs)
                self.assert_close(ours, reference.state())

    def test_parameters_have_names(self):
        training = Training("Adam with amsgrad")
        groups = self.train_in_cpp(training, torch.randn(1, 5, 3))["optimizer"]["param_groups"]
        self.assertEqual(
            [group["param_names"] for group in groups],
            [["0.weight", "0.bias"], ["2.weight", "2.bias"]],
        )

    def test_another_class_is_refused(self):
        training = Training("RMSprop")
        start = self.directory / "start.pt"
        torch.save({**training.state(), "inputs": []}, start)
        error = self.run_failing("train_steps", "Adam", start, self.directory / "end.pt")
        self.assertIn("not those of Adam (there is no 'betas'); it looks like RMSprop", error)


def any_value(state):
    """Whether there is anything in a parameter's state: SGD without momentum notes a None."""
    return any(value is not None for value in state.values())


if __name__ == "__main__":
    interop.main()
