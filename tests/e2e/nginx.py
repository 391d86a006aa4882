"""Debian's nginx with exactly the files of deploy/nginx, but for ports and places."""

import contextlib
import os
import shutil

from harness import SOURCE, HttpClient, Process, free_port, wait_until

FRAME = """
daemon off;
user {user};
worker_processes 1;
pid {folder}/nginx.pid;
error_log {folder}/error.log notice;
events {{ worker_connections 1024; }}
http {{
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    include site.conf;
}}
"""


def replace(text, old, new):
    """A replacement that must find its place: the files of deploy/ and this test change together."""
    if old not in text:
        raise AssertionError(f"deploy/nginx no longer says {old!r}")
    return text.replace(old, new)


class Nginx:
    def __init__(self, folder, gate_port, syslog_port, upstream_port, fail_closed=False, users="", tiers="",
                 locations="", edits=()):
        self.folder = folder
        self.port = free_port()
        shutil.copytree(SOURCE / "deploy/nginx", folder, ignore=shutil.ignore_patterns("*.md"))
        self.edit("tidelimit_upstream.conf", "127.0.0.1:8080", f"127.0.0.1:{gate_port}")
        self.edit("site.conf", "127.0.0.1:5514", f"127.0.0.1:{syslog_port}")
        self.edit("site.conf", "127.0.0.1:9000", f"127.0.0.1:{upstream_port}")
        self.edit("site.conf", "listen 80;", f"listen 127.0.0.1:{self.port};")
        self.edit("site.conf", "/var/log/nginx/", f"{folder}/")
        self.edit("site.conf", "    # Not limited:", locations + "    # Not limited:")
        self.edit("site.conf", "    access_log syslog:", f"    access_log {folder}/tidelimit.log tidelimit;\n    access_log syslog:")
        for edit in edits:
            self.edit(*edit)
        if fail_closed:
            self.edit("site.conf", "include tidelimit_fail_open.conf;", "include tidelimit_fail_closed.conf;")
        (folder / "tidelimit_users.map").write_text(users)
        (folder / "tidelimit_tiers.map").write_text(tiers)
        user = "root" if os.geteuid() == 0 else "nobody"
        (folder / "nginx.conf").write_text(FRAME.format(folder=folder, user=user))
        self.process = Process(["/usr/sbin/nginx", "-p", folder, "-c", folder / "nginx.conf"], folder / "nginx.log")
        wait_until(self.answers, "nginx answers")

    def edit(self, name, old, new):
        file = self.folder / name
        file.write_text(replace(file.read_text(), old, new))

    def answers(self):
        if not self.process.running():
            raise AssertionError(f"nginx ended:\n{self.process.output()}")
        with contextlib.suppress(OSError), HttpClient(self.port) as client:
            return client.get("/healthz").status == 200
        return False

    def last_line(self):
        """Of the log that tidelimit reads."""
        return (self.folder / "tidelimit.log").read_text(errors="replace").splitlines()[-1]

    def errors(self):
        return (self.folder / "error.log").read_text()

    def stop(self):
        self.process.end()
