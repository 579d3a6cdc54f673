"""Files of torch.save before PyTorch 1.6, which later releases still write on request."""

import hashlib
import io
import json
import pickle
import pickletools
import struct
import tarfile
import zipfile

from files_test import (
    FilesTest, SameBytesCases, after_steps, all_types, checkpoint, many_tensors, small_model, views,
)  # fmt: skip
from interop import SHARED_DATA, main, raw, torch

INSPECT = 1  # the program torchkeep
OLD = {"_use_new_zipfile_serialization": False}


class Keys(pickle.Unpickler):
    """Unpickles an object of which only the storages are wanted."""

    def __init__(self, file):
        super().__init__(file)
        self.storages = {}  # key: bytes, in the order of the object

    def persistent_load(self, saved_id):
        if saved_id[0] == "module":
            return saved_id[1]
        _, storage_type, key, _, numel, _ = saved_id
        size = 1 if storage_type is torch.storage.UntypedStorage else storage_type().element_size()
        self.storages.setdefault(key, numel * size)
        return storage_type(numel)


def with_counted_keys(data):
    """The same file with 0, 1, 2, ... for the addresses that Python takes as keys of storages."""
    file = io.BytesIO(data)
    for _ in range(3):
        pickle.load(file)
    begin = file.tell()
    keys = Keys(file)
    keys.load()
    end = file.tell()
    listed = pickle.load(file)
    stored = {}
    for key in listed:
        head = file.read(8)
        stored[key] = head + file.read(keys.storages[key])
    assert not file.read()
    counted = {key: str(i) for i, key in enumerate(keys.storages)}

    result = bytearray(data[:begin])
    operations = list(pickletools.genops(data[begin:end]))
    ends = [position for _, _, position in operations[1:]] + [end - begin]
    for (operation, argument, position), stop in zip(operations, ends):
        if operation.name == "BINUNICODE" and argument in counted:
            text = counted[argument].encode()
            result += b"X" + struct.pack("<I", len(text)) + text
        else:
            result += data[begin + position : begin + stop]
    order = sorted(stored, key=counted.get)
    result += pickle.dumps([counted[key] for key in order], protocol=2)
    for key in order:
        result += stored[key]
    return bytes(result)


def tensors_of(value, name=""):
    """The tensors and NumPy arrays in dicts and lists, by their keys joined with dots."""
    prefix = f"{name}." if name else ""
    if isinstance(value, torch.Tensor):
        yield name, value.detach()
    elif type(value).__name__ == "ndarray":
        yield name, torch.from_numpy(value)
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from tensors_of(item, f"{prefix}{key}")
    elif isinstance(value, (list, tuple)):
        for i, item in enumerate(value):
            yield from tensors_of(item, f"{prefix}{i}")


def elements(tensor):
    """The bytes of the elements in row-major order."""
    return raw(tensor if tensor.is_quantized else tensor.contiguous().clone())


def hashes_of(value):
    return {
        name: (str(tensor.dtype).removeprefix("torch."), list(tensor.shape),
               hashlib.sha256(elements(tensor)).hexdigest())
        for name, tensor in tensors_of(value)
    }  # fmt: skip


class LegacyTest(FilesTest):
    def inspected(self, path):
        summary = json.loads(self.run_program("inspect", path, "--json", "--hash", program=INSPECT))
        tensors = {t["name"]: (t["dtype"], t["shape"], t["sha256"]) for t in summary["tensors"]}
        return summary["format"], tensors

    def check_hashes(self, path, value):
        self.assertEqual(self.inspected(path), ("pt-legacy", hashes_of(value)))

    def check_both_ways(self, value, **options):
        path = self.saved(value, **OLD, **options)
        self.check_hashes(path, value)
        again = self.resaved(path, "pt-legacy")
        self.assert_same(torch.load(path), torch.load(again))
        for layout in ("torch-1.13", "latest"):
            self.assert_same(torch.load(path), torch.load(self.resaved(path, layout)))
        return path


class RoundTrips(LegacyTest):
    def test_all_element_types(self):
        self.check_both_ways(all_types())

    def test_views_and_shared_storages(self):
        path = self.check_both_ways(views())
        again = torch.load(self.resaved(path, "pt-legacy"))
        self.assertEqual(again["base"].data_ptr(), again["transposed"].data_ptr())
        self.assertIs(again["base"], again["again"])

    def test_empty_tensors_of_several_types_over_one_storage(self):
        empty = torch.empty(0)
        value = [empty, empty.view(torch.int32), empty.view(0, 2)]
        # Python itself gives all of them the type of the first.
        self.check_hashes(self.saved(value, **OLD), value)

    def test_a_checkpoint(self):
        self.check_both_ways(checkpoint())

    def test_optimizers(self):
        for make in (torch.optim.Adam, lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9)):
            self.check_both_ways(after_steps(make)[1].state_dict())

    def test_more_than_a_thousand_tensors(self):
        self.check_both_ways(many_tensors())

    def test_protocols(self):
        value = {"t": torch.ones(2), "n": [1, 2.5, None], "s": {1}, "b": b"\xff", "big": 2**70}
        for protocol in range(1, 6):
            with self.subTest(protocol):
                self.check_both_ways(value, pickle_protocol=protocol)
        del value["t"]
        self.check_both_ways(value, pickle_protocol=0)

    def test_whole_modules(self):
        model = small_model()
        path = self.saved(model, **OLD)
        for layout in ("pt-legacy", "latest"):
            again = torch.load(self.resaved(path, layout))
            self.assert_same(model.state_dict(), again.state_dict())
            self.assertEqual(str(model), str(again))

    def test_one_member_of_a_zip_archive(self):
        path = self.saved(small_model().state_dict(), **OLD)
        for method in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            zipped = self.directory / "zipped.pth"
            with zipfile.ZipFile(zipped, "w", method) as archive:
                archive.write(path, "model.pth")
            self.check_hashes(zipped, torch.load(path))

    def test_a_file_of_two_objects_is_refused(self):
        path = self.directory / "two.pt"
        with path.open("wb") as file:
            for value in ({"a": torch.ones(1)}, {"b": 2}):
                torch.save(value, file, **OLD)
        answer = self.run_program("describe", path)
        self.assertRegex(answer, "^unsupported: .*two.pt: .*follow the last storage")


class SameBytes(SameBytesCases, LegacyTest):
    """What torch 1.13 wrote comes back byte for byte, but for the keys of the storages."""

    def check_bytes(self, value):
        path = self.saved(value, **OLD)
        again = self.resaved(path, "pt-legacy")
        self.assertEqual(with_counted_keys(path.read_bytes()), again.read_bytes())

    def test_a_storage_by_itself(self):
        self.check_bytes([torch.arange(4.0).storage(), torch.ones(2).bool().storage()])

    def test_no_tensors(self):
        self.check_bytes({"epoch": 3})


class WeightsOnly(LegacyTest):
    def test_opens_what_has_no_floats(self):
        # The machine of torch 1.13 has no opcode for floats.
        path = self.saved({"epoch": 3, "model": small_model().state_dict(), "done": True})
        again = torch.load(self.resaved(path, "pt-legacy"), weights_only=True)
        self.assert_same(torch.load(path), again)


class TarWriter:
    """Writes tensors as torch.save before PyTorch 0.1.10 did."""

    def __init__(self):
        self.storages, self.tensors, self.views = [], [], []
        self.addresses = set()

    def storage_key(self, tensor):
        storage = tensor.storage()
        address = storage.data_ptr()
        if address not in self.addresses:
            self.addresses.add(address)
            storage_class = getattr(torch, storage.pickle_storage_type())
            self.storages.append(
                pickle.dumps((address, "cpu", storage_class), 2)
                + struct.pack("<q", len(storage)) + raw(tensor)
            )  # fmt: skip
        return address

    def add(self, tensor):
        """A tensor with an offset gets a storage that is a view of the whole one."""
        key, offset = self.storage_key(tensor), tensor.storage_offset()
        if offset:
            self.views.append((key + len(self.views) + 1, key, offset, len(tensor.storage()) - offset))
            key, offset = self.views[-1][0], 0
        self.tensors.append(
            pickle.dumps((id(tensor), key, torch.FloatTensor), 2)
            + struct.pack("<ii", tensor.dim(), 0)
            + struct.pack(f"<{2 * tensor.dim()}qq", *tensor.shape, *tensor.stride(), offset)
        )
        return str(id(tensor))

    def save(self, value, path, tar_format):
        object_file = io.BytesIO()
        pickler = pickle.Pickler(object_file, 2)
        pickler.persistent_id = lambda item: self.add(item) if isinstance(item, torch.Tensor) else None
        pickler.dump(value)
        members = {
            "sys_info": pickle.dumps({"protocol_version": 1000, "little_endian": True}, 2),
            "pickle": object_file.getvalue(),
            "tensors": pickle.dumps(len(self.tensors), 2) + b"".join(self.tensors),
            "storages": pickle.dumps(len(self.storages), 2) + b"".join(self.storages)
            + pickle.dumps(self.views, 2),
        }  # fmt: skip
        with tarfile.open(path, "w:", format=tar_format) as archive:
            for name, content in members.items():
                member = tarfile.TarInfo(name)
                member.size = len(content)
                archive.addfile(member, io.BytesIO(content))


class TarFiles(LegacyTest):
    def test_give_the_tensors_that_python_sees(self):
        base = torch.arange(24.0).reshape(4, 6)
        value = {"a": base, "b": base[1:, ::2], "c": base.t(), "d": torch.tensor([2**40, -1]),
                 "e": torch.ones(3).double(), "f": torch.tensor(7, dtype=torch.uint8)}  # fmt: skip
        for tar_format in (tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT):
            path = self.directory / "old.pt"
            TarWriter().save(value, path, tar_format)
            self.assertEqual(self.inspected(path), ("pt-tar", hashes_of(value)))
            again = torch.load(path)
            self.assertEqual(hashes_of(again), hashes_of(value))
            self.assert_same(
                {key: tensor.clone() for key, tensor in again.items()},
                {key: t.clone() for key, t in torch.load(self.resaved(path, "latest")).items()},
            )


class RealFiles(LegacyTest):
    def test_give_the_tensors_that_python_sees(self):
        names = (
            "weights/resnet20-12fca82f.th", "weights/resnet56-4bfd9763.th",
            "weights/mobilenetV1X0.25_pretrain.tar", "formats/lpips-v0.0-vgg-python2.pth",
            "formats/lpips-v0.1-alex.pth", "formats/lpips-v0.1-vgg.pth", "formats/version-RFB-320.pth",
        )  # fmt: skip
        if not SHARED_DATA.is_dir():
            self.skipTest(f"{SHARED_DATA} is absent")
        for name in names:
            with self.subTest(name):
                path = SHARED_DATA / name
                value = torch.load(path, map_location="cpu")
                self.check_hashes(path, value)
                again = torch.load(self.resaved(path, "pt-legacy"), map_location="cpu")
                self.assertEqual(hashes_of(value), hashes_of(again))


if __name__ == "__main__":
    main()
