"""How long a checkpoint of a ResNet-50 with Adam keeps a training waiting: torchkeep and Python's torch.save.

Each round runs every contender once, in a new process, another one first each time; the table shows the median
over the rounds. bench/README.md tells how to read it.
"""

import argparse
import collections
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time

TENSORS = 161
LARGE, SMALL = 478_000, 1_000  # elements, as in checkpoint_bench.cpp


def state():
    import torch

    def parameters():
        return collections.OrderedDict(
            (f"layer.{i}", torch.rand(LARGE if i % 3 == 0 else SMALL)) for i in range(TENSORS)
        )

    return {
        "epoch": 0,
        "model_state_dict": parameters(),
        "optimizer_state_dict": {"exp_avg": parameters(), "exp_avg_sq": parameters()},
    }


def save_with_python(synced):
    """Milliseconds of one save after a first one that is not counted."""
    import torch

    checkpoint = state()
    with tempfile.TemporaryDirectory() as directory:
        for number in range(2):
            os.sync()
            begin = time.perf_counter()
            with open(os.path.join(directory, f"{number}.pt"), "wb") as file:
                torch.save(checkpoint, file)
                if synced:
                    file.flush()
                    os.fsync(file.fileno())
            milliseconds = 1000 * (time.perf_counter() - begin)
    return milliseconds


def python(how):
    output = subprocess.run(
        [sys.executable, __file__, "--measure", how], check=True, capture_output=True, text=True
    ).stdout
    return float(output)


def torchkeep(program, name):
    output = subprocess.run(
        [program, f"--benchmark_filter=^resnet50_adam/{name}$", "--benchmark_format=json",
         "--benchmark_min_time=0.01"],
        check=True, capture_output=True, text=True,
    ).stdout
    return json.loads(output)["benchmarks"][0]["real_time"]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bin", default="build/bin", help="the directory of the built benchmarks")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--measure", choices=["cached", "synced"], help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.measure:
        print(save_with_python(arguments.measure == "synced"))
        return
    program = os.path.join(arguments.bin, "torchkeep_checkpoint_bench")
    contenders = {
        "torchkeep, in the background": lambda: torchkeep(program, "background"),
        "torchkeep, blocking": lambda: torchkeep(program, "blocking"),
        "torch.save": lambda: python("cached"),
        "torch.save and fsync": lambda: python("synced"),
    }
    times = {name: [] for name in contenders}
    order = list(contenders)
    for _ in range(arguments.rounds):
        for name in order:
            times[name].append(contenders[name]())
        order.append(order.pop(0))
    base = statistics.median(times["torchkeep, in the background"])
    print(f"{'stall of one save':<32}{'median ms':>12}{'max ms':>12}{'ratio':>10}")
    for name, values in times.items():
        median = statistics.median(values)
        print(f"{name:<32}{median:>12.1f}{max(values):>12.1f}{median / base:>10.1f}")


if __name__ == "__main__":
    main()
