"""What the end-to-end tests share: the real binary, its neighbours as child processes, and a plain HTTP client.

Every process listens on loopback, on ports that are free at that moment, and is ended by its own id."""

import contextlib
import http.client
import http.server
import json
import os
import pathlib
import random
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
import unittest

SOURCE = pathlib.Path(__file__).resolve().parents[2]
BINARY = pathlib.Path(os.environ.get("TIDELIMIT_BINARY", SOURCE / "build/release/tidelimit"))
PATIENCE = 30  # seconds for what must happen at all; nothing here is expected to take that long


def free_port(kind=socket.SOCK_STREAM):
    """A port of loopback that was free just now. Below those that the system gives to callers: who calls one of these before
    its server listens may come from that very port, and is connected to itself."""
    while True:
        port = random.randrange(10_240, 32_768)
        with socket.socket(socket.AF_INET, kind) as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


def wait_until(condition, what, seconds=PATIENCE):
    """Asks until the condition holds, and returns what it gave."""
    end = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"after {seconds} s still not: {what}")
        time.sleep(0.02)


class Answer:
    def __init__(self, status, headers, body):
        self.status = status
        self.headers = headers
        self.body = body

    @property
    def json(self):
        return json.loads(self.body)

    def __repr__(self):
        return f"{self.status} {dict(self.headers)} {self.body[:400]!r}"


class HttpClient:
    """Calls one server, over one kept connection, from an address of choice (127.0.0.0/8 is all ours)."""

    def __init__(self, port, source="127.0.0.1"):
        self.port = port
        self.source = source
        self.connection = None

    def call(self, method, path, body=None, headers=None):
        if isinstance(body, (dict, list)):
            body = json.dumps(body)
        for attempt in (1, 2):  # a kept connection may have been closed meanwhile
            fresh = self.connection is None
            if fresh:
                self.connection = http.client.HTTPConnection(
                    "127.0.0.1", self.port, timeout=PATIENCE, source_address=(self.source, 0))
            try:
                self.connection.request(method, path, body=body, headers=headers or {})
                response = self.connection.getresponse()
                answer = Answer(response.status, response.headers, response.read().decode("utf-8", "replace"))
                if response.will_close:
                    self.close()
                return answer
            except (ConnectionError, http.client.HTTPException):
                self.close()
                if fresh or attempt == 2:
                    raise

    def get(self, path, headers=None):
        return self.call("GET", path, headers=headers)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        if self.connection:
            self.connection.close()
            self.connection = None


class Process:
    """A child whose output goes to a file, ended by its id at the latest with the test."""

    def __init__(self, command, log, cwd=None, env=None):
        self.log = pathlib.Path(log)
        with open(log, "ab") as out:
            self.child = subprocess.Popen(
                [str(part) for part in command], stdout=out, stderr=subprocess.STDOUT, cwd=cwd, env=env,
                stdin=subprocess.DEVNULL)

    @property
    def pid(self):
        return self.child.pid

    def output(self):
        return self.log.read_text(errors="replace")

    def running(self):
        return self.child.poll() is None

    def send(self, number):
        self.child.send_signal(number)
        if number == signal.SIGSTOP:
            # Where CPUs are short the signal takes its time, and threads that it has not reached go on answering.
            wait_until(self.all_stopped, "every thread has stopped")

    def all_stopped(self):
        with contextlib.suppress(OSError):  # of a thread that has just ended
            stats = pathlib.Path(f"/proc/{self.child.pid}/task").glob("*/stat")
            return all(stat.read_text().rpartition(")")[2].split()[0] in "Tt" for stat in stats)
        return False

    def end(self, number=signal.SIGTERM):
        """Ends it and returns its status."""
        if self.running():
            self.child.send_signal(number)
        try:
            return self.child.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self.child.kill()
            self.child.wait()
            raise AssertionError(f"{self.child.args[0]} did not end; its output:\n{self.output()}") from None


class Gate:
    """`tidelimit serve` in a folder of its own. HTTP, GRPC and SYSLOG in the configuration stand for its addresses, which stay
    the same over restarts."""

    def __init__(self, folder, config):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.file = self.folder / "tidelimit.yaml"
        self.log = self.folder / "tidelimit.log"
        self.process = None
        self.http_port = free_port()
        self.grpc_port = free_port()
        self.syslog_port = free_port(socket.SOCK_DGRAM)
        self.client = HttpClient(self.http_port)
        self.write(config)

    def write(self, config):
        """Writes the configuration aside and renames it: one change, seen whole."""
        aside = self.file.with_suffix(".new")
        aside.write_text(config.replace("HTTP", f"127.0.0.1:{self.http_port}")
                         .replace("GRPC", f"127.0.0.1:{self.grpc_port}")
                         .replace("SYSLOG", f"127.0.0.1:{self.syslog_port}"))
        aside.rename(self.file)

    def start(self, *options):
        self.process = Process([BINARY, "serve", "--config", self.file, "--loops", "1", *options], self.log,
                               cwd=self.folder)
        wait_until(self.answers, "the gate is ready")
        return self

    def answers(self):
        if not self.process.running():
            raise AssertionError(f"the gate ended with {self.process.child.returncode}:\n{self.process.output()}")
        with contextlib.suppress(OSError):
            return self.client.get("/readyz").status == 200
        return False

    def stop(self, number=signal.SIGTERM):
        if self.process is None:
            return None
        self.client.close()
        status = self.process.end(number)
        self.process = None
        return status

    @property
    def token(self):
        return (self.folder / "var/admin.token").read_text().strip().splitlines()[-1].split(":")[-1]

    def call(self, method, path, body=None, token=True, headers=None):
        headers = dict(headers or {})
        if token:
            headers["Authorization"] = f"Bearer {self.token}"
        return self.client.call(method, path, body, headers)

    def get(self, path, token=True):
        return self.call("GET", path, token=token)

    def check(self, client_ip="203.0.113.1", path="/browse/1", **more):
        answer = self.client.call("POST", "/v1/check", {"client_ip": client_ip, "path": path, **more})
        if answer.status != 200:
            raise AssertionError(f"/v1/check answered {answer}")
        return answer.json

    def flood(self, count, client_ip="203.0.113.1", path="/browse/1", **more):
        """So many checks at once, on one connection; their answers are not looked at. "{}" is their number."""
        body = json.dumps({"client_ip": client_ip, "path": path, **more})

        def call(number):
            text = body.replace("{}", str(number))
            return f"POST /v1/check HTTP/1.1\r\nHost: gate\r\nContent-Length: {len(text)}\r\n\r\n{text}"
        calls = "".join(map(call, range(count))).encode()
        with socket.create_connection(("127.0.0.1", self.http_port), timeout=20) as connection:
            sender = threading.Thread(target=connection.sendall, args=(calls,))
            sender.start()
            answers, end = 0, b""
            while answers < count:
                data = connection.recv(1 << 16)
                if not data:
                    raise AssertionError(f"the gate hung up after {answers} answers")
                answers += (end + data).count(b"HTTP/1.1 ")
                end = data[-8:]
            sender.join()

    def auth(self, client_ip, uri, **headers):
        return self.client.get("/v1/auth", {"X-Forwarded-For": client_ip, "X-Original-URI": uri,
                                            **{name.replace("_", "-"): value for name, value in headers.items()}})

    def metrics(self):
        """{(name, frozenset of label pairs): value}"""
        return parse_metrics(self.client.get("/metrics").body)

    def count(self, name, **labels):
        """The sum of a metric's series that carry these labels."""
        wanted = set(labels.items())
        return sum(value for (series, have), value in self.metrics().items() if series == name and wanted <= have)

    def shell(self, *arguments):
        """`tidelimit ARGUMENTS` against this gate, as an operator types it."""
        return run(*arguments, "--config", self.file, cwd=self.folder)


def run(*arguments, cwd=None, stdin=None):
    """`tidelimit ARGUMENTS`, with its status and both outputs."""
    return subprocess.run([str(part) for part in (BINARY, *arguments)], cwd=cwd, input=stdin, capture_output=True,
                          text=True, timeout=120, check=False)


def parse_metrics(text):
    series = {}
    for line in text.splitlines():
        if line.startswith("#") or not line.strip():
            continue
        name, labels, value = re.fullmatch(r'([a-zA-Z0-9_:]+)(?:\{(.*)\})? (\S+)(?: \d+)?', line).groups()
        pairs = re.findall(r'([a-zA-Z0-9_]+)="((?:[^"\\]|\\.)*)"', labels or "")
        series[name, frozenset(pairs)] = float(value)
    return series


class Upstream:
    """A small application: answers 200 and what it was asked; /status/NNN answers NNN, /held/… once `release` is set."""

    def __init__(self):
        requests = self.requests = []
        release = self.release = threading.Event()

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def answer(self):
                requests.append((self.command, self.path, dict(self.headers)))
                if length := int(self.headers.get("Content-Length") or 0):
                    self.rfile.read(length)
                if self.path.startswith("/held/"):
                    release.wait(PATIENCE)
                status = int(self.path.split("?")[0].rsplit("/", 1)[1]) if self.path.startswith("/status/") else 200
                body = f"{self.command} {self.path}\n".encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                with contextlib.suppress(BrokenPipeError):  # who was held may have hung up
                    self.end_headers()
                    if self.command != "HEAD":
                        self.wfile.write(body)

            do_GET = do_POST = do_PUT = do_HEAD = answer

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.port = self.server.server_address[1]
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()

    def stop(self):
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


class EndToEnd(unittest.TestCase):
    """A test with a folder that goes away if it passes."""

    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="tidelimit-e2e-"))
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        # nginx's workers are another user when the test is root.
        self.folder.chmod(0o755)

    def start_gate(self, config, name="gate"):
        gate = Gate(self.folder / name, config)
        self.addCleanup(self.stop_gate, gate)
        self.addCleanup(gate.client.close)
        return gate.start()

    def stop_gate(self, gate):
        with contextlib.suppress(AssertionError):
            gate.stop()

    def run_prometheus(self, file):
        """A client of Debian's Prometheus with this configuration."""
        folder = file.parent
        port = free_port()
        process = Process(["/usr/bin/prometheus", f"--config.file={file}", f"--storage.tsdb.path={folder}/data",
                           f"--web.listen-address=127.0.0.1:{port}", "--log.level=warn"], folder / "log", cwd=folder)
        self.addCleanup(process.end)
        client = HttpClient(port)
        self.addCleanup(client.close)

        def ready():
            self.assertTrue(process.running(), process.output())
            with contextlib.suppress(OSError):
                return client.get("/-/ready").status == 200
            return False

        wait_until(ready, "Prometheus is ready")
        return client

    def start_upstream(self):
        upstream = Upstream()
        self.addCleanup(upstream.stop)
        return upstream
