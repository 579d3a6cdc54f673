"""Writes a corpus of files of torch.save, and what is in them as Python sees it.

    make_corpus.py DIRECTORY    writes NAME.pt for every case, and expected.json

Expectations are computed from the objects before they are saved, never from the files. Types and
calls that this torch does not have yet are written as newer ones write them.
"""

import itertools
import json
import pathlib
import sys
import warnings

import torch

from corpus_expectation import entries, entry, raw_bytes
from corpus_values import OF_LEGACY, OF_PROTOCOL_0, OF_PROTOCOLS, ROOTS, VALUES

warnings.filterwarnings("ignore")


class Scripted(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = torch.nn.Conv2d(1, 2, 3)
        self.layers = torch.nn.Sequential(torch.nn.Linear(2, 3), torch.nn.BatchNorm1d(3))
        self.register_buffer("scale", torch.tensor([2.0]))

    def forward(self, x):
        return self.layers(self.conv(x).mean((2, 3))) * self.scale


def cases():
    """(file name, value, options of torch.save, whether we write the same pickle)"""
    for name, make in itertools.chain(VALUES.items(), ROOTS.items()):
        yield f"{name}.pt", make(), {}, True
    for name in OF_PROTOCOLS:
        # Protocol 0 has no form for a storage; protocol 1 makes a named tuple from a call.
        for protocol in (3, 4, 5) if name == "containers" else (1, 3, 4, 5):
            yield f"{name}-protocol{protocol}.pt", VALUES[name](), {"pickle_protocol": protocol}, False
    for name in OF_PROTOCOL_0:
        yield f"{name}-protocol0.pt", ROOTS[name](), {"pickle_protocol": 0}, False


def legacy_cases():
    """The same for files of before PyTorch 1.6."""
    makers = {**VALUES, **ROOTS}
    for name in OF_LEGACY:
        yield f"{name}.legacy.pt", makers[name](), {"_use_new_zipfile_serialization": False}, False


def write(directory, which):
    """Writes the files of these cases; returns what is expected of each."""
    expected = {}
    for name, value, options, is_canonical in which:
        try:
            torch.save(value, directory / name, **options)
        except Exception as error:  # this torch, or this protocol, has no form for it
            expected[name] = {"skipped": str(error)}
            (directory / name).unlink(missing_ok=True)
            continue
        expected[name] = {"tensors": list(entries(value)), "canonical": is_canonical}
    return expected


def write_torchscript(directory):
    torch.manual_seed(0)
    module = Scripted()
    torch.jit.script(module).save(str(directory / "scripted.pt"))
    tensors = [entry(name, t.dtype, t.shape, raw_bytes(t)) for name, t in module.state_dict().items()]
    return {"scripted.pt": {"tensors": tensors, "canonical": False}}


def main():
    directory = pathlib.Path(sys.argv[1])
    directory.mkdir(parents=True, exist_ok=True)
    expected = {
        **write(directory, cases()),
        **write(directory, legacy_cases()),
        **write_torchscript(directory),
    }
    (directory / "expected.json").write_text(json.dumps(expected, indent=1))
    print(f"{len(expected)} files in {directory}")


if __name__ == "__main__":
    main()
