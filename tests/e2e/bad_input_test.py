"""What a wrong call gets: one message with the place and the mend, status 2, and nothing half-written."""

import json
import os
import pathlib
import socket
import subprocess
import tempfile
import unittest

from harness import BINARY

CONFIG = "listen: {{ http: 127.0.0.1:{port} }}\nendpoints: [ {{ name: browse, match: '/browse/**' }} ]\nstate: {state}\n"


class BadInput(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def refused(self, *arguments, says):
        done = subprocess.run(
            [BINARY, *map(str, arguments)], capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=120, check=False
        )
        self.assertEqual(done.returncode, 2, f"{arguments}: {done.stderr}")
        self.assertEqual(done.stdout, "")
        for words in says:
            self.assertIn(words, done.stderr)

    def write(self, name, content):
        path = self.folder / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    def config(self, name="gate.yaml", port=0, state="gate.db"):
        return self.write(name, CONFIG.format(port=port, state=state))

    def test_an_unknown_command_is_named_with_the_one_that_was_meant(self):
        self.refused("replya", says=["no such command: replya", "did you mean replay?", "--help"])
        self.refused("nonsense", "--help", says=["no such command: nonsense"])
        self.refused(says=["--help"])

    def test_inputs_that_are_no_logs(self):
        self.refused("inspect", self.folder, says=[f"{self.folder}: is a directory", "/*"])
        self.refused("inspect", self.folder / "none", says=["No such file"])
        self.refused("inspect", self.folder / "*.none", says=["no file matches"])
        self.refused("inspect", "-", "-", says=["named twice"])
        self.refused("inspect", "-", says=["standard input: empty input"])
        self.refused("inspect", self.write("empty.csv", ""), says=["empty.csv: empty input"])
        self.refused("inspect", self.write("bytes", bytes(range(256)) * 40), says=["bytes: no known format", "--format"])
        self.refused("train", self.config(), "-o", self.folder / "model", says=["it is a configuration (for --config), not a log"])
        self.refused("inspect", self.write("header.csv", "timestamp,client_ip,path\n"), says=["header.csv"])

    def test_numbers_that_do_not_fit_are_no_other_numbers(self):
        place = self.folder / "made.csv"
        for seed in ("-1", "18446744073709551616", "many", "1.5"):
            self.refused("generate", "-o", place, f"--seed={seed}", says=["--seed", f'"{seed}"', "from 0 to 18446744073709551615"])
        self.refused("generate", "-o", place, "--seed", "-1", says=["--seed"])
        self.refused("generate", "-o", place, "--days", "abc", says=["--days", '"abc" is no number', "such as 30"])
        self.assertFalse(place.exists())

    def test_memory_that_the_machine_does_not_have_is_named(self):
        log = self.write("access.log", '192.0.2.1 - - [01/Jul/2026:00:00:01 +0000] "GET /browse/1 HTTP/1.1" 200 5\n')
        for key in ("buckets", "clients"):
            config = self.config()
            config.write_text(config.read_text() + f"memory: {{ {key}: 1024GiB }}\n")
            for command in (["serve", "--config", config], ["replay", log, "--config", config]):
                done = subprocess.run([BINARY, *command], capture_output=True, text=True, timeout=120, check=False)
                self.assertEqual((done.returncode, done.stdout), (1, ""), done.stderr)
                self.assertIn("lower memory.buckets, memory.clients or memory.leases", done.stderr)

    def test_a_drawn_file_takes_the_place_of_no_device_pipe_or_link(self):
        log = self.write("access.log", '192.0.2.1 - - [01/Jul/2026:00:00:01 +0000] "GET /browse/1 HTTP/1.1" 200 5\n')
        limits = self.write("limits.yaml", "domain: shop\ndescriptors: [ { key: path, value: /a, rate_limit: { unit: minute, requests_per_unit: 5 } } ]\n")
        pipe, link, real = self.folder / "pipe", self.folder / "link.yaml", self.folder / "real.yaml"
        os.mkfifo(pipe)
        link.symlink_to(real)
        for command in (["suggest", log], ["import-config", limits]):
            for place in (pipe, self.folder):
                self.refused(*command, "--force", "-o", place, says=[f"{place}: is no regular file", "- to have it printed"])
            subprocess.run([BINARY, *command, "--force", "-o", link], capture_output=True, timeout=60, check=True)
            self.assertTrue(link.is_symlink() and pipe.is_fifo())
            self.assertIn("# Drawn by", real.read_text())

    def test_a_single_window_has_no_distance_to_others(self):
        rows = self.write("one.csv", "timestamp,value\n2026-01-01T00:00:00Z,5\n")
        for options in ([], ["--json"]):
            told = subprocess.run([BINARY, "inspect", rows, *options], capture_output=True, text=True, timeout=60, check=True).stdout
            self.assertIn("2026-01-01T00:00:00Z", told)
            self.assertNotIn("1ns", told)

    def test_options_that_would_change_nothing_are_refused(self):
        self.refused("mode", "--for", "30m", says=["--for requires PART"])
        self.refused("mode", "--reason", "a try", says=["--reason requires PART"])
        self.refused("configs", "--reason", "a try", says=["--reason requires --return-to"])
        self.refused("train", self.config(), "-o", self.folder / "m", "--no-forecast", "--epochs", 5, says=["excludes", "--epochs"])
        self.refused("train", self.config(), "-o", self.folder / "m", "--no-forecast", "--preset", "best", says=["excludes", "--preset"])
        token = self.write("token", "ops:" + "t" * 40)
        for client in ("user/ana", "203.0.113.7 HTTP/1.1", "203.0.113.7/8", "ana"):
            self.refused("unblock", "--client", client, "--token-file", token, says=["--client: "])

    def test_bytes_that_are_no_text_are_no_crash(self):
        name = os.fsencode(self.folder) + b"/caf\xe9.yaml"
        done = subprocess.run([BINARY, "check-config", name, "--json"], capture_output=True, timeout=60, check=False)
        self.assertEqual(done.returncode, 2, done.stderr)
        self.assertFalse(json.loads(done.stdout)["valid"])
        token = self.write("token", "ops:" + "t" * 40)
        done = subprocess.run([BINARY, "mode", "all", "off", "--reason", b"caf\xe9", "--token-file", token, "--url", "http://127.0.0.1:1"],
                              capture_output=True, text=True, timeout=60, check=False)
        self.assertIn("does not answer", done.stderr)

    def test_fields_of_json_in_a_log_that_is_none_are_named(self):
        log = self.write("access.log", '192.0.2.1 - - [01/Jul/2026:00:00:01 +0000] "GET /browse/1 HTTP/1.1" 200 5\n')
        for command in (["inspect", log, "--json"], ["replay", log, "--config", self.config(), "--json"]):
            done = subprocess.run(
                [BINARY, *command, "--field", "client_ip=peer"], capture_output=True, text=True, timeout=120, check=True
            )
            self.assertIn("--field names fields of JSON and columns of csv, and no input is either (format: common)", done.stderr)

    def test_a_report_is_written_over_nothing_that_it_is_made_of(self):
        log = self.write("access.log", '192.0.2.1 - - [01/Jul/2026:00:00:01 +0000] "GET /browse/1 HTTP/1.1" 200 5\n')
        config = self.config()
        other = self.config("other.yaml")
        (self.folder / "link.html").symlink_to(log)
        (self.folder / "hard.html").hardlink_to(config)
        empty = self.write("labels.csv", "")
        mine = self.write("notes.html", "<!doctype html>\n<p>by hand</p>\n")
        kept = {path: path.read_bytes() for path in (log, config, other, empty, mine)}
        replay = ["replay", log, "--config", config, "--against", other, "--report"]
        over = "would be written over; choose another name"
        self.refused(*replay, log, says=[f"--report {log}: is an input", over])
        self.refused(*replay, self.folder / "link.html", says=["link.html: is an input", over])
        self.refused(*replay, config, says=["is the file of --config", over])
        self.refused(*replay, self.folder / "hard.html", says=["is the file of --config", over])
        self.refused(*replay, f"{self.folder}/./other.yaml", says=["is the file of --against", over])
        self.refused(*replay, mine, says=["notes.html: is there already", "choose another name, or remove"])
        self.refused(*replay, "-", says=["--report", "name a file"])
        self.refused(*replay, self.folder, says=["is a folder"])
        self.refused(*replay, self.folder / "none" / "r.html", says=["there is no folder"])
        evaluate = ["evaluate", log, "--model", self.folder / "none", "--labels", empty, "--report"]
        self.refused(*evaluate, log, says=["is an input", over])
        self.refused(*evaluate, empty, says=["is the file of --labels", over])
        self.refused(*evaluate, mine, says=["notes.html: is there already"])
        for path, content in kept.items():
            self.assertEqual(path.read_bytes(), content)

    def test_models_that_are_not_there_are_wrong_usage_for_every_command(self):
        log = self.write("access.log", '192.0.2.1 - - [01/Jul/2026:00:00:01 +0000] "GET /browse/1 HTTP/1.1" 200 5\n')
        none = self.folder / "none"
        for command in (["models"], ["explain", log, "--client", "192.0.2.1"], ["evaluate", log],
                        ["replay", log, "--config", self.config()]):
            self.refused(*command, "--model", none, says=[f"tidelimit {command[0]}: {none}: "])

    def test_a_token_file_that_is_not_there_is_wrong_usage(self):
        for command in (["why", "--user", "u"], ["mode"], ["unblock", "--client", "192.0.2.1"], ["configs"], ["shadow-report"]):
            self.refused(*command, "--token-file", "/nowhere/token", says=[f"tidelimit {command[0]}: ", "/nowhere/token"])

    def test_a_live_command_without_a_token_says_what_to_write(self):
        config = self.config()
        for command in (["why", "--user", "u"], ["mode"], ["unblock", "--client", "192.0.2.1"]):
            self.refused(*command, "--config", config, says=[str(config), "admin: { token_file: var/admin.token }"])

    def test_serve_refuses_what_it_cannot_have(self):
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            port = taken.getsockname()[1]
            self.refused("serve", "--config", self.config(port=port), says=[f"127.0.0.1:{port}", "in use"])
        self.refused("serve", "--config", self.config(state="/proc/none/gate.db"), says=["/proc/none", "`state`"])
        self.refused("serve", "--config", self.config(state="."), says=[":3: state: "])
        note = self.write("note.txt", "a letter, not a database")
        self.refused("serve", "--config", self.config(state="note.txt"), says=["note.txt", "left alone"])
        self.assertEqual(note.read_text(), "a letter, not a database")
        self.refused("serve", "--config", self.folder, says=["is a folder"])
        os.mkfifo(self.folder / "pipe")
        self.refused("serve", "--config", self.folder / "pipe", says=["pipe: is a pipe", "write it to a file"])
        self.refused("quickstart", "--for", "nonsense", says=["--for", "nonsense"])


if __name__ == "__main__":
    unittest.main()
