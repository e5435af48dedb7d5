"""One installation in the emulated AWS, with a simulated tenant and a simulated PBX, connected and synced once."""

import hashlib
import json
import secrets
import urllib.request

from cloud import Cloud, opened
from processes import ROOT, simulated, until

APPLICATION = "https://linkus.example.com/signed-in"
ENDED = ("succeeded", "partly_failed", "failed", "held", "cancelled")
# Seconds a message that failed waits until it comes again; on AWS longer than a run may take.
HIDDEN = 2


class Installation:
    def __init__(self):
        self.graph = simulated("graph", "--users", "6")
        self.pbx = simulated("pbx", "--users", "50")
        self.token = secrets.token_hex(32)
        Cloud.parameters = {
            "GraphBaseUrl": self.graph.value("GRAPH_BASE_URL"),
            "LoginBaseUrl": self.graph.value("LOGIN_BASE_URL").rstrip("/"),
            "BootstrapTokenSha256": hashlib.sha256(self.token.encode()).hexdigest(),
        }
        self.tenant, self.app = self.graph.value("tenant_id"), self.graph.value("client_id")
        self.secret = self.graph.value("client_secret")
        try:
            self.cloud = Cloud()
        except BaseException:
            self.graph.stop()
            self.pbx.stop()
            raise
        for queue in ("SyncQueue", "PresenceQueue"):
            self.cloud.client("sqs").set_queue_attributes(
                QueueUrl=self.cloud.resources[queue], Attributes={"VisibilityTimeout": str(HIDDEN)})

    def stop(self):
        self.cloud.stop()
        self.graph.stop()
        self.pbx.stop()

    def connect(self):
        # Whoever is first makes the key that proves notifications; all others take it from the table.
        self.tick()
        for path in ("/connect/callback", "/sso/callback", "/console/callback"):
            self.in_tenant("PUT", f"/apps/{self.app}/redirect-uris", {"uri": self.cloud.gate.origin + path})
        answer = self.api("POST", "", {
            "name": "Deployed", "tenant_id": self.tenant, "client_id": self.app, "client_secret": self.secret,
            "pbx": {
                "base_url": self.pbx.value("base_url"), "client_id": self.pbx.value("client_id"),
                "client_secret": self.pbx.value("client_secret"),
                "linkus_sdk": {"access_id": "simulated-access-id", "access_key": "simulated-access-key"},
            },
        })
        self.connection = answer["id"]
        settings, etag = self.settings()
        settings["users"]["enabled"] = True
        settings["change_sync"]["change_threshold"] = 1
        settings["sso"] = {"enabled": True, "redirect_uris": [APPLICATION]}
        self.api("PUT", "/settings", settings, {"if-match": etag})
        return self.ended_run("first_save")

    def api(self, method, rest, body=None, headers=None):
        path = f"/api/v1/connections{'/' + self.connection if hasattr(self, 'connection') else ''}{rest}"
        status, _, text = self.cloud.ask(method, path, body, {"authorization": f"Bearer {self.token}", **(headers or {})})
        if status >= 400:
            raise AssertionError(f"{method} {path}: {status} {text}\n{self.cloud.log()[-3000:]}")
        return json.loads(text or "null")

    def settings(self):
        path = f"/api/v1/connections/{self.connection}/settings"
        status, headers, text = self.cloud.ask("GET", path, headers={"authorization": f"Bearer {self.token}"})
        assert status == 200, text
        return json.loads(text), headers["etag"]

    def runs(self, trigger=None):
        runs = self.api("GET", "/sync-runs")["items"]
        return [run for run in runs if trigger in (None, run["trigger"])]

    def ended_run(self, trigger, beyond=0):
        """The latest ended run of this trigger, once there are more than `beyond`."""
        def ended():
            runs = [run for run in self.runs(trigger) if run["state"] in ENDED]
            return runs[0] if len(runs) > beyond else None
        return until(f"a run of trigger {trigger}", ended)

    def tick(self):
        """What the clock brings each minute, now."""
        event = json.loads((ROOT / "events/scheduler/every-minute.json").read_text())
        answer, failed = self.cloud.invoke("scheduler", event)
        assert failed is None, answer

    def subscription(self, resource):
        """The subscription at the simulated Graph for a kind of object."""
        def found():
            known = self._ask_simulator(self._login, "GET", "/subscriptions", None)
            return next((one for one in known if resource in json.dumps(one).lower()), None)
        return until(f"a subscription of {resource}", found)

    @property
    def _login(self):
        return self.graph.value("LOGIN_BASE_URL").rstrip("/")

    def at_graph(self, method, rest, body=None):
        return self._ask_simulator(self._login, method, rest, body)

    def in_tenant(self, method, rest, body=None):
        return self.at_graph(method, f"/tenants/{self.tenant}{rest}", body)

    def on_pbx(self, method, rest, body=None):
        return self._ask_simulator(self.pbx.value("base_url"), method, rest, body)

    @staticmethod
    def _ask_simulator(origin, method, rest, body):
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{origin}/_sim{rest}", method=method, data=data, headers={
            "content-type": "application/json"})
        status, _, text = opened(request)
        assert status < 400, f"{method} {rest}: {status} {text}"
        return json.loads(text or "null")

    def extension(self, number):
        return next((one for one in self.on_pbx("GET", "/extensions") if one["number"] == number), None)
