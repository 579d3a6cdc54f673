"""Schedules with the same rates in both languages, to the bit: schedule_test.py PROGRAM"""

import math
import random
import warnings

import interop
import torch
from torch import nn
from torch.optim import lr_scheduler

STEPS = 240  # enough for rounding errors to add up
ONE_CYCLE = {
    "max_lr": 0.5,
    "total_steps": STEPS + 1,
    "pct_start": 0.3,
    "anneal_strategy": "cos",
    "cycle_momentum": True,
    "three_phase": False,
}
PLATEAU = {
    "mode": "min",
    "factor": 0.3,
    "patience": 2,
    "threshold": 1e-3,
    "threshold_mode": "rel",
    "cooldown": 3,
    "min_lr": 1e-7,
}
WARMUP = ("LinearLR", {"start_factor": 0.013, "end_factor": 1.0, "total_iters": 17})

# The class and the options.
SCHEDULES = {
    "step": ("StepLR", {"step_size": 7, "gamma": 0.83}),
    "milestones": ("MultiStepLR", {"milestones": [90, 3, 11, 11, 60], "gamma": 0.37}),
    "exponential": ("ExponentialLR", {"gamma": 0.9731}),
    "cosine, many times up and down": ("CosineAnnealingLR", {"T_max": 13, "eta_min": 1e-3}),
    "cosine, once": ("CosineAnnealingLR", {"T_max": STEPS, "eta_min": 0.0}),
    "linear up": ("LinearLR", {"start_factor": 0.2, "end_factor": 0.9, "total_iters": 31}),
    "linear down": ("LinearLR", {"start_factor": 1.0, "end_factor": 0.0, "total_iters": 200}),
    "constant": ("ConstantLR", {"factor": 1 / 3, "total_iters": 9}),
    "warm-up and cosine": (
        "SequentialLR",
        {
            "schedulers": [WARMUP, ("CosineAnnealingLR", {"T_max": STEPS - 17, "eta_min": 1e-5})],
            "milestones": [17],
        },
    ),
    "all in a row": (
        "SequentialLR",
        {
            "schedulers": [
                ("ConstantLR", {"factor": 0.7, "total_iters": 4}),
                ("ExponentialLR", {"gamma": 0.93}),
                ("MultiStepLR", {"milestones": [2, 5], "gamma": 0.71}),
                ("StepLR", {"step_size": 3, "gamma": 0.77}),
                WARMUP,
                ("CosineAnnealingLR", {"T_max": 29, "eta_min": 0.01}),
            ],
            "milestones": [9, 20, 20, 41, 90],
        },
    ),
    "one cycle": ("OneCycleLR", ONE_CYCLE),
    "one cycle, linear": ("OneCycleLR", {**ONE_CYCLE, "anneal_strategy": "linear"}),
    "one cycle in three phases": ("OneCycleLR", {**ONE_CYCLE, "three_phase": True}),
    "one cycle of the rate alone": ("OneCycleLR", {**ONE_CYCLE, "cycle_momentum": False}),
    "plateau": ("ReduceLROnPlateau", PLATEAU),
    "plateau, absolute": ("ReduceLROnPlateau", {**PLATEAU, "threshold_mode": "abs"}),
    "plateau of an accuracy": ("ReduceLROnPlateau", {**PLATEAU, "mode": "max", "cooldown": 0}),
}


def metrics_for(schedule):
    """What to step with: a noisy loss that stops falling, or nothing."""
    if schedule[0] != "ReduceLROnPlateau":
        return [None] * STEPS
    noise = random.Random(4)
    return [math.exp(-i / 20) + 0.05 * noise.random() for i in range(STEPS)]


def make_scheduler(optimizer, schedule):
    kind, options = schedule
    if kind == "SequentialLR":
        parts = [make_scheduler(optimizer, part) for part in options["schedulers"]]
        return lr_scheduler.SequentialLR(optimizer, parts, options["milestones"])
    return getattr(lr_scheduler, kind)(optimizer, **options)


class Training:
    def __init__(self, optimizer, schedule):
        net = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 1))
        groups = [
            {"params": net[0].parameters()},
            {"params": net[1].parameters(), "lr": 0.03},
        ]
        options = {"momentum": 0.9} if optimizer == "SGD" else {}
        self.optimizer = getattr(torch.optim, optimizer)(groups, lr=0.1, **options)
        self.scheduler = make_scheduler(self.optimizer, schedule)

    def rates(self):
        groups = self.optimizer.param_groups
        return [(g["lr"], g["momentum"] if "momentum" in g else g["betas"][0]) for g in groups]

    def run(self, metrics):
        """The rates at the start and after each step."""
        rates = [self.rates()]
        for metric in metrics:
            self.scheduler.step(*([] if metric is None else [metric]))
            rates.append(self.rates())
        return rates

    def state(self):
        return {
            "optimizer": self.optimizer.state_dict(),
            "scheduler": self.scheduler.state_dict(),
        }

    def load(self, state):
        self.optimizer.load_state_dict(state["optimizer"])
        self.scheduler.load_state_dict(state["scheduler"])


def comparable(state):
    """Without what releases after torch 1.13 have, and what they no longer have."""
    newer = ("param_names", "decoupled_weight_decay", "_anneal_func_type", "anneal_func")
    groups = state["optimizer"]["param_groups"]
    return {
        "scheduler": {k: v for k, v in state["scheduler"].items() if k not in newer},
        "groups": [{k: v for k, v in group.items() if k not in newer} for group in groups],
    }


class ScheduleTest(interop.InteropTest):
    def setUp(self):
        super().setUp()
        warnings.simplefilter("ignore")  # about schedulers that step without their optimizer

    def run_cpp(self, optimizer, schedule, metrics, state=None):
        path_in, path_out = self.directory / "in.pt", self.directory / "out.pt"
        given = {"optimizer": optimizer, "schedule": schedule, "metrics": metrics, "state": state}
        torch.save(given, path_in)
        self.run_program("run_schedule", path_in, path_out)
        return torch.load(path_out)

    def each(self):
        for name, schedule in SCHEDULES.items():
            for optimizer in ("SGD", "Adam"):
                with self.subTest(name, optimizer=optimizer):
                    yield optimizer, schedule, metrics_for(schedule)

    def assert_same_rates(self, ours, theirs):
        for i, (mine, other) in enumerate(zip(ours, theirs, strict=True)):
            self.assertEqual(repr(mine), repr(other), f"after {i} steps")

    def test_the_rates_are_the_same_to_the_bit(self):
        for optimizer, schedule, metrics in self.each():
            training = Training(optimizer, schedule)
            ours = self.run_cpp(optimizer, schedule, metrics)
            self.assert_same_rates(ours["rates"], training.run(metrics))
            ours, theirs = comparable(ours), comparable(training.state())
            self.assert_same(ours["scheduler"], theirs["scheduler"])
            self.assertEqual(ours["groups"], theirs["groups"])

    def test_cpp_goes_on_where_python_stopped_and_python_where_cpp_stopped(self):
        for optimizer, schedule, metrics in self.each():
            straight = Training(optimizer, schedule).run(metrics)
            first, second = 35, 90
            begun = Training(optimizer, schedule)
            begun.run(metrics[:first])
            ours = self.run_cpp(optimizer, schedule, metrics[first:second], begun.state())
            self.assert_same_rates(ours["rates"], straight[first : second + 1])
            ended = Training(optimizer, schedule)
            ended.load(ours)
            self.assert_same_rates(ended.run(metrics[second:]), straight[second:])

    def test_what_only_passes_through_stays_what_it_was(self):
        for optimizer, schedule, metrics in self.each():
            training = Training(optimizer, schedule)
            training.optimizer.param_groups[0].update(foreach=True, note="mine", lr_mult=2)
            training.run(metrics[:50])
            training.scheduler.mine = "kept"
            ours = self.run_cpp(optimizer, schedule, [], training.state())
            self.assert_same(comparable(ours), comparable(training.state()))

    def test_rates_of_another_moment_are_refused(self):
        schedule = SCHEDULES["exponential"]
        training = Training("SGD", schedule)
        training.run([None] * 5)
        state = training.state()
        state["optimizer"]["param_groups"][1]["lr"] = 0.5
        self.assert_refused(schedule, state, "learning rates are not those that ExponentialLR set")

    def test_another_schedule_is_refused(self):
        state = Training("SGD", SCHEDULES["step"]).state()
        self.assert_refused(SCHEDULES["exponential"], state, "not the state of a ExponentialLR")
        state = Training("SGD", SCHEDULES["one cycle"]).state()
        self.assert_refused(SCHEDULES["one cycle in three phases"], state, "of another cycle")

    def assert_refused(self, schedule, state, text):
        path_in = self.directory / "in.pt"
        given = {"optimizer": "SGD", "schedule": schedule, "metrics": [], "state": state}
        torch.save(given, path_in)
        error = self.run_failing("run_schedule", path_in, self.directory / "out.pt")
        self.assertIn(text, error)


if __name__ == "__main__":
    interop.main()
