"""Runs the command lines that the documents show, on files that Python wrote."""

import pathlib
import re
import shutil
import subprocess

from interop import InteropTest, main, torch

ROOT = pathlib.Path(__file__).resolve().parents[2]
DOCUMENTS = ["README.md", "README.ko.md", "docs/commands.md", "docs/integrity.md"]
COMMANDS = "inspect verify scan repair diff convert extract average".split()  # need no LibTorch
NEGATIVE = ("diff", "repair", "scan", "verify")  # may answer no


def command_lines(document):
    """Of its shell blocks, those that can be run."""
    blocks = re.findall(r"^```sh\n(.*?)^```", (ROOT / document).read_text(), re.M | re.S)
    for line in "".join(blocks).splitlines():
        line = re.sub(r"\s{2,}#.*| # .*", "", line).strip()
        words = line.split()
        if len(words) > 1 and words[0] == "torchkeep" and words[1] in COMMANDS:
            # The first needs LibTorch, the second the directory of a training.
            if "--arch" not in words and "--best" not in words:
                yield line


class DocumentsTest(InteropTest):
    def setUp(self):
        super().setUp()
        torch.manual_seed(0)
        self.files = self.directory / "files"
        (self.files / "runs/a").mkdir(parents=True)
        (self.files / "models").mkdir()
        (self.files / "run").mkdir()
        (self.directory / "bin").mkdir()
        (self.directory / "bin/torchkeep").symlink_to(self.programs[0])
        state = {"features.0.weight": torch.randn(4, 3), "fc.weight": torch.randn(2, 4)}
        checkpoint = {"epoch": 3, "loss": 0.5, "model_state_dict": state}
        wrapped = {"state_dict": {f"module.{name}": tensor for name, tensor in state.items()}}
        half = {name: tensor.half() for name, tensor in state.items()}
        self.write(state, "model a b before after download models/m last best run/1 run/2")
        self.write(checkpoint, "checkpoint")
        self.write(state, "runs/a/epoch_1 runs/a/epoch_2")
        self.write(half, "half")
        torch.save(torch.nn.Sequential(torch.nn.Linear(2, 2)), self.files / "whole_model.pt")
        for name in ("old.pth", "a.ckpt", "b.ckpt"):
            torch.save(wrapped, self.files / name)
        self.run_program("convert", self.files / "model.pt", self.files / "model.safetensors")
        whole = (self.files / "model.pt").read_bytes()
        (self.files / "broken.pt").write_bytes(whole[: len(whole) * 2 // 3])

    def write(self, value, names):
        for name in names.split():
            torch.save(value, self.files / f"{name}.pt")

    def test_every_command_line_works(self):
        for document in DOCUMENTS:
            lines = list(command_lines(document))
            self.assertGreater(len(lines), 3, document)
            for line in lines:
                if "| jq" in line and not shutil.which("jq"):
                    continue
                with self.subTest(document, line=line):
                    self.run_line(line)

    def run_line(self, line):
        here = self.directory / "here"
        shutil.copytree(self.files, here)
        try:
            done = subprocess.run(
                ["bash", "-o", "pipefail", "-c", line],
                cwd=here,
                env={"PATH": f"{self.directory / 'bin'}:/usr/bin:/bin"},
                capture_output=True,
                text=True,
                timeout=60,
            )
        finally:
            shutil.rmtree(here)
        allowed = (0, 1) if line.split()[1] in NEGATIVE else (0,)
        self.assertIn(done.returncode, allowed, done.stdout + done.stderr)


if __name__ == "__main__":
    main()
