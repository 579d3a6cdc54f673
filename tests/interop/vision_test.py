"""Images as PIL and torchvision see them: decoding, resizing, cutting, folders."""

import json
import warnings

from interop import SHARED_DATA, InteropTest, main
from zoo_test import CifarResNet

import numpy
import torch
import torchvision
from PIL import Image, ImageOps
from torchvision import transforms
from torchvision.transforms import autoaugment, functional
from torchvision.transforms.functional import InterpolationMode

IMAGENET = ([0.485, 0.456, 0.406], [0.229, 0.224, 0.225])


def photos(count):
    """Some photos of each folder, of many sizes."""
    files = sorted((SHARED_DATA / "images" / "cats_dogs").glob("*/*/*.jpg"))
    return files[:: max(1, len(files) // count)]


def pil_pixels(file, mode="RGB", turn=False):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with Image.open(file) as image:
            if turn:
                image = ImageOps.exif_transpose(image)
            pixels = numpy.array(image.convert(mode))
    return torch.from_numpy(pixels.reshape(*pixels.shape[:2], -1))


class Vision(InteropTest):
    def compute(self, command, *arguments, files):
        """What the program says of each file: tensors, or the text of an error."""
        out = self.directory / "out.pt"
        self.run_program(command, out, *arguments, *files)
        results = torch.load(out)
        return [results[str(file)] for file in files]

    def assert_decoded(self, files, mode="RGB", orientation="as_stored"):
        """To the bit, and an error wherever PIL has one. Returns how many were decoded."""
        decoded = 0
        channels = {"RGB": 3, "L": 1}[mode]
        results = self.compute("vision_decode", channels, orientation, files=files)
        for file, result in zip(files, results):
            try:
                expected = pil_pixels(file, mode, orientation == "from_exif")
            except Exception:
                self.assertIsInstance(result, str, f"{file}: PIL cannot decode it")
                self.assertIn(str(file), result)
                continue
            self.assertIsInstance(result, torch.Tensor, f"{file}: {result}")
            self.assert_same_tensor(result, expected, str(file))
            decoded += 1
        return decoded

    def require(self, directory):
        if not directory.exists():
            self.skipTest(f"{directory} is not on this machine")

    def test_files_that_trip_decoders(self):
        directory = SHARED_DATA / "images" / "decoder"
        self.require(directory)
        files = sorted(file for file in directory.iterdir())
        self.assertEqual(self.assert_decoded(files), 36)
        self.assertEqual(self.assert_decoded(files, mode="L"), 36)
        # One says in XMP how it was held, which only PIL reads.
        files = [file for file in files if file.name != "xmp_tags_orientation.png"]
        self.assert_decoded(files, orientation="from_exif")

    def test_photos(self):
        self.require(SHARED_DATA / "images" / "cats_dogs")
        files = photos(60)
        self.assertGreaterEqual(self.assert_decoded(files), 60)
        self.assert_decoded(files[::6], mode="L")

    def test_every_kind_that_pil_writes(self):
        generator = numpy.random.default_rng(1)
        colours = generator.integers(0, 256, (37, 23, 4), dtype=numpy.uint8)
        image = Image.fromarray(colours, "RGBA")
        files = []

        def save(name, image, **options):
            files.append(self.directory / name)
            image.save(files[-1], **options)

        for mode in ("1", "L", "LA", "P", "RGB", "RGBA"):
            converted = image.convert("RGB").convert("L" if mode == "LA" else mode)
            save(f"{mode}.png", image.convert(mode) if mode == "LA" else converted)
        wide = generator.integers(0, 1000, (20, 30)).astype(numpy.uint16)
        save("I16.png", Image.fromarray(wide))
        for bits in (1, 2, 4):
            save(f"P{bits}.png", image.convert("RGB").quantize(2**bits), bits=bits)
            save(f"P{bits}t.png", image.convert("RGB").quantize(2**bits), bits=bits, transparency=0)
        for mode in ("L", "RGB", "CMYK"):
            for quality in (30, 95):
                save(f"{mode}{quality}.jpg", image.convert(mode), quality=quality)
            save(f"{mode}p.jpg", image.convert(mode), progressive=True)
        for subsampling in (0, 1, 2):
            save(f"s{subsampling}.jpg", image.convert("RGB"), subsampling=subsampling)
        save("lossy.webp", image.convert("RGB"))
        save("lossless.webp", image.convert("RGB"), lossless=True)
        save("alpha.webp", image, lossless=True, exact=True)
        self.assertEqual(self.assert_decoded(files), len(files))
        self.assert_decoded(files, mode="L")

    def test_preset_of_torchvision(self):
        """Resized and cut to the bit, normalised in the same float32."""
        self.require(SHARED_DATA / "images" / "cats_dogs")
        files = photos(40) + [self.odd_image(size) for size in ((5, 300), (301, 7), (224, 224))]
        presets = ((256, 224, "bilinear"), (232, 224, "bicubic"), (64, 96, "bilinear"),
                   (225, 224, "bicubic"), (600, 600, "bicubic"), (31, 28, "bilinear"))
        for resize, crop, interpolation in presets:
            mode = getattr(InterpolationMode, interpolation.upper())
            cut = transforms.Compose([transforms.Resize(resize, mode), transforms.CenterCrop(crop)])
            normalised = transforms.Compose(
                [transforms.ToTensor(), transforms.Normalize(*IMAGENET)])
            chosen = files if crop < 300 else files[::8]
            results = self.compute("vision_preprocess", resize, crop, interpolation, files=chosen)
            for file, (pixels, tensor) in zip(chosen, results):
                with Image.open(file) as image:
                    expected = cut(image.convert("RGB"))
                self.assert_same_tensor(pixels, torch.from_numpy(numpy.array(expected)), str(file))
                self.assert_same_tensor(tensor, normalised(expected), str(file))

    def test_colours(self):
        """As ColorJitter changes them, to the bit."""
        self.require(SHARED_DATA / "images" / "cats_dogs")
        files = photos(6) + [self.odd_image((40, 60))]
        changes = {
            "brightness": (functional.adjust_brightness, (0.0, 0.37, 1.0, 1.9)),
            "contrast": (functional.adjust_contrast, (0.0, 0.61, 1.3, 4.0)),
            "saturation": (functional.adjust_saturation, (0.0, 0.5, 1.7)),
            "hue": (functional.adjust_hue, (-0.5, -0.1, 0.0, 0.07, 0.31)),
        }
        for name, (change, factors) in changes.items():
            for factor in factors:
                for file, result in zip(files, self.compute("vision_colour", name, factor, files=files)):
                    with Image.open(file) as image:
                        expected = numpy.array(change(image.convert("RGB"), factor))
                    self.assert_same_tensor(
                        result, torch.from_numpy(expected), f"{name} {factor} {file}")

    def test_operations_of_rand_augment(self):
        """Each as torchvision applies it, to the bit."""
        self.require(SHARED_DATA / "images" / "cats_dogs")
        files = photos(3) + [self.odd_image((40, 60)), self.odd_image((2, 3))]
        operations = (
            ("Identity", (0,)), ("ShearX", (-0.3, 0.09)), ("ShearY", (-0.3, 0.2)),
            ("TranslateX", (-40.7, 33.3)), ("TranslateY", (-40.7, 33.3)), ("Rotate", (-30, 17.3)),
            ("Brightness", (-0.9, 0.27)), ("Color", (-0.9, 0.27)), ("Contrast", (-0.9, 0.27)),
            ("Sharpness", (-0.9, 0.27)), ("Posterize", (8, 6, 4)), ("Solarize", (255, 178.5, 0)),
            ("AutoContrast", (0,)), ("Equalize", (0,)),
        )
        for number, (name, magnitudes) in enumerate(operations):
            for magnitude in magnitudes:
                results = self.compute("vision_operation", number, magnitude, files=files)
                for file, result in zip(files, results):
                    with Image.open(file) as image:
                        expected = numpy.array(autoaugment._apply_op(
                            image.convert("RGB"), name, magnitude, InterpolationMode.NEAREST, None))
                    self.assert_same_tensor(
                        result, torch.from_numpy(expected), f"{name} {magnitude} {file}")

    def test_accuracy_of_published_weights(self):
        """What a CIFAR-10 ResNet takes each of 2,000 images for."""
        weights = SHARED_DATA / "weights" / "resnet20-12fca82f.th"
        directory = SHARED_DATA / "images" / "cifar10_test"
        self.require(weights)
        self.require(directory)
        if len(self.programs) < 2:
            self.skipTest("the programs are not built")
        state = torch.load(weights, map_location="cpu")["state_dict"]
        model = CifarResNet(3)
        model.load_state_dict({name[len("module."):]: value for name, value in state.items()})
        model.eval()
        prepare = transforms.Compose([transforms.ToTensor(), transforms.Normalize(*IMAGENET)])
        folder = torchvision.datasets.ImageFolder(directory, prepare)
        confusion = [[0] * 10 for _ in range(10)]
        with torch.no_grad():
            for images, labels in torch.utils.data.DataLoader(folder, batch_size=100):
                for label, guess in zip(labels, model(images).argmax(1)):
                    confusion[label][guess] += 1
        ours = json.loads(self.run_program(
            "eval", weights, "--arch", "resnet20", "--data", directory, "--json", program=1))
        self.assertEqual(ours["classes"], folder.classes)
        self.assertEqual(ours["confusion"], confusion)
        self.assertEqual(ours["acc"], sum(confusion[i][i] for i in range(10)) / 2000)

    def odd_image(self, size):
        path = self.directory / f"{size[0]}x{size[1]}.png"
        noise = numpy.random.default_rng(2).integers(0, 256, (*size, 3), dtype=numpy.uint8)
        Image.fromarray(noise).save(path)
        return path

    def test_image_folder(self):
        names = ("b/2.jpg", "b/10.JPG", "b/deep/1.png", "b-c/x.webp", "B/a.jpeg", "b/a/1.tiff",
                 "b/a-b/1.png", "b/no.txt", "ä/ü.jpg")
        for name in names:
            path = self.directory / "set" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(b"")
        folder = torchvision.datasets.ImageFolder(self.directory / "set")
        ours = json.loads(self.run_program("vision_folder", self.directory / "set"))
        self.assertEqual(ours["classes"], folder.classes)
        self.assertEqual(ours["samples"], [list(sample) for sample in folder.samples])


if __name__ == "__main__":
    main()
