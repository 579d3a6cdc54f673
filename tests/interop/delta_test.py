"""Python opens deltas and averages of weights that trainings of torchkeep have written."""

import gzip
import hashlib
import json
import pathlib
import struct

from interop import InteropTest, main, torch

DOCUMENT = pathlib.Path(__file__).parents[2] / "docs" / "format" / "delta.md"


def recipe():
    """The Python code of the document that puts a delta together."""
    text = DOCUMENT.read_text()
    code = text[text.index("```python\nimport os, torch\n") + len("```python\n") :].split("```")[0]
    # PyTorch 1.13 takes floats for unsafe.
    return code.replace(", weights_only=True", "") if torch.__version__ < "2" else code


class Model:
    """Takes a state dict, as a module would."""

    def load_state_dict(self, state_dict):
        self.state_dict = state_dict


class Deltas(InteropTest):
    def setUp(self):
        super().setUp()
        self.data = self.directory / "data"
        self.data.mkdir()
        generator = torch.Generator().manual_seed(3)
        for prefix, count in (("train", 80), ("t10k", 20)):
            images = torch.randint(0, 256, (count, 28, 28), generator=generator, dtype=torch.uint8)
            labels = (torch.arange(count) % 4).to(torch.uint8)
            (self.data / f"{prefix}-images-idx3-ubyte.gz").write_bytes(
                gzip.compress(struct.pack(">4i", 2051, count, 28, 28) + images.numpy().tobytes())
            )
            (self.data / f"{prefix}-labels-idx1-ubyte.gz").write_bytes(
                gzip.compress(struct.pack(">2i", 2049, count) + labels.numpy().tobytes())
            )
        self.train("first", "--classes", "0-1")
        self.base = self.run_program("best", self.directory / "first").strip()
        self.train("second", "--classes", "2-3", "--from", self.base, "--freeze", "features.*",
                   "--delta", "--ema", "0.5")  # fmt: skip
        listing = json.loads(self.run_program("list", self.directory / "second", "--json"))
        self.path = listing["last"]

    def train(self, output, *more):
        self.run_program("train", "--data", f"idx:{self.data}", "--epochs", 2, "--threads", 1,
                         "--optimizer", "sgd", "--output", self.directory / output, *more)  # fmt: skip

    def whole(self):
        path = self.directory / "whole.pt"
        self.run_program("materialize", self.path, path)
        return torch.load(path)

    def test_a_delta_is_a_plain_dict_without_what_is_frozen(self):
        delta = torch.load(self.path)
        names = delta["torchkeep_delta"]["state_dicts"]["model_state_dict"]["names"]
        stored = list(delta["model_state_dict"])
        self.assertTrue(stored)
        self.assertFalse([name for name in stored if name.startswith("features.")])
        self.assertEqual(names, list(self.whole()["model_state_dict"]))
        self.assertEqual(delta["epoch"], 1)

    def test_the_recipe_of_the_document_puts_it_together(self):
        model = Model()
        exec(recipe(), {"path": self.path, "model": model})
        whole = self.whole()["model_state_dict"]
        self.assertEqual(list(model.state_dict), list(whole))
        for name, tensor in whole.items():
            self.assertTrue(torch.equal(model.state_dict[name], tensor), name)

    def test_the_average_has_the_names_of_the_model(self):
        whole = self.whole()
        average, model = whole["ema_state_dict"], whole["model_state_dict"]
        self.assertEqual(list(average), list(model))
        for name, tensor in average.items():
            self.assertEqual(torch.equal(tensor, model[name]), name.startswith("features."), name)

    def test_the_base_is_named_by_the_sha256_of_the_file(self):
        note = torch.load(self.path)["torchkeep_delta"]["base"]
        content = pathlib.Path(self.base).read_bytes()
        self.assertEqual(note["sha256"], hashlib.sha256(content).hexdigest())
        self.assertEqual(note["bytes"], len(content))
        self.assertEqual((self.directory / "second" / note["path"]).resolve(),
                         pathlib.Path(self.base).resolve())  # fmt: skip


if __name__ == "__main__":
    main()
