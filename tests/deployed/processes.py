"""Processes of a test: started, waited for, ended. What they print is kept."""

import os
import pathlib
import re
import socket
import subprocess
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
HOME = pathlib.Path(os.environ["EMULATOR_HOME"])
CONNECTOR = pathlib.Path(os.environ.get("CONNECTOR", ROOT / "target/release/connector"))
PATIENCE = 60


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def until(what, condition, patience=PATIENCE, every=0.2):
    """The first true value of `condition`; fails when there is none in time."""
    ends = time.monotonic() + patience
    while time.monotonic() < ends:
        found = condition()
        if found:
            return found
        time.sleep(every)
    raise AssertionError(f"waited in vain: {what}")


def processes():
    return [int(entry) for entry in os.listdir("/proc") if entry.isdigit()]


def environment(process):
    """What a process was given; nothing where it is another one's, or gone."""
    try:
        return pathlib.Path(f"/proc/{process}/environ").read_bytes()
    except OSError:
        return b""


class Process:
    """A process that is ready once it has printed a line that matches."""

    def __init__(self, arguments, ready, environment=None):
        self.printed = ""
        self._child = subprocess.Popen(
            [str(argument) for argument in arguments],
            env={"PATH": os.environ["PATH"], "HOME": os.environ["HOME"], **(environment or {})},
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        try:
            until(f"{arguments[0]} to be ready", lambda: self._is_ready(ready))
        except AssertionError as error:
            self.stop()
            raise AssertionError(f"{error}\n{self.printed}") from None

    def _read(self):
        for line in self._child.stdout:
            self.printed += line

    def _is_ready(self, ready):
        if self._child.poll() is not None:
            raise AssertionError(f"the process ended with {self._child.returncode}")
        return re.search(ready, self.printed)

    @property
    def id(self):
        return self._child.pid

    def value(self, name):
        return re.search(rf"^{name}=(.*)$", self.printed, re.MULTILINE)[1].strip()

    def kill(self):
        """Ends it without a word; answers how many there were to end."""
        if self._child.poll() is not None:
            return 0
        self._child.kill()
        self._child.wait()
        return 1

    def stop(self):
        if self._child.poll() is None:
            self._child.terminate()
            try:
                self._child.wait(20)
            except subprocess.TimeoutExpired:
                self._child.kill()
                self._child.wait()
        self._reader.join(5)
        self._child.stdout.close()


def simulated(side, *arguments):
    return Process([CONNECTOR, "simulate", side, "--listen", "127.0.0.1:0", *arguments], r"client_secret=.*\n")
