"""Images from files to batches: torchkeep against PIL, torchvision and its DataLoader.

compare_images.py FOLDER [--bin build/bin] [--rounds 3]: the folder has one for each class. Contenders take turns in each round.
"""

import argparse
import json
import statistics
import subprocess
import time

import torch
import torchvision
from torchvision import transforms
from torchvision.datasets.folder import default_loader

CUT = [transforms.Resize(256), transforms.CenterCrop(224)]
NORMALISE = [
    transforms.ToTensor(),
    transforms.Normalize([0.485, 0.456, 0.406], [0.229, 0.224, 0.225]),
]
AUGMENT = [
    transforms.RandomResizedCrop(224),
    transforms.RandomHorizontalFlip(),
    transforms.ColorJitter(0.4, 0.4, 0.4, 0.1),
]


def decode(folder):
    files = [file for file, _ in torchvision.datasets.ImageFolder(folder).samples]
    return len(files), lambda: [default_loader(file) for file in files]


def resize_and_crop(folder):
    images = [default_loader(file) for file, _ in torchvision.datasets.ImageFolder(folder).samples]
    cut = transforms.Compose(CUT)
    return len(images), lambda: [cut(image) for image in images]


def epoch(folder, workers, steps):
    dataset = torchvision.datasets.ImageFolder(folder, transforms.Compose(steps + NORMALISE))
    loader = torch.utils.data.DataLoader(
        dataset, batch_size=32, num_workers=workers, persistent_workers=workers > 0)
    for _ in loader:  # the workers start
        pass
    return len(dataset), lambda: [None for _ in loader]


CONTENDERS = {
    "decode": decode,
    "resize_and_crop": resize_and_crop,
    "epoch/workers:1": lambda folder: epoch(folder, 1, CUT),
    "epoch/workers:2": lambda folder: epoch(folder, 2, CUT),
    "epoch/workers:2/augmented": lambda folder: epoch(folder, 2, AUGMENT),
}


def ours(program, folder, name):
    """Milliseconds an image."""
    done = subprocess.run(
        [program, folder, f"--benchmark_filter=^{name}/real_time$", "--benchmark_format=json"],
        check=True, capture_output=True, text=True)
    return 1000 / json.loads(done.stdout)["benchmarks"][0]["items_per_second"]


def theirs(contender, folder):
    count, work = contender(folder)
    start = time.perf_counter()
    work()
    return 1000 * (time.perf_counter() - start) / count


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder")
    parser.add_argument("--bin", default="build/bin", help="directory of the programs")
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    program = f"{arguments.bin}/torchkeep_image_bench"
    for name, contender in CONTENDERS.items():
        rounds = [(ours(program, arguments.folder, name), theirs(contender, arguments.folder))
                  for _ in range(arguments.rounds)]
        mine = statistics.median(mine for mine, _ in rounds)
        python = statistics.median(python for _, python in rounds)
        ratio = statistics.median(python / mine for mine, python in rounds)
        print(f"{name:<26} torchkeep {mine:6.2f} ms  Python {python:6.2f} ms  ratio {ratio:5.2f}",
              flush=True)


if __name__ == "__main__":
    main()
