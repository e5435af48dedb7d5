"""One installation on one host, with a simulated tenant and a simulated PBX, connected and synced once."""

import hashlib
import json
import secrets
import urllib.parse

from processes import simulated, until
from way import Line, ask

APPLICATION = "https://linkus.example.com/signed-in"
ENDED = ("succeeded", "partly_failed", "failed", "held", "cancelled")


class Installation:
    def __init__(self, host):
        """On a host of this kind."""
        self.graph = simulated("graph", "--users", "6")
        self.pbx = simulated("pbx", "--users", "50")
        self.line = Line(urllib.parse.urlparse(self.pbx.value("base_url")).port)
        self.token = secrets.token_hex(32)
        self.login = self.graph.value("LOGIN_BASE_URL").rstrip("/")
        self.tenant, self.app = self.graph.value("tenant_id"), self.graph.value("client_id")
        # What must turn up nowhere.
        self.secrets = [
            self.token, self.graph.value("client_secret"), self.pbx.value("client_secret"), "simulated-access-key"]
        self.host = None
        try:
            self.host = host({
                "GRAPH_BASE_URL": self.graph.value("GRAPH_BASE_URL"), "LOGIN_BASE_URL": self.login,
                "BOOTSTRAP_TOKEN_SHA256": hashlib.sha256(self.token.encode()).hexdigest(),
            })
        except BaseException:
            self.stop()
            raise

    def stop(self):
        if self.host:
            self.host.stop()
        self.line.stop()
        self.graph.stop()
        self.pbx.stop()

    def connect(self):
        # Whoever is first makes the key that proves notifications; all others take it from the table.
        self.host.tick()
        for path in ("/connect/callback", "/sso/callback", "/console/callback"):
            self.in_tenant("PUT", f"/apps/{self.app}/redirect-uris", {"uri": self.host.origin + path})
        answer = self.api("POST", "", {
            "name": "Deployed", "tenant_id": self.tenant, "client_id": self.app,
            "client_secret": self.graph.value("client_secret"),
            "pbx": {
                "base_url": self.line.origin, "client_id": self.pbx.value("client_id"),
                "client_secret": self.pbx.value("client_secret"),
                "linkus_sdk": {"access_id": "simulated-access-id", "access_key": "simulated-access-key"},
            },
        })
        self.connection = answer["id"]
        settings, etag = self.versioned("/settings")
        settings["users"]["enabled"] = True
        settings["change_sync"]["change_threshold"] = 1
        settings["sso"] = {"enabled": True, "redirect_uris": [APPLICATION]}
        self.api("PUT", "/settings", settings, {"if-match": etag})
        self.first_run = self.ended_run("first_save")

    def api(self, method, rest, body=None, headers=None):
        path = f"/api/v1/connections{'/' + self.connection if hasattr(self, 'connection') else ''}{rest}"
        status, _, text = self.host.ask(method, path, body, {"authorization": f"Bearer {self.token}", **(headers or {})})
        if status >= 400:
            raise AssertionError(f"{method} {path}: {status} {text}\n{self.host.log()[-3000:]}")
        return json.loads(text or "null")

    def versioned(self, rest):
        """A document of the connection, and the version that it is."""
        path = f"/api/v1/connections/{self.connection}{rest}"
        status, headers, text = self.host.ask("GET", path, headers={"authorization": f"Bearer {self.token}"})
        assert status == 200, text
        return json.loads(text), headers["etag"]

    def somebody(self):
        """Whoever has an extension first."""
        return self.api("GET", "/bindings?kind=user")["items"][0]

    def run_ended(self, run):
        return self.api("GET", f"/sync-runs/{run}")["state"] == "succeeded"

    def runs(self, trigger=None):
        runs = self.api("GET", "/sync-runs")["items"]
        return [run for run in runs if trigger in (None, run["trigger"])]

    def ended_run(self, trigger, beyond=0):
        """The latest ended run of this trigger, once there are more than `beyond`."""
        def ended():
            runs = [run for run in self.runs(trigger) if run["state"] in ENDED]
            return runs[0] if len(runs) > beyond else None
        return until(f"a run of trigger {trigger}", ended)

    def left_to_do(self):
        """How much a full run would do now."""
        check = self.api("POST", "/sync-runs", {"mode": "full", "dry_run": True})["id"]

        def ended():
            self.host.tick()
            return self.run_ended(check)

        until("the check to end", ended)
        counts = self.api("GET", f"/sync-runs/{check}")["counts"]
        return sum(counts[kind] for kind in ("create", "update", "bind", "release", "delete", "failed"))

    def carries_presence(self):
        settings, etag = self.versioned("/settings")
        settings["presence"].update(enabled=True, users_default="on")
        self.api("PUT", "/settings", settings, {"if-match": etag})

    def subscription(self, resource):
        """The subscription at the simulated Graph for a kind of object."""
        def found():
            known = self._ask_simulator(self.login, "GET", "/subscriptions", None)
            return next((one for one in known if resource in json.dumps(one).lower()), None)
        return until(f"a subscription of {resource}", found)

    def at_graph(self, method, rest, body=None):
        return self._ask_simulator(self.login, method, rest, body)

    def in_tenant(self, method, rest, body=None):
        return self.at_graph(method, f"/tenants/{self.tenant}{rest}", body)

    def joins(self, mail):
        """Somebody who is to get an extension."""
        return self.in_tenant("POST", "/users", {
            "displayName": mail, "givenName": "Joiner", "surname": mail.partition("@")[0], "mail": mail,
            "userPrincipalName": mail, "accountEnabled": True, "userType": "Member"})["id"]

    def signed_in(self, address, person):
        """Signs in at Microsoft, as a browser that was sent to this address; answers where it is sent then."""
        user = self.in_tenant("GET", f"/users/{person}")
        form = urllib.parse.urlencode({
            "request": urllib.parse.urlparse(address).query, "username": user["userPrincipalName"]}).encode()
        kind = {"content-type": "application/x-www-form-urlencoded"}
        status, headers, text = ask(self.login, "POST", f"/{self.tenant}/login", form, kind)
        assert status == 302, text
        return headers["location"]

    def on_pbx(self, method, rest, body=None):
        return self._ask_simulator(self.pbx.value("base_url"), method, rest, body)

    @staticmethod
    def _ask_simulator(origin, method, rest, body):
        status, _, text = ask(origin, method, f"/_sim{rest}", body)
        assert status < 400, f"{method} {rest}: {status} {text}"
        return json.loads(text or "null")

    def extension(self, number):
        return next((one for one in self.on_pbx("GET", "/extensions") if one["number"] == number), None)
