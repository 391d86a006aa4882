"""The gRPC front of the real gate, as Python's grpcio sees it (gRPC's C core), and as raw bytes and h2load do."""

import concurrent.futures
import os
import pathlib
import shutil
import socket
import subprocess
import threading
import unittest

import grpc

import harness

CONFIG = """
listen: { http: HTTP, grpc: GRPC }
mode: enforce
endpoints:
  - { name: browse, match: "/browse/**", limits: { STD: 100/min } }
"""
GRPC_CPP = pathlib.Path(os.environ.get("GRPC_CPP_CHECK", harness.SOURCE / "build/release/tests/e2e/grpc_cpp/grpc_cpp_check"))
GRPC_JS = harness.SOURCE / "tests/e2e/grpc_js"
HEALTH = "/grpc.health.v1.Health/"
SERVING, NOT_SERVING, SERVICE_UNKNOWN = b"\x08\x01", b"\x08\x02", b"\x08\x03"


def request(service=""):
    """A HealthCheckRequest, by hand: no generated code is needed for one string."""
    name = service.encode()
    return b"\x0a" + bytes([len(name)]) + name if name else b""


def code_of(call):
    """The status that a call ends with."""
    try:
        call()
    except grpc.RpcError as error:
        return error.code()
    return grpc.StatusCode.OK


class GrpcFront(harness.EndToEnd):
    def setUp(self):
        super().setUp()
        self.gate = self.start_gate(CONFIG)
        self.channel = self.open_channel()

    def open_channel(self, **options):
        channel = grpc.insecure_channel(f"127.0.0.1:{self.gate.grpc_port}",
                                        options=[("grpc." + name, value) for name, value in options.items()])
        self.addCleanup(channel.close)
        return channel

    def unary(self, path, channel=None):
        return (channel or self.channel).unary_unary(path)

    def watch(self, service=""):
        return self.channel.unary_stream(HEALTH + "Watch")(request(service), timeout=harness.PATIENCE)

    def test_health_knows_the_server_and_its_services(self):
        check = self.unary(HEALTH + "Check")
        self.assertEqual(check(request()), SERVING)
        self.assertEqual(check(request("grpc.health.v1.Health")), SERVING)
        self.assertEqual(code_of(lambda: check(request("shop.Cart"))), grpc.StatusCode.NOT_FOUND)
        self.assertEqual(code_of(lambda: check(b"\xff\xff")), grpc.StatusCode.INVALID_ARGUMENT)

    def test_unknown_methods_and_services_are_unimplemented(self):
        for path in (HEALTH + "Cure", "/shop.Cart/Add", "/nothing"):
            self.assertEqual(code_of(lambda path=path: self.unary(path)(b"")), grpc.StatusCode.UNIMPLEMENTED, path)

    def test_a_message_beyond_the_limit_is_refused_and_the_connection_goes_on(self):
        check = self.unary(HEALTH + "Check")
        for size in (1 << 11, 1 << 20):
            self.assertEqual(code_of(lambda size=size: check(b"x" * size)), grpc.StatusCode.RESOURCE_EXHAUSTED)
            self.assertEqual(check(request()), SERVING)

    def test_compressed_messages_are_unimplemented(self):
        call = self.unary(HEALTH + "Check")
        code = code_of(lambda: call(request("a" * 100), compression=grpc.Compression.Gzip))
        self.assertEqual(code, grpc.StatusCode.UNIMPLEMENTED)

    def test_a_watch_is_cancelled_by_its_client_and_by_its_deadline(self):
        watch = self.watch()
        self.assertEqual(next(watch), SERVING)
        watch.cancel()
        self.assertEqual(code_of(lambda: next(watch)), grpc.StatusCode.CANCELLED)
        short = self.channel.unary_stream(HEALTH + "Watch")(request(), timeout=0.2)
        self.assertEqual(next(short), SERVING)
        self.assertEqual(code_of(lambda: next(short)), grpc.StatusCode.DEADLINE_EXCEEDED)
        self.assertEqual(self.unary(HEALTH + "Check")(request()), SERVING)

    def test_a_watch_of_an_unknown_service_says_so_and_stays(self):
        self.assertEqual(next(self.watch("shop.Cart")), SERVICE_UNKNOWN)

    def test_many_calls_at_once_are_all_answered(self):
        channels = [self.open_channel(use_local_subchannel_pool=1) for _ in range(4)]

        def calls(channel):
            check = self.unary(HEALTH + "Check", channel)
            return [future.result() for future in [check.future(request()) for _ in range(1500)]]

        with concurrent.futures.ThreadPoolExecutor(len(channels)) as pool:
            answers = [answer for part in pool.map(calls, channels) for answer in part]
        self.assertEqual(len(answers), 6000)
        self.assertEqual(set(answers), {SERVING})

    def test_a_stop_tells_watchers_and_loses_no_call(self):
        watch = self.watch()
        self.assertEqual(next(watch), SERVING)
        check = self.unary(HEALTH + "Check")
        stop = threading.Event()
        codes = []

        def call_on():
            while not stop.is_set():
                codes.append(code_of(lambda: check(request())))
                if codes[-1] != grpc.StatusCode.OK:
                    return

        caller = threading.Thread(target=call_on)
        caller.start()
        harness.wait_until(lambda: len(codes) > 100, "calls are under way")
        status = self.gate.stop()
        self.assertEqual(status, 0)
        self.assertEqual(next(watch), NOT_SERVING)
        self.assertEqual(code_of(lambda: next(watch)), grpc.StatusCode.UNAVAILABLE)
        stop.set()
        caller.join()
        # The last one found nobody listening; until then every call was answered.
        self.assertEqual(set(codes[:-1]), {grpc.StatusCode.OK})
        self.assertIn(codes[-1], (grpc.StatusCode.OK, grpc.StatusCode.UNAVAILABLE))

    def test_http_1_is_told_what_this_port_speaks(self):
        with socket.create_connection(("127.0.0.1", self.gate.grpc_port), timeout=harness.PATIENCE) as client:
            client.sendall(b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n")
            answer = b""
            while part := client.recv(4096):
                answer += part
        self.assertTrue(answer.startswith(b"HTTP/1.1 505 "), answer)
        self.assertIn(b"HTTP/2 without TLS", answer)

    @unittest.skipUnless(GRPC_CPP.exists(), "the build makes it")
    def test_grpc_cpp_finds_all_as_expected(self):
        done = subprocess.run([GRPC_CPP, f"127.0.0.1:{self.gate.grpc_port}"], capture_output=True, text=True,
                              timeout=60, check=False)
        self.assertEqual((done.returncode, done.stdout), (0, "all as expected\n"), done.stderr)

    @unittest.skipUnless((GRPC_JS / "node_modules").is_dir(), "npm ci --ignore-scripts in tests/e2e/grpc_js installs it")
    def test_grpc_js_finds_all_as_expected(self):
        done = subprocess.run(["node", GRPC_JS / "check.js", f"127.0.0.1:{self.gate.grpc_port}"],
                              capture_output=True, text=True, timeout=60, check=False)
        self.assertEqual((done.returncode, done.stdout), (0, "all as expected\n"), done.stderr)

    @unittest.skipUnless(shutil.which("h2load"), "h2load is a benchmark's package")
    def test_h2load_gets_an_answer_to_every_call(self):
        frame = self.folder / "frame"
        frame.write_bytes(b"\0\0\0\0\0")
        done = subprocess.run(
            ["h2load", "-n", "20000", "-c", "4", "-m", "100", "-d", frame, "-H", "content-type: application/grpc",
             "-H", "te: trailers", f"http://127.0.0.1:{self.gate.grpc_port}{HEALTH}Check"],
            capture_output=True, text=True, timeout=120, check=True)
        self.assertIn("20000 succeeded, 0 failed, 0 errored, 0 timeout", done.stdout)


if __name__ == "__main__":
    unittest.main()
