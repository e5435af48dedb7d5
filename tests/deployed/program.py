"""All functions in one process: the program `connector serve`, as somebody starts it who runs it without a cloud."""

import shutil
import tempfile

from processes import CONNECTOR, Process, free_port
from way import Host, Way


class Program(Host):
    def __init__(self, settings):
        """With settings as they stand in its environment."""
        self._folder = tempfile.mkdtemp(prefix="program-")
        port = free_port()
        # What stands before it in real life, and is its public address.
        self.gate = Way(port)
        self._settings = {
            "CONNECTOR_DATA_DIR": self._folder, "CONNECTOR_LISTEN": f"127.0.0.1:{port}", "PUBLIC_BASE_URL": self.gate.origin,
            "PBX_ADDRESS_POLICY": "loopback", **settings}
        self._lives = []
        try:
            self.revive()
        except BaseException:
            self.stop()
            raise

    def stop(self):
        for life in self._lives:
            life.stop()
        self.gate.stop()
        shutil.rmtree(self._folder, ignore_errors=True)

    def tick(self):
        """Its clock ticks every few seconds by itself."""

    def kill_run(self):
        """Ends the process as a machine that fails would; answers how many there were."""
        return self._lives[-1].kill()

    def revive(self):
        """Starts it, with whatever the last one left."""
        self._lives.append(Process([CONNECTOR, "serve"], r"The connector serves", self._settings))

    def log(self):
        """Everything that it printed, in all its lives."""
        return "\n".join(life.printed for life in self._lives)
