"""Compares torchkeep with Python's torch: loading, saving and listing a VGG16 state dict.

Each round runs every contender once, each in a new process, one after the other, so that a change
of the machine's speed meets all of them; another one begins each time. The ratio of a round is
Python's time divided by torchkeep's; the table shows the median over the rounds. Python runs twice:
as it is, and with huge pages for its memory (GLIBC_TUNABLES), which takes away most of what a slow
first touch of memory costs it.
"""

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time

TUNED = {"GLIBC_TUNABLES": "glibc.malloc.hugetlb=1"}
STOCK = {"GLIBC_TUNABLES": ""}


def write_vgg16(path):
    import torch
    import torchvision

    model = torchvision.models.vgg16(weights=None, init_weights=False)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.uniform_(-1, 1)
    torch.save(model.state_dict(), path)


def measure(work, source, target):
    """One piece of work of Python's torch, timed without the start of the process."""
    import torch

    value = torch.load(source) if work.startswith("save") else None
    os.sync()
    faults = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    start = time.perf_counter()
    if work == "load":
        value = torch.load(source)
    else:
        torch.save(value, target)
        if work == "save/synced":
            with open(target, "rb") as file:
                os.fsync(file.fileno())
    seconds = time.perf_counter() - start
    faults = resource.getrusage(resource.RUSAGE_SELF).ru_minflt - faults
    if os.path.exists(target):
        os.remove(target)
    print(json.dumps({"seconds": seconds, "faults": faults}))


def run(command, environment):
    return subprocess.run(
        command, env={**os.environ, **environment}, stdout=subprocess.PIPE, check=True
    ).stdout


def python_work(work, environment):
    def once(files):
        output = run([sys.executable, __file__, "--measure", work, files.source, files.target],
                     environment)
        result = json.loads(output)
        return result["seconds"], result["faults"]
    return once


def torchkeep_work(program, name):
    def once(files):
        output = run(
            [program, f"--benchmark_filter=^{name}/real_time$", "--benchmark_min_time=0",
             "--benchmark_format=json"],
            {**STOCK, "TORCHKEEP_BENCH_FILE": files.source})
        result = json.loads(output)["benchmarks"][0]
        return result["real_time"] / 1000, result.get("minor_faults")
    return once


def whole_process(command, environment):
    def once(files):
        start = time.perf_counter()
        run([argument.replace("FILE", files.source) for argument in command], environment)
        return time.perf_counter() - start, None
    return once


LIST_WITH_TORCH = """
import torch
for name, tensor in torch.load("FILE").items(): print(name, tensor.dtype, tuple(tensor.shape))
"""
LIST_WITH_ZIPFILE = """
import zipfile
print(zipfile.ZipFile("FILE").namelist())
"""


def comparisons(bin_directory):
    """name of the comparison -> {name of the contender: what runs it once}; torchkeep's first."""
    bench = os.path.join(bin_directory, "torchkeep_bench")
    program = os.path.join(bin_directory, "torchkeep")

    def against_torch(work, ours):
        return {"torchkeep": torchkeep_work(bench, ours),
                "torch": python_work(work, STOCK),
                "torch, huge pages": python_work(work, TUNED)}

    result = {
        "load into memory, checksums verified": against_torch("load", "load/read"),
        "load by mapping, nothing read yet": against_torch("load", "load/map"),
        "save, not synced": against_torch("save/cached", "save/cached"),
        "save, synced to the disk": against_torch("save/synced", "save/synced"),
    }
    if os.path.exists(program):
        result["list the tensors, whole process"] = {
            "torchkeep": whole_process([program, "inspect", "FILE"], STOCK),
            "torch": whole_process([sys.executable, "-c", LIST_WITH_TORCH], STOCK),
            "torch, huge pages": whole_process([sys.executable, "-c", LIST_WITH_TORCH], TUNED),
            "bare zipfile": whole_process([sys.executable, "-c", LIST_WITH_ZIPFILE], STOCK),
        }
    return result


class Files:
    def __init__(self, directory):
        self.source = os.path.join(directory, "vgg16.pt")
        self.target = os.path.join(directory, "python.pt")


def report(name, rounds):
    print(f"\n{name}")
    ours = [seconds for seconds, _ in rounds["torchkeep"]]
    for contender, results in rounds.items():
        seconds = [result[0] for result in results]
        line = (f"  {contender:<18} median {1000 * statistics.median(seconds):9.2f} ms"
                f"  min {1000 * min(seconds):9.2f}  max {1000 * max(seconds):9.2f}")
        if results[0][1] is not None:
            line += f"  page faults {statistics.median(r[1] for r in results):9.0f}"
        if contender != "torchkeep":
            ratio = statistics.median(theirs / mine for theirs, mine in zip(seconds, ours))
            line += f"  ratio {ratio:7.1f}"
        print(line)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--bin", default="build/bin", help="directory of the programs")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--directory", help="where to write 1.1 GB meanwhile")
    parser.add_argument("--measure", nargs=3, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.measure:
        measure(*arguments.measure)
        return
    with tempfile.TemporaryDirectory(dir=arguments.directory) as directory:
        files = Files(directory)
        write_vgg16(files.source)
        print(f"VGG16 state dict, {os.path.getsize(files.source):,} bytes; "
              f"{arguments.rounds} rounds; {os.cpu_count()} processors; load average {os.getloadavg()[0]:.1f}")
        for name, contenders in comparisons(arguments.bin).items():
            rounds = {contender: [] for contender in contenders}
            order = list(contenders)
            for _ in range(arguments.rounds):
                for contender in order:
                    rounds[contender].append(contenders[contender](files))
                order.append(order.pop(0))
            report(name, rounds)
        print(f"\nload average at the end {os.getloadavg()[0]:.1f}")


if __name__ == "__main__":
    main()
