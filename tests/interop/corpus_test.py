"""Every tensor of every kind of file: `torchkeep inspect --json --hash` against Python."""

import json
import pathlib
import unittest
import zipfile

from interop import SHARED_DATA, InteropTest, main

import inert_reader
import make_corpus

KEEPER, INSPECTOR = 0, 1  # the programs


class CorpusTest(InteropTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        import tempfile

        temporary = tempfile.TemporaryDirectory(prefix="torchkeep-corpus-")
        cls.addClassCleanup(temporary.cleanup)
        cls.corpus = pathlib.Path(temporary.name)
        cls.expected = {
            **make_corpus.write(cls.corpus, make_corpus.cases()),
            **make_corpus.write_torchscript(cls.corpus),
        }
        cls.legacy = make_corpus.write(cls.corpus, make_corpus.legacy_cases())

    def inspected(self, path):
        text = self.run_program("inspect", "--json", "--hash", path, program=INSPECTOR)
        return json.loads(text)

    def check_tensors(self, path, expected):
        found = self.inspected(path)["tensors"]
        self.assertEqual(
            {item["name"]: item for item in expected}, {item["name"]: item for item in found}, path
        )
        self.assertEqual(len(found), len(expected), path)

    def test_there_are_many_cases(self):
        written = [name for name, case in self.expected.items() if "tensors" in case]
        self.assertGreaterEqual(len(written), 52)
        self.assertGreaterEqual(sum(len(self.expected[name]["tensors"]) for name in written), 2400)

    def test_tensors_are_those_that_python_sees(self):
        for name, case in self.expected.items():
            if "tensors" in case:
                with self.subTest(name):
                    self.check_tensors(self.corpus / name, case["tensors"])

    def test_tensors_of_legacy_files_are_those_that_python_sees(self):
        if self.finish(INSPECTOR, ["inspect", self.corpus / "root_tensor.legacy.pt"]).returncode:
            self.skipTest("this version does not read the legacy format")
        for name, case in self.legacy.items():
            with self.subTest(name):
                self.check_tensors(self.corpus / name, case["tensors"])

    def test_files_are_saved_again_byte_for_byte(self):
        folder = self.directory / "again"
        folder.mkdir()
        for name, case in self.expected.items():
            if case.get("canonical"):
                with self.subTest(name):
                    self.run_program("resave", self.corpus / name, folder / name, "torch-1.13")
                    self.assertEqual(
                        (self.corpus / name).read_bytes(), (folder / name).read_bytes()
                    )

    def test_archives_are_rewritten_byte_for_byte(self):
        for name in self.expected:
            if (self.corpus / name).exists():
                with self.subTest(name):
                    again = self.directory / "again.pt"
                    self.run_program("rewrite", self.corpus / name, again)
                    self.assertEqual((self.corpus / name).read_bytes(), again.read_bytes())


def records_of(path):
    """Names and contents in their order, without what depends on the C++ library of the writer."""
    with zipfile.ZipFile(path) as archive:
        records = [(name, archive.read(name)) for name in archive.namelist()]
    # The first half of the serialization id is made of std::hash of the names.
    return [(n, c[20:] if n.endswith("/.data/serialization_id") else c) for n, c in records]


class RealFiles(InteropTest):
    def real_files(self):
        folder = SHARED_DATA / "formats"
        if not folder.is_dir():
            self.skipTest(f"{folder} is absent")
        for path in sorted(folder.rglob("*")):
            if path.is_file() and zipfile.is_zipfile(path) and path.suffix != ".npz":
                names = zipfile.ZipFile(path).namelist()
                if not any(name.endswith("/constants.pkl") for name in names):
                    yield path

    def test_tensors_are_those_of_an_independent_reader(self):
        tried = 0
        for path in self.real_files():
            with self.subTest(path.name):
                text = self.run_program("inspect", "--json", "--hash", path, program=INSPECTOR)
                found = {item["name"]: item for item in json.loads(text)["tensors"]}
                expected = inert_reader.read_tensors(path)
                self.assertGreater(len(expected), 0)
                for item in expected:
                    self.assertEqual(found.get(item["name"]), item)
                tried += 1
        self.assertGreaterEqual(tried, 25)

    def test_they_are_saved_again_byte_for_byte(self):
        same = 0
        for path in self.real_files():
            with self.subTest(path.name):
                again = self.directory / path.name
                self.run_program("resave", path, again, "own")
                if "address-keys" in path.name:
                    continue  # torchkeep numbers storages, as PyTorch has since
                self.assertEqual(records_of(path), records_of(again))
                same += path.read_bytes() == again.read_bytes()
        self.assertGreaterEqual(same, 1)  # those of Linux

    def test_they_are_rewritten_byte_for_byte(self):
        for path in self.real_files():
            with self.subTest(path.name):
                again = self.directory / path.name
                self.run_program("rewrite", path, again)
                self.assertEqual(path.read_bytes(), again.read_bytes())


if __name__ == "__main__":
    main()
