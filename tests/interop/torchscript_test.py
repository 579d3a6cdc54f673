"""Archives of TorchScript: their tensors and names, without anything of them being run."""

import json

from files_test import small_model
from interop import SHARED_DATA, InteropTest, main, torch
from legacy_test import hashes_of


class Shared(torch.nn.Module):
    """Has shared parameters, a buffer, views, and attributes that are no tensors."""

    def __init__(self):
        super().__init__()
        self.first = torch.nn.Linear(3, 3)
        self.second = torch.nn.Linear(3, 3)
        self.second.weight = self.first.weight
        self.register_buffer("counts", torch.arange(6).view(2, 3).t())
        self.scale = 2.5

    def forward(self, x):
        return self.second(self.first(x)) * self.scale + self.counts.sum()


class TorchScriptTest(InteropTest):
    def tensors_in(self, path):
        summary = json.loads(self.run_program("inspect", path, "--json", "--hash"))
        self.assertEqual(summary["format"], "torchscript")
        return {t["name"]: (t["dtype"], t["shape"], t["sha256"]) for t in summary["tensors"]}

    def test_scripted_and_traced_modules(self):
        for model, shape in ((small_model().eval(), (2, 1, 4, 4)), (Shared(), (2, 3))):
            for make in (torch.jit.script, lambda m: torch.jit.trace(m, torch.ones(shape))):
                path = self.directory / "m.pt"
                make(model).save(str(path))
                self.assertEqual(self.tensors_in(path), hashes_of(model.state_dict()))

    def test_a_real_file(self):
        path = SHARED_DATA / "formats" / "silero_vad.jit"
        if not path.exists():
            self.skipTest(f"{path} is absent")
        # TorchScript's own reader, of which the file is trusted.
        expected = hashes_of(torch.jit.load(str(path), map_location="cpu").state_dict())
        found = self.tensors_in(path)
        self.assertEqual({name: found.get(name) for name in expected}, expected)


if __name__ == "__main__":
    main()
