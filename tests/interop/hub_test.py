"""Weights from the network: the table against torchvision's, downloads from a server of this test."""

import hashlib
import http.server
import json
import math
import pathlib
import subprocess
import threading
import time

from interop import InteropTest, main

import torchvision
from torchvision.models import get_model_weights, list_models

PERCEPTRONS = ("maxvit", "swin", "vit")  # no models of these here
CONTENT = bytes(range(256)) * 4096  # 1 MiB
DIGEST = hashlib.sha256(CONTENT).hexdigest()


class Handler(http.server.BaseHTTPRequestHandler):
    """Serves CONTENT, each path with another kind of trouble."""

    def do_GET(self):
        self.server.requests.append((self.path, self.headers.get("Range")))
        getattr(self, "serve_" + self.path.strip("/").split(".")[0])()

    def log_message(self, *_):
        pass

    def start(self, first):
        self.send_response(206 if first else 200)
        if first:
            end = len(CONTENT) - 1
            self.send_header("Content-Range", f"bytes {first}-{end}/{len(CONTENT)}")
        self.send_header("Content-Length", str(len(CONTENT) - first))
        self.end_headers()

    def first_byte(self):
        wanted = self.headers.get("Range")
        return int(wanted.removeprefix("bytes=").rstrip("-")) if wanted else 0

    def serve_whole(self):
        first = self.first_byte()
        if first >= len(CONTENT):
            self.send_error(416)
            return
        self.start(first)
        self.wfile.write(CONTENT[first:])

    def serve_cut(self):
        """Closes the connection after each 300,000 bytes."""
        first = self.first_byte()
        self.start(first)
        self.wfile.write(CONTENT[first : first + 300_000])
        self.close_connection = True

    def serve_rangeless(self):
        """Knows no ranges, and cuts the first answer off."""
        self.start(0)
        count = sum(path == self.path for path, _ in self.server.requests)
        self.wfile.write(CONTENT[:300_000] if count == 1 else CONTENT)
        self.close_connection = True

    def serve_wrong(self):
        content = b"not what was published"
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def serve_redirect(self):
        self.send_response(302)
        self.send_header("Location", "/whole.pth")
        self.end_headers()

    def serve_loop(self):
        self.send_response(302)
        self.send_header("Location", "/loop.pth")
        self.end_headers()

    def serve_local(self):
        self.send_response(302)
        self.send_header("Location", "file:///etc/passwd")
        self.end_headers()

    def serve_slow(self):
        self.start(0)
        for place in range(0, len(CONTENT), 1 << 18):
            self.wfile.write(CONTENT[place : place + (1 << 18)])
            time.sleep(0.3)

    def serve_stalled(self):
        """Sends no more than 1,000 bytes."""
        first = self.first_byte()
        self.start(first)
        self.wfile.write(CONTENT[first:1000])
        self.wfile.flush()
        self.server.stop.wait(20)

    def serve_busy(self):
        """Has no time at first."""
        count = sum(path == self.path for path, _ in self.server.requests)
        if count == 1:
            self.send_error(503)
        else:
            self.serve_whole()

    def serve_missing(self):
        self.send_error(404)


class HubTest(InteropTest):
    def setUp(self):
        super().setUp()
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.server.requests = []
        self.server.stop = threading.Event()
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.addCleanup(self.server.server_close)
        self.addCleanup(self.server.shutdown)
        self.addCleanup(self.server.stop.set)
        self.target = self.directory / "cache" / "file.pth"
        self.partial = self.directory / "cache" / "file.pth.partial"

    def arguments(self, name):
        url = f"http://127.0.0.1:{self.server.server_port}/{name}.pth"
        return ("fetch", url, self.target, DIGEST[:8])

    def assert_fetched(self):
        self.assertEqual(self.target.read_bytes(), CONTENT)
        self.assertFalse(self.partial.exists())

    def assert_nothing_fetched(self):
        self.assertFalse(self.target.exists())

    def test_table_is_torchvisions(self):
        rows = {(r["architecture"], r["name"]): r for r in json.loads(self.run_program("published"))}
        names = list_models(module=torchvision.models)
        for name in (n for n in names if not n.startswith(PERCEPTRONS)):
            enum = get_model_weights(name)
            for weights in enum:
                with self.subTest(f"{name} {weights.name}"):
                    ours = rows.pop((name, weights.name))
                    self.compare_row(ours, weights, weights is enum.DEFAULT)
        self.assertEqual(list(rows), [])

    def compare_row(self, ours, weights, is_default):
        accuracy = weights.meta["_metrics"]["ImageNet-1K"]
        transforms = weights.transforms()
        theirs = {
            "file": weights.url.rsplit("/", 1)[1],
            "num_parameters": weights.meta["num_params"],
            "top1": None if math.isnan(accuracy["acc@1"]) else accuracy["acc@1"],
            "top5": None if math.isnan(accuracy["acc@5"]) else accuracy["acc@5"],
            "resize": transforms.resize_size[0],
            "crop": transforms.crop_size[0],
            "bicubic": transforms.interpolation.value == "bicubic",
            "mean": list(transforms.mean),
            "std": list(transforms.std),
            "is_default": is_default,
        }
        self.assertEqual({key: ours[key] for key in theirs}, theirs)
        self.assertEqual(weights.url, "https://download.pytorch.org/models/" + ours["file"])

    def test_documents_have_the_table(self):
        lines = (pathlib.Path(__file__).parents[2] / "docs" / "models.md").read_text().splitlines()
        documented = [line for line in lines if line.endswith(".pth` |")]
        expected = []
        for row in json.loads(self.run_program("published")):
            star = " *" if row["is_default"] else ""
            top1 = "" if row["top1"] is None else f"{row['top1']:.2f}"
            expected.append(
                f"| `{row['architecture']}` | `{row['name']}`{star} | {top1} "
                f"| {row['num_parameters']:,} | {row['crop']} | `{row['file']}` |"
            )
        self.assertEqual(documented, expected)

    def test_file_comes_whole_with_progress(self):
        out = self.run_program(*self.arguments("whole"))
        self.assert_fetched()
        self.assertEqual(out.split()[-2:], [str(len(CONTENT))] * 2)
        self.run_program(*self.arguments("whole"))
        self.assertEqual(len(self.server.requests), 1)  # the second time it was there

    def test_connection_that_is_cut_is_continued(self):
        self.run_program(*self.arguments("cut"))
        self.assert_fetched()
        ranges = [wanted for _, wanted in self.server.requests]
        self.assertEqual(ranges, [None, "bytes=300000-", "bytes=600000-", "bytes=900000-"])

    def test_part_of_an_earlier_process_is_continued(self):
        self.target.parent.mkdir()
        self.partial.write_bytes(CONTENT[:500_000])
        out = self.run_program(*self.arguments("whole"))
        self.assert_fetched()
        self.assertEqual(self.server.requests, [("/whole.pth", "bytes=500000-")])
        self.assertEqual(out.split()[-2:], [str(len(CONTENT))] * 2)

    def test_part_that_is_whole_already_is_taken(self):
        self.target.parent.mkdir()
        self.partial.write_bytes(CONTENT)
        self.run_program(*self.arguments("whole"))
        self.assert_fetched()

    def test_part_of_another_file_is_dropped(self):
        for part in (b"x" * 500_000, b"x" * 2_000_000):
            with self.subTest(len(part)):
                self.target.unlink(missing_ok=True)
                self.target.parent.mkdir(exist_ok=True)
                self.partial.write_bytes(part)
                self.run_program(*self.arguments("whole"))
                self.assert_fetched()

    def test_server_that_knows_no_ranges(self):
        self.run_program(*self.arguments("rangeless"))
        self.assert_fetched()

    def test_damaged_file_is_replaced(self):
        self.target.parent.mkdir()
        self.target.write_bytes(CONTENT[:-1] + b"x")
        self.run_program(*self.arguments("whole"))
        self.assert_fetched()

    def test_wrong_content_is_refused(self):
        message = self.run_failing(*self.arguments("wrong"))
        self.assertIn("is not the file that was published", message)
        self.assertIn(f"(expected {DIGEST[:8]}...)", message)
        self.assert_nothing_fetched()
        self.assertFalse(self.partial.exists())

    def test_redirects(self):
        self.run_program(*self.arguments("redirect"))
        self.assert_fetched()
        self.target.unlink()
        for name in ("loop", "local"):
            self.assertIn("cannot download", self.run_failing(*self.arguments(name)))
            self.assert_nothing_fetched()

    def test_slow_and_busy_servers_are_waited_for(self):
        for name in ("slow", "busy"):
            with self.subTest(name):
                self.run_program(*self.arguments(name))
                self.assert_fetched()
                self.target.unlink()

    def test_server_that_stalls_is_given_up(self):
        message = self.run_failing(*self.arguments("stalled"))
        self.assertIn("try again: the 1000 bytes that came are kept", message)
        self.assertEqual(self.partial.read_bytes(), CONTENT[:1000])
        self.assert_nothing_fetched()

    def test_missing_file(self):
        self.assertIn("404", self.run_failing(*self.arguments("missing")))
        self.assert_nothing_fetched()
        self.assertEqual(len(self.server.requests), 1)

    def test_processes_share_one_download(self):
        command = [self.programs[0], *map(str, self.arguments("slow"))]
        running = [subprocess.Popen(command, stdout=subprocess.DEVNULL) for _ in range(3)]
        self.assertEqual([process.wait(60) for process in running], [0, 0, 0])
        self.assert_fetched()
        self.assertEqual(len(self.server.requests), 1)


if __name__ == "__main__":
    main()
