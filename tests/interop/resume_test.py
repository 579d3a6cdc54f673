"""A training in turns in Python and C++, with the code of docs/resume.md: resume_test.py PROGRAM"""

import pathlib
import re

import interop
import torch
from models_test import tiny_vgg

PAGE = pathlib.Path(__file__).parent.parent.parent / "docs" / "resume.md"
recipe = {}
exec(re.search(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL).group(1), recipe)


def data():
    torch.manual_seed(1)
    labels = torch.arange(48) % 3
    images = torch.randint(0, 120, (48, 1, 28, 28), dtype=torch.uint8)
    for i, label in enumerate(labels):
        images[i, :, 8 * label : 8 * label + 8] += 100
    return images, labels


def new_run(schedule):
    images, labels = data()
    torch.manual_seed(11)
    model = tiny_vgg(3)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
    scheduler = torch.optim.lr_scheduler.ExponentialLR(optimizer, 0.95) if schedule else None
    return recipe["Run"](
        model, optimizer, images, labels, seed=3, batch_size=10, scheduler=scheduler
    )


class ResumeTest(interop.InteropTest):
    def python_steps(self, run, steps):
        for _ in range(steps):
            run.train_step()
        return run.checkpoint("tiny_vgg", {"num_classes": 3})

    def cpp_steps(self, checkpoint, steps):
        files = [self.directory / name for name in ("start.pt", "data.pt", "run", "end.pt")]
        torch.save(checkpoint, files[0])
        images, labels = data()
        torch.save({"images": images, "labels": labels}, files[1])
        files[3].unlink(missing_ok=True)
        self.run_program("resume_training", *files[:3], steps, files[3])
        return torch.load(files[3])

    def assert_same_training(self, ours, theirs):
        for key in ("global_step", "sampler_state"):
            self.assertEqual(ours[key], theirs[key], key)
        self.assertTrue(torch.equal(ours["rng_state"], theirs["rng_state"]))
        for key in ("batches", "images", "correct"):
            self.assertEqual(ours["epoch_progress"][key], theirs["epoch_progress"][key], key)
        for name, tensor in theirs["model_state_dict"].items():
            torch.testing.assert_close(ours["model_state_dict"][name], tensor, msg=name)
        self.assertEqual(
            [group["lr"] for group in ours["optimizer_state_dict"]["param_groups"]],
            [group["lr"] for group in theirs["optimizer_state_dict"]["param_groups"]],
        )

    def test_python_and_cpp_take_turns(self):
        for schedule in (False, True):
            with self.subTest(schedule=schedule):
                straight = self.python_steps(new_run(schedule), 14)
                start = self.python_steps(new_run(schedule), 3)
                # Over the end of an epoch, which has 5 batches.
                middle = self.cpp_steps(start, 5)
                run = new_run(schedule)
                run.resume(middle)
                later = self.python_steps(run, 4)
                self.assert_same_training(self.cpp_steps(later, 2), straight)

    def test_a_checkpoint_after_the_last_batch_goes_on_with_the_next_epoch(self):
        straight = self.python_steps(new_run(False), 12)
        start = self.python_steps(new_run(False), 5)
        self.assertEqual(start["sampler_state"]["position"], 48)
        self.assert_same_training(self.cpp_steps(start, 7), straight)


if __name__ == "__main__":
    interop.main()
