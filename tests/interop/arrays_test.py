"""safetensors, NumPy's files, shards and distributed checkpoints: Python's and torchkeep's."""

import hashlib
import io
import json
import pathlib
import pickle
import struct
import sys
import types
import zipfile

from interop import InteropTest, main, torch

import numpy

NUMPY_TYPES = "b1 u1 u2 u4 u8 i1 i2 i4 i8 f2 f4 f8 c8 c16".split()

# In the order of their ranks; those that NumPy has.
SAFETENSORS_TYPES = {
    "BOOL": "b1", "U8": "u1", "I8": "i1", "I16": "i2", "U16": "u2", "F16": "f2", "I32": "i4",
    "U32": "u4", "F32": "f4", "C64": "c8", "F64": "f8", "I64": "i8", "U64": "u8",
}  # fmt: skip


def array(descr, shape=(2, 3, 4)):
    numbers = numpy.arange(numpy.prod(shape, dtype=int)).reshape(shape) % 7
    values = numbers.astype(numpy.dtype(descr))
    return values + values.dtype.type(1j) * values if descr[-2:] in ("c8", "16") else values


def read_safetensors(content):
    """By the specification, independent of torchkeep's reader."""
    (length,) = struct.unpack("<Q", content[:8])
    header = json.loads(content[8 : 8 + length])
    metadata = header.pop("__metadata__", None)
    data = content[8 + length :]
    arrays = {}
    end = 0
    for name, entry in sorted(header.items(), key=lambda item: item[1]["data_offsets"]):
        begin, next_end = entry["data_offsets"]
        assert begin == end, name
        end = next_end
        dtype = numpy.dtype("<" + SAFETENSORS_TYPES[entry["dtype"]])
        arrays[name] = numpy.frombuffer(data[begin:end], dtype).reshape(entry["shape"])
    assert end == len(data)
    return arrays, metadata


def write_safetensors(arrays, metadata=None):
    """As the format's own writer orders and pads."""
    names = {numpy.dtype(t): name for name, t in SAFETENSORS_TYPES.items()}
    ranks = list(SAFETENSORS_TYPES)
    key = lambda item: (-ranks.index(names[item[1].dtype]), item[0].encode())
    header = {"__metadata__": metadata} if metadata else {}
    data = b""
    for name, values in sorted(arrays.items(), key=key):
        offsets = [len(data), len(data) + values.nbytes]
        header[name] = {
            "dtype": names[values.dtype],
            "shape": list(values.shape),
            "data_offsets": offsets,
        }
        data += values.tobytes()
    text = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode()
    text += b" " * (-len(text) % 8)
    return struct.pack("<Q", len(text)) + text + data


class Arrays(InteropTest):
    def inspect(self, path):
        return json.loads(self.run_program("inspect", path))

    def assert_holds(self, path, arrays):
        """torchkeep sees these arrays in the file, to the bit."""
        tensors = {tensor["name"]: tensor for tensor in self.inspect(path)["tensors"]}
        self.assertEqual(set(tensors), set(arrays))
        for name, values in arrays.items():
            little = values.astype(values.dtype.newbyteorder("<"))
            self.assertEqual(tensors[name]["dtype"], values.dtype.name, name)
            self.assertEqual(tensors[name]["shape"], list(values.shape), name)
            digest = hashlib.sha256(little.tobytes()).hexdigest()
            self.assertEqual(tensors[name]["sha256"], digest, name)

    def assert_same_arrays(self, a, b):
        self.assertEqual(set(a), set(b))
        for name in a:
            self.assertEqual(a[name].dtype, b[name].dtype, name)
            self.assertEqual(a[name].shape, b[name].shape, name)
            self.assertEqual(a[name].tobytes(), b[name].tobytes(), name)


class Npy(Arrays):
    def variants(self):
        for descr in NUMPY_TYPES:
            yield descr, array(descr)
            yield f"{descr} fortran", numpy.asfortranarray(array(descr))
            yield f"{descr} big", array(descr).astype(">" + descr)
            yield f"{descr} big fortran", numpy.asfortranarray(array(descr).astype(">" + descr))
        for shape in ((), (1,), (0,), (0, 3), (5, 0), (1, 1, 1), (7, 1)):
            yield f"{shape}", array("f4", shape)
            yield f"{shape} fortran", numpy.asfortranarray(array("f4", shape))

    def test_reads_what_numpy_saves(self):
        for number, (name, values) in enumerate(self.variants()):
            with self.subTest(name):
                path = self.directory / f"{number}.npy"
                numpy.save(path, values)
                self.assert_holds(path, {"": values})

    def test_reads_all_versions(self):
        for version in ((1, 0), (2, 0), (3, 0)):
            path = self.directory / "a.npy"
            with open(path, "wb") as file:
                numpy.lib.format.write_array(file, array("f8"), version=version)
            self.assert_holds(path, {"": array("f8")})

    def test_writes_the_bytes_of_numpy(self):
        for name, values in self.variants():
            if "big" in name:
                continue
            with self.subTest(name):
                numpy.save(self.directory / "in.npy", values)
                self.run_program(
                    "resave", self.directory / "in.npy", self.directory / "out.npy", "latest"
                )
                self.assertEqual(
                    (self.directory / "out.npy").read_bytes(),
                    (self.directory / "in.npy").read_bytes(),
                )

    def test_refuses_objects(self):
        path = self.directory / "o.npy"
        numpy.save(path, numpy.array([{}], dtype=object))
        self.assertIn("Python objects", self.run_program("describe", path))


class Npz(Arrays):
    def arrays(self):
        arrays = {f"layer.{descr}": array(descr) for descr in NUMPY_TYPES}
        arrays.update({"W": array("f4"), "w": array("f8"), "a/b": array("i2"), "é": array("u1")})
        arrays["fortran"] = numpy.asfortranarray(array("f4"))
        return arrays

    def test_reads_what_numpy_saves(self):
        for save in (numpy.savez, numpy.savez_compressed):
            path = self.directory / "a.npz"
            save(path, **self.arrays())
            self.assert_holds(path, self.arrays())
            self.assertEqual(self.inspect(path)["format"], "npz")

    def test_reads_streams_with_descriptors(self):
        class Stream(io.RawIOBase):
            def __init__(self, file):
                self.file = file

            def writable(self):
                return True

            def write(self, data):
                return self.file.write(data)

        for compression in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            for force_zip64 in (False, True):
                path = self.directory / "a.npz"
                with open(path, "wb") as file, zipfile.ZipFile(
                    Stream(file), "w", compression
                ) as archive:
                    for name, values in self.arrays().items():
                        with archive.open(name + ".npy", "w", force_zip64=force_zip64) as record:
                            numpy.lib.format.write_array(record, numpy.asanyarray(values))
                self.assert_holds(path, self.arrays())

    def test_reads_what_zipfile_packs(self):
        path = self.directory / "a.npz"
        numpy.save(self.directory / "x.npy", array("f4"))
        with zipfile.ZipFile(path, "w") as archive:
            archive.write(self.directory / "x.npy", "x.npy")
            archive.writestr("y.npy", (self.directory / "x.npy").read_bytes())
        self.assert_holds(path, {"x": array("f4"), "y": array("f4")})

    def test_numpy_reads_what_torchkeep_writes(self):
        numpy.savez(self.directory / "in.npz", **self.arrays())
        out = self.directory / "out.npz"
        self.run_program("resave", self.directory / "in.npz", out, "latest")
        self.assertIsNone(zipfile.ZipFile(out).testzip())
        with numpy.load(out, allow_pickle=False) as loaded:
            self.assert_same_arrays(dict(loaded), self.arrays())
            self.assertTrue(loaded["fortran"].flags.f_contiguous)


class Safetensors(Arrays):
    def arrays(self):
        arrays = {f"x.{descr}": array(descr) for descr in SAFETENSORS_TYPES.values()}
        arrays.update({"": array("u1", ()), "é \"\\\n": array("f4", (0, 3)), "z": array("f8", (1,))})
        return arrays

    def test_reads_by_the_specification(self):
        path = self.directory / "m.safetensors"
        path.write_bytes(write_safetensors(self.arrays(), {"format": "pt"}))
        self.assert_holds(path, self.arrays())

    def test_writes_the_bytes_of_the_formats_own_writer(self):
        for metadata in (None, {"format": "pt"}):
            path = self.directory / "m.safetensors"
            path.write_bytes(write_safetensors(self.arrays(), metadata))
            out = self.directory / "out.safetensors"
            self.run_program("resave", path, out, "latest")
            self.assertEqual(out.read_bytes(), path.read_bytes())
            arrays, read_metadata = read_safetensors(out.read_bytes())
            self.assert_same_arrays(arrays, self.arrays())
            self.assertEqual(read_metadata, metadata)

    def test_holds_what_torch_saved(self):
        tensors = {
            "b": torch.arange(6, dtype=torch.float32).reshape(2, 3).t(),
            "a": torch.arange(4, dtype=torch.int64),
            "half": torch.ones(3, dtype=torch.bfloat16),
        }
        torch.save(tensors, self.directory / "m.pt")
        out = self.directory / "m.safetensors"
        self.run_program("resave", self.directory / "m.pt", out, "latest")
        content = out.read_bytes()
        (length,) = struct.unpack("<Q", content[:8])
        header = json.loads(content[8 : 8 + length])
        self.assertEqual(list(header), ["a", "b", "half"])
        self.assertEqual(header["half"], {"dtype": "BF16", "shape": [3], "data_offsets": [56, 62]})
        begin, end = header["b"]["data_offsets"]
        self.assertEqual(
            content[8 + length :][begin:end], tensors["b"].contiguous().numpy().tobytes()
        )


class Sharded(Arrays):
    def test_shards_can_be_read_one_by_one(self):
        tensors = {f"layer.{i}": torch.full((10,), float(i)) for i in range(10)}
        tensors["tied"] = tensors["layer.3"]
        torch.save(tensors, self.directory / "m.pt")
        self.run_program("shard", self.directory / "m.pt", self.directory / "pytorch_model.bin", 100)
        index = json.loads((self.directory / "pytorch_model.bin.index.json").read_text())
        self.assertEqual(index["metadata"], {"total_size": 400})
        self.assertEqual(set(index["weight_map"]), set(tensors))
        for name, file in index["weight_map"].items():
            shard = torch.load(self.directory / file)
            self.assertTrue(torch.equal(shard[name], tensors[name]), name)
        self.assertEqual(index["weight_map"]["tied"], index["weight_map"]["layer.3"])

    def test_reads_shards_of_torch_save(self):
        index = {"metadata": {"total_size": 1}, "weight_map": {}}
        arrays = {}
        for number in range(3):
            file = f"pytorch_model-{number + 1:05}-of-00003.bin"
            torch.save({f"w{number}": torch.arange(number + 2)}, self.directory / file)
            index["weight_map"][f"w{number}"] = file
            arrays[f"w{number}"] = numpy.arange(number + 2)
        path = self.directory / "pytorch_model.bin.index.json"
        path.write_text(json.dumps(index, indent=2))
        self.assert_holds(path, arrays)


class DistributedCheckpoint(Arrays):
    """torch 1.13 cannot write them: pickled from classes of the same names and attributes."""

    METADATA = "torch.distributed.checkpoint.metadata"
    FILESYSTEM = "torch.distributed.checkpoint.filesystem"

    def setUp(self):
        super().setUp()
        saved = {name: sys.modules.get(name) for name in (self.METADATA, self.FILESYSTEM)}
        self.addCleanup(self.restore, saved)
        self.classes = {}
        for module, names in (
            (
                self.METADATA,
                "Metadata TensorStorageMetadata BytesStorageMetadata ChunkStorageMetadata "
                "MetadataIndex TensorProperties StorageMeta",
            ),
            (self.FILESYSTEM, "_StorageInfo"),
        ):
            sys.modules[module] = types.ModuleType(module)
            for name in names.split():
                made = type(name, (), {"__module__": module, "__init__": self.set_attributes})
                setattr(sys.modules[module], name, made)
                self.classes[name] = made
        self.classes["TensorProperties"].__getstate__ = lambda self: self.state
        self.data = {}
        self.storage_data = {}
        self.state_dict_metadata = {}

    @staticmethod
    def set_attributes(instance, **attributes):
        instance.__dict__.update(attributes)

    @staticmethod
    def restore(saved):
        for name, module in saved.items():
            if module is None:
                del sys.modules[name]
            else:
                sys.modules[name] = module

    def make(self, name, **attributes):
        return self.classes[name](**attributes)

    def append(self, file, value, **index):
        stream = io.BytesIO()
        torch.save(value, stream)
        data = self.data.setdefault(file, bytearray())
        self.storage_data[self.make("MetadataIndex", **index)] = self.make(
            "_StorageInfo", relative_path=file, offset=len(data), length=len(stream.getvalue())
        )
        data += stream.getvalue()

    def add_tensor(self, name, tensor, chunks):
        """`chunks`: the file and the slices of each."""
        described = []
        for file, slices in chunks:
            part = tensor[slices].clone()
            offsets = torch.Size([s.start for s in slices])
            described.append(self.make("ChunkStorageMetadata", offsets=offsets, sizes=part.size()))
            self.append(file, part, fqn=name, index=len(described) - 1, offset=offsets)
        self.state_dict_metadata[name] = self.make(
            "TensorStorageMetadata",
            properties=self.make(
                "TensorProperties", state=(tensor.dtype, tensor.layout, False, 0, False)
            ),
            size=tensor.size(),
            chunks=described,
        )

    def add_value(self, name, value):
        self.state_dict_metadata[name] = self.make("BytesStorageMetadata")
        self.append("__0_0.distcp", value, fqn=name, index=None)

    def write(self, planner_data, **more):
        metadata = self.make(
            "Metadata",
            state_dict_metadata=self.state_dict_metadata,
            planner_data=planner_data,
            storage_data=self.storage_data,
            **more,
        )
        for file, data in self.data.items():
            (self.directory / file).write_bytes(data)
        (self.directory / ".metadata").write_bytes(pickle.dumps(metadata, protocol=4))

    def test_assembles_what_two_processes_wrote(self):
        weight = torch.arange(24, dtype=torch.float32).reshape(6, 4)
        table = torch.arange(20, dtype=torch.int64).reshape(4, 5).to(torch.bfloat16)
        self.add_tensor(
            "model.weight",
            weight,
            [("__0_0.distcp", (slice(0, 3), slice(0, 4))), ("__1_0.distcp", (slice(3, 6), slice(0, 4)))],
        )
        self.add_tensor(
            "model.table",
            table,
            [
                (f"__{i}_0.distcp", (slice(2 * i, 2 * i + 2), columns))
                for i in range(2)
                for columns in (slice(0, 3), slice(3, 5))
            ],
        )
        self.add_tensor("model.scale", torch.tensor(0.5), [("__0_0.distcp", ())])
        self.add_value("epoch", 7)
        self.add_value("history", [0.5, 0.25])
        self.write(
            {
                "model.weight": ("model", "weight"),
                "model.table": ("model", "table"),
                "model.scale": ("model", "scale"),
                "epoch": ("epoch",),
                "history": ("history",),
            },
            storage_meta=self.make("StorageMeta", checkpoint_id=pathlib.PurePosixPath("/x"), save_id="1"),
            version="1.0.0",
        )
        out = self.directory / "out.pt"
        self.run_program("resave", self.directory, out, "torch-1.13")
        self.assert_same(
            torch.load(out),
            {
                "model": {"weight": weight, "table": table, "scale": torch.tensor(0.5)},
                "epoch": 7,
                "history": [0.5, 0.25],
            },
        )


if __name__ == "__main__":
    main()
