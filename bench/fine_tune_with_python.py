"""Trains the head of a frozen classifier with torchkeep and with the usual Python recipe.

    /usr/bin/python3 bench/fine_tune_with_python.py FOLDER [--models resnet18,mobilenet_v2,vgg16]

FOLDER has a folder of images for each class. Both sides see the same images at the same size in
batches of the same size, on the same threads; parameters are random, which costs the same time as
trained ones. Each round runs every contender once, in a new process, another one first each time;
the table shows the medians over the rounds of the first epoch and of the mean of the later ones.

The recipe: torchvision's model, requires_grad = False in a loop, model.train(), a new head, Adam
for its parameters, ImageFolder and DataLoader. It runs as it is, and with huge pages for its memory
(GLIBC_TUNABLES), which takes away most of what a slow first touch of memory costs it. torchkeep
runs with its memory and each kind of kernels (see docs/transfer.md), and with cached features.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys

TUNED = {"GLIBC_TUNABLES": "glibc.malloc.hugetlb=1"}
STOCK = {"GLIBC_TUNABLES": ""}
MODES = ["exact", "compiled", "bfloat16", "cached"]


def train_with_python(model_name, folder, size, batch_size, epochs):
    import resource
    import time

    import torch
    import torchvision
    from torchvision import transforms

    torch.manual_seed(0)
    torch.set_num_threads(len(os.sched_getaffinity(0)))
    transform = transforms.Compose([
        transforms.Resize(size + size // 7), transforms.CenterCrop(size), transforms.ToTensor(),
        transforms.Normalize([0.485, 0.456, 0.406], [0.229, 0.224, 0.225])])
    data = torchvision.datasets.ImageFolder(folder, transform)
    loader = torch.utils.data.DataLoader(data, batch_size=batch_size, shuffle=True, num_workers=2)
    model = getattr(torchvision.models, model_name)(weights=None)
    for parameter in model.parameters():
        parameter.requires_grad = False
    if hasattr(model, "fc"):
        model.fc = torch.nn.Linear(model.fc.in_features, len(data.classes))
        head = model.fc
    else:
        model.classifier[-1] = torch.nn.Linear(model.classifier[-1].in_features, len(data.classes))
        head = model.classifier[-1]
    optimizer = torch.optim.Adam(head.parameters())
    seconds, faults = [], []
    for _ in range(epochs):
        start = time.perf_counter()
        before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
        model.train()
        for images, labels in loader:
            optimizer.zero_grad()
            loss = torch.nn.functional.cross_entropy(model(images), labels)
            loss.backward()
            optimizer.step()
        seconds.append(time.perf_counter() - start)
        after = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
        faults.append((after - before) / len(loader))
    print(json.dumps({"seconds": seconds, "faults_per_step": faults}))


def run(command, environment):
    output = subprocess.run(command, env={**os.environ, **environment}, check=True,
                            stdout=subprocess.PIPE).stdout
    return json.loads(output.decode().splitlines()[-1])


def contenders(arguments, model):
    """Name -> what runs it once. A mode of the program includes all it does before training."""
    settings = [model, arguments.folder, str(arguments.size), str(arguments.batch_size),
                str(arguments.epochs)]
    program = os.path.join(arguments.bin, "torchkeep_fine_tune_bench")
    python = [sys.executable, __file__, "--train", *settings]
    result = {f"torchkeep, {mode}": lambda mode=mode: run([program, *settings, mode], STOCK)
              for mode in MODES}
    result["torch"] = lambda: run(python, STOCK)
    result["torch, huge pages"] = lambda: run(python, TUNED)
    return result


def report(model, results):
    print(f"\n{model}")
    theirs = {name: results[name] for name in ("torch", "torch, huge pages")}
    for name, rounds in results.items():
        first = [each["seconds"][0] for each in rounds]
        later = [statistics.mean(each["seconds"][1:]) for each in rounds]
        faults = statistics.median(each["faults_per_step"][-1] for each in rounds)
        line = (f"  {name:<21} first epoch {statistics.median(first):8.2f} s  later"
                f" {statistics.median(later):8.3f} s (min {min(later):.3f}, max {max(later):.3f})"
                f"  page faults a step {faults:8.0f}")
        if name not in theirs:
            for other, other_rounds in theirs.items():
                ratio = statistics.median(
                    statistics.mean(a["seconds"][1:]) / b
                    for a, b in zip(other_rounds, later))
                line += f"  {ratio:.1f}x {other}"
        print(line, flush=True)


def main():
    if sys.argv[1:2] == ["--train"]:
        model, folder, size, batch_size, epochs = sys.argv[2:]
        train_with_python(model, folder, int(size), int(batch_size), int(epochs))
        return
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder")
    parser.add_argument("--bin", default="build/bin")
    parser.add_argument("--models", default="resnet18,mobilenet_v2")
    parser.add_argument("--size", type=int, default=224)
    parser.add_argument("--batch-size", type=int, default=16)
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    if arguments.epochs < 2:
        parser.error("--epochs is at least 2: the first is shown apart")
    print(f"load average {os.getloadavg()[0]:.1f}; {arguments.rounds} rounds of"
          f" {arguments.epochs} epochs, {arguments.size}x{arguments.size}, batches of"
          f" {arguments.batch_size}")
    for model in arguments.models.split(","):
        runners = contenders(arguments, model)
        results = {name: [] for name in runners}
        for round_number in range(arguments.rounds):
            names = list(runners)
            names = names[round_number % len(names):] + names[:round_number % len(names)]
            for name in names:
                results[name].append(runners[name]())
        report(model, results)


if __name__ == "__main__":
    main()
