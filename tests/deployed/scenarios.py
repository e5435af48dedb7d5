"""What an installation does, whatever it runs on: what the world asks it, what Microsoft tells it, what goes wrong on the
way. Each class is bound to every host by a module of its own (`on`).
"""

import hmac
import json
import unittest

from installation import ENDED, Installation
from phone import Phone
from processes import until
from way import Receiver


def on(module):
    """Every scenario as a class of a module of tests; none is left out."""
    return {one.__name__: type(one.__name__, (one,), {"__module__": module}) for one in Scenario.__subclasses__()}


def begin(host):
    """The installation that all scenarios of a module are about, on a host of this kind."""
    Scenario.installation = Installation(host)
    unittest.addModuleCleanup(Scenario.installation.stop)
    Scenario.installation.connect()
    return Scenario.installation


class Scenario(unittest.TestCase):
    # Of the module that is run.
    installation = None

    @property
    def host(self):
        return self.installation.host


class Api(Scenario):
    def test_the_world_reaches_exactly_what_it_may(self):
        self.assertEqual(self.host.ask("GET", "/healthz")[0], 200)
        self.assertEqual(json.loads(self.host.ask("GET", "/openapi.json")[2])["openapi"][:2], "3.")
        status, headers, _ = self.host.ask("GET", "/")
        self.assertEqual((status, headers["location"]), (303, "/console"))
        status, headers, _ = self.host.ask("GET", "/me")
        self.assertEqual(status, 302)
        self.assertEqual(headers["location"], f"/login?connection={self.installation.connection}")
        self.assertEqual(self.host.ask("GET", "/.env")[0], 404)
        # AWS knows no such route, and the program no such call of it.
        self.assertIn(self.host.ask("DELETE", "/graph/notifications")[0], (404, 405))

    def test_the_admin_api_wants_a_token(self):
        self.assertEqual(self.host.ask("GET", "/api/v1/connections")[0], 401)
        wrong = {"authorization": "Bearer " + "0" * 64}
        self.assertEqual(self.host.ask("GET", "/api/v1/connections", headers=wrong)[0], 401)


class Sync(Scenario):
    def test_the_first_run_gave_people_their_extensions(self):
        self.assertEqual(self.installation.first_run["state"], "succeeded")
        bindings = self.installation.api("GET", "/bindings?kind=user")["items"]
        self.assertGreater(len(bindings), 2)
        for binding in bindings:
            self.assertIsNotNone(self.installation.extension(binding["number"]))

    def test_a_change_in_the_tenant_follows_through_its_notification_alone(self):
        looked_at = self.look()
        self.installation.subscription("users")
        self.follows("Head of Emulation", lambda: None)
        self.assertEqual(self.looked_at(), looked_at)

    def test_a_lost_notification_is_made_up_for_by_the_next_look(self):
        self.host.tick()
        self.installation.subscription("users")

        def missed():
            until("the notification to be lost", lambda: self.host.gate.lost > lost)
            self.host.gate.loses_requests_at = set()
            self.look()

        self.host.gate.loses_requests_at = {"/graph/notifications"}
        self.addCleanup(setattr, self.host.gate, "loses_requests_at", set())
        lost = self.host.gate.lost
        self.follows("Head of Lost Letters", missed)

    def look(self):
        """Has the next look at the change list come at once, which by itself comes within minutes; answers when it came."""
        before = self.looked_at()
        self.installation.api("PATCH", "", {})
        self.host.tick()
        return until("a look", lambda: self.looked_at() != before and self.looked_at())

    def looked_at(self):
        return self.installation.api("GET", "")["notifications"].get("last_look_at")

    def follows(self, title, meanwhile):
        person = self.installation.somebody()
        runs = len(self.installation.runs("changes"))
        self.installation.in_tenant("PATCH", f"/users/{person['entra_id']}", {"jobTitle": title})
        meanwhile()
        run = self.installation.ended_run("changes", runs)
        self.assertEqual(run["state"], "succeeded")
        self.assertIn(title, json.dumps(self.installation.extension(person["number"])))

    def test_a_run_that_somebody_asks_for_is_run_once_and_writes_once(self):
        person, runs = self.installation.somebody(), len(self.installation.runs("manual"))
        self.installation.on_pbx("POST", "/reset-counters")
        self.installation.in_tenant("PATCH", f"/users/{person['entra_id']}", {"jobTitle": "Head of Haste"})
        asked = self.installation.api("POST", "/sync-runs", {"mode": "full", "dry_run": False})["id"]
        until("the run to end", lambda: self.installation.run_ended(asked))
        # The change may have started one of its own.
        until("all runs to end", lambda: all(run["state"] in ENDED for run in self.installation.runs()))
        self.assertEqual(len(self.installation.runs("manual")), runs + 1)
        extension = self.installation.extension(person["number"])
        self.assertIn("Head of Haste", json.dumps(extension))
        self.assertEqual([one["id"] for one in self.installation.on_pbx("GET", "/writes")], [extension["id"]])


class Killed(Scenario):
    # Longer than the dead run's lease may live, and a run after it.
    PATIENCE = 180

    def test_a_run_that_is_killed_halfway_is_ended_by_another_with_nobody_left_out_and_nobody_twice(self):
        mails = [f"joiner{number}@contoso.example" for number in range(8)]
        self.installation.line.hold()
        self.addCleanup(self.installation.line.let_go)
        people = [self.installation.joins(mail) for mail in mails]
        asked = self.installation.api("POST", "/sync-runs", {"mode": "full", "dry_run": False})["id"]
        # The first extension is there, and who had it made was not told.
        self.assertTrue(self.installation.line.made.wait(60))
        self.assertGreater(self.host.kill_run(), 0)
        self.installation.line.let_go()
        self.assertEqual(sorted(len(found) for found in self.extensions_of(mails)), [0] * 7 + [1])

        self.host.revive()
        self.on_the_way_back()
        until("another to end the run", lambda: self.ended(asked), patience=self.PATIENCE, every=1)
        made = self.extensions_of(mails)
        self.assertEqual([len(found) for found in made], [1] * len(mails))
        bound = {one["entra_id"]: one["number"] for one in self.installation.api("GET", "/bindings?kind=user")["items"]}
        for person, (extension,) in zip(people, made, strict=True):
            self.assertEqual(bound[person], extension["number"])
        self.assertEqual(self.installation.left_to_do(), 0)

    def on_the_way_back(self):
        """What else goes wrong on a host, after the death."""

    def extensions_of(self, mails):
        extensions = self.installation.on_pbx("GET", "/extensions")
        return [[one for one in extensions if mail in json.dumps(one)] for mail in mails]

    def ended(self, run):
        self.host.tick()
        return self.installation.run_ended(run)


class Presence(Scenario):
    # spec: 133
    def test_extensions_follow_what_people_show_in_teams(self):
        person = self.installation.somebody()
        self.installation.in_tenant("PUT", f"/users/{person['entra_id']}/presence", {"availability": "BeRightBack"})
        self.installation.carries_presence()
        self.host.tick()
        until("a poll", lambda: "last_good_poll_at" in self.installation.api("GET", "")["presence"])
        last = self.installation.api("GET", f"/users/{person['entra_id']}/presence")["last"]
        self.assertEqual((last["teams"], last["extension"]), ("be_right_back", "lunch"))
        self.assertEqual(self.installation.extension(person["number"])["presence_status"], "lunch")


class Alerts(Scenario):
    def test_alerts_are_posted_to_a_webhook_and_signed(self):
        receiver = Receiver()
        self.addCleanup(receiver.stop)
        before, etag = self.installation.versioned("/alerts")
        told = {**before, "webhook": {"url": f"{receiver.origin}/hook"}}
        secret = self.installation.api("PUT", "/alerts", told, {"if-match": etag})["webhook_secret"]
        self.installation.secrets.append(secret)
        self.addCleanup(lambda: self.installation.api("PUT", "/alerts", before, {"if-match": "*"}))
        channels = self.installation.api("POST", "/alerts/test")["channels"]
        self.assertIn({"channel": "webhook", "delivered": True}, channels)
        [(signature, body)] = receiver.heard
        message = json.loads(body)
        self.assertEqual((message["type"], message["connection"]["id"]), ("test", self.installation.connection))
        time = dict(part.split("=") for part in signature.split(","))["t"]
        proof = hmac.new(secret.encode(), f"{time}.".encode() + body, "sha256").hexdigest()
        self.assertEqual(signature, f"t={time},v1={proof}")


class SignIn(Scenario):
    def test_an_admin_is_led_to_microsoft_once(self):
        address = self.installation.api("POST", "/authorize")["authorize_url"].removeprefix(self.host.origin)
        status, headers, text = self.host.ask("GET", address)
        self.assertEqual(status, 302, text)
        self.assertTrue(headers["location"].startswith(self.installation.login))
        self.assertEqual(self.host.ask("GET", address)[0], 400)

    def test_a_connection_is_looked_at_anew(self):
        self.assertEqual(self.installation.api("PATCH", "", {})["status"], "connected")

    def test_a_person_signs_in_and_gets_the_signature_of_their_extension(self):
        person = self.installation.somebody()
        phone = Phone(self.installation)
        phone.sets_out()
        phone.comes_back(person["entra_id"])
        status, signed = phone.exchanges_its_code()
        self.assertEqual(status, 200, signed)
        self.assertEqual(signed["extension"], person["number"])
        self.assertEqual(self.installation.on_pbx("GET", f"/signatures/{signed['sign']}"), {"number": person["number"]})
        self.assertEqual(phone.exchanges_its_code()[0], 400)


class ZLogs(Scenario):
    """Last, when everything happened."""

    # case: 63
    def test_nothing_secret_and_nothing_personal_is_in_any_log(self):
        log = self.host.log()
        self.assertIn("the sync run ended", log)
        user = self.installation.in_tenant("GET", f"/users/{self.installation.somebody()['entra_id']}")
        words = [
            *self.installation.secrets, user["displayName"], user["userPrincipalName"], "Head of Emulation",
            "joiner0@contoso.example",
        ]
        for word in words:
            self.assertNotIn(word, log)
