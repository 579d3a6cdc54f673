"""Compares torchkeep with Python's torch on the same files.

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
from dataclasses import dataclass
from typing import Optional

TUNED = {"GLIBC_TUNABLES": "glibc.malloc.hugetlb=1"}
STOCK = {"GLIBC_TUNABLES": ""}


@dataclass
class Result:
    seconds: float
    faults: Optional[float] = None
    peak_mb: Optional[float] = None  # of the whole process


def vgg16():
    import torchvision

    return torchvision.models.vgg16(weights=None, init_weights=False)


def write_vgg16(path):
    import torch

    model = vgg16()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.uniform_(-1, 1)
    torch.save(model.state_dict(), path)


def write_tiny_tensors(path):
    import torch

    torch.save({f"layer.{i}.weight": torch.randn(16) for i in range(10_000)}, path)


def prepare_work(work, source, target):
    """What Python's torch is timed at, as a function without arguments."""
    import torch

    if work == "load":
        return lambda: torch.load(source)
    if work == "load into module":
        model = vgg16()
        return lambda: model.load_state_dict(torch.load(source))
    if work == "one tensor":
        return lambda: min(torch.load(source).values(), key=torch.Tensor.numel).clone()
    value = torch.load(source)

    def save():
        torch.save(value, target)
        if work == "save, synced":
            with open(target, "rb") as file:
                os.fsync(file.fileno())

    return save


def measure(work, source, target):
    """One piece of work of Python's torch, timed without the start of the process."""
    run_work = prepare_work(work, source, target)
    os.sync()
    faults = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    start = time.perf_counter()
    kept = run_work()  # freeing is not loading
    seconds = time.perf_counter() - start
    faults = resource.getrusage(resource.RUSAGE_SELF).ru_minflt - faults
    del kept
    if os.path.exists(target):
        os.remove(target)
    print(json.dumps({"seconds": seconds, "faults": faults}))


def run(command, environment):
    """What the command wrote, and the most memory it had, in MB."""
    process = subprocess.Popen(
        command, env={**os.environ, **environment}, stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL)
    output = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise subprocess.CalledProcessError(process.returncode, command)
    return output, usage.ru_maxrss / 1024


def python_work(work, environment):
    def once(source, target):
        output, peak_mb = run([sys.executable, __file__, "--measure", work, source, target],
                              environment)
        result = json.loads(output)
        return Result(result["seconds"], result["faults"], peak_mb)
    return once


def benchmark(program, name):
    def once(source, target):
        output, peak_mb = run(
            [program, f"--benchmark_filter=^{name}/real_time$", "--benchmark_min_time=0",
             "--benchmark_format=json"],
            {**STOCK, "TORCHKEEP_BENCH_FILE": source})
        result = json.loads(output)["benchmarks"][0]
        return Result(result["real_time"] / 1000, result.get("minor_faults"), peak_mb)
    return once


def whole_process(command, environment):
    def once(source, target):
        start = time.perf_counter()
        _, peak_mb = run([argument.replace("FILE", source).replace("TARGET", target)
                          for argument in command], environment)
        return Result(time.perf_counter() - start, None, peak_mb)
    return once


LIST_WITH_TORCH = """
import torch
for name, tensor in torch.load("FILE").items(): print(name, tensor.dtype, tuple(tensor.shape))
"""
LIST_WITH_ZIPFILE = """
import zipfile
print(zipfile.ZipFile("FILE").namelist())
"""
EXTRACT_WITH_TORCH = """
import torch
print(torch.load("FILE")["features.0.bias"])
"""


def comparisons(bin_directory):
    """(file, name of the comparison) -> {name of the contender: what runs it once}; ours first."""
    core = os.path.join(bin_directory, "torchkeep_bench")
    module = os.path.join(bin_directory, "torchkeep_module_bench")
    program = os.path.join(bin_directory, "torchkeep")

    def against_torch(work, ours):
        return {"torchkeep": ours, "torch": python_work(work, STOCK),
                "torch, huge pages": python_work(work, TUNED)}

    def process_against_torch(command, script):
        return {"torchkeep": whole_process(command, STOCK),
                "torch": whole_process([sys.executable, "-c", script], STOCK),
                "torch, huge pages": whole_process([sys.executable, "-c", script], TUNED)}

    result = {
        ("vgg16", "load by mapping, nothing read yet"): against_torch("load", benchmark(core, "load/map")),
        ("vgg16", "load by mapping, every byte read"): against_torch("load", benchmark(core, "load/map/touched")),
        ("vgg16", "load into memory, checksums verified"): against_torch("load", benchmark(core, "load/read")),
        ("vgg16", "load one small tensor"): against_torch("one tensor", benchmark(core, "load/one_tensor")),
        ("vgg16", "save, not synced"): against_torch("save", benchmark(core, "save/cached")),
        ("vgg16", "save, synced to the disk"): against_torch("save, synced", benchmark(core, "save/synced")),
        ("tiny", "load 10,000 tensors"): against_torch("load", benchmark(core, "load/map")),
        ("tiny", "save 10,000 tensors"): against_torch("save", benchmark(core, "save/cached")),
    }
    if os.path.exists(module):
        result["vgg16", "load into a module"] = against_torch(
            "load into module", benchmark(module, "module/map"))
        result["vgg16", "load into a module, checksums verified"] = against_torch(
            "load into module", benchmark(module, "module/map/verified"))
    if os.path.exists(program):
        listing = process_against_torch([program, "inspect", "FILE"], LIST_WITH_TORCH)
        listing["bare zipfile"] = whole_process([sys.executable, "-c", LIST_WITH_ZIPFILE], STOCK)
        result["vgg16", "list the tensors, whole process"] = listing
        result["vgg16", "extract one tensor, whole process"] = process_against_torch(
            [program, "extract", "FILE", "features.0.bias", "-o", "TARGET"], EXTRACT_WITH_TORCH)
    return result


def report(name, rounds):
    print(f"\n{name}")
    ours = [result.seconds for result in rounds["torchkeep"]]
    for contender, results in rounds.items():
        seconds = [result.seconds for result in results]
        line = (f"  {contender:<18} median {1000 * statistics.median(seconds):9.2f} ms"
                f"  min {1000 * min(seconds):9.2f}  max {1000 * max(seconds):9.2f}"
                f"  peak {statistics.median(r.peak_mb for r in results):6.0f} MB")
        if results[0].faults is not None:
            line += f"  page faults {statistics.median(r.faults for r in results):9.0f}"
        if contender != "torchkeep":
            ratio = statistics.median(theirs / mine for theirs, mine in zip(seconds, ours))
            line += f"  ratio {ratio:7.1f}"
        print(line, flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--bin", default="build/bin", help="directory of the programs")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", default="", help="comparisons whose name contains this")
    parser.add_argument("--directory", help="where to write 1.1 GB meanwhile")
    parser.add_argument("--measure", nargs=3, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.measure:
        measure(*arguments.measure)
        return
    with tempfile.TemporaryDirectory(dir=arguments.directory) as directory:
        files = {"vgg16": os.path.join(directory, "vgg16.pt"),
                 "tiny": os.path.join(directory, "tiny.pt")}
        write_vgg16(files["vgg16"])
        write_tiny_tensors(files["tiny"])
        print(f"VGG16 state dict, {os.path.getsize(files['vgg16']):,} bytes; "
              f"{arguments.rounds} rounds; {os.cpu_count()} processors; "
              f"load average {os.getloadavg()[0]:.1f}")
        for (file, name), contenders in comparisons(arguments.bin).items():
            if arguments.only not in name:
                continue
            rounds = {contender: [] for contender in contenders}
            order = list(contenders)
            for _ in range(arguments.rounds):
                for contender in order:
                    rounds[contender].append(
                        contenders[contender](files[file], os.path.join(directory, "saved.pt")))
                order.append(order.pop(0))
            report(name, rounds)
        print(f"\nload average at the end {os.getloadavg()[0]:.1f}")


if __name__ == "__main__":
    main()
