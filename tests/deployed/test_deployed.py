"""The deployed installation: what the world asks it, what Microsoft tells it, what the clock and the queues bring."""

import base64
import hashlib
import http.cookies
import json
import secrets
import unittest
import urllib.parse
import urllib.request

from cloud import opened
from installation import APPLICATION, Installation
from processes import ROOT, until

EVENTS = ROOT / "events"


def setUpModule():
    global installation, cloud, first_run
    installation = Installation()
    unittest.addModuleCleanup(installation.stop)
    cloud = installation.cloud
    first_run = installation.connect()


def event(function, name):
    return json.loads((EVENTS / function / f"{name}.json").read_text())


class Api(unittest.TestCase):
    def test_the_world_reaches_exactly_what_it_may(self):
        self.assertEqual(cloud.ask("GET", "/healthz")[0], 200)
        self.assertEqual(json.loads(cloud.ask("GET", "/openapi.json")[2])["openapi"][:2], "3.")
        status, headers, _ = cloud.ask("GET", "/")
        self.assertEqual((status, headers["location"]), (303, "/console"))
        status, headers, _ = cloud.ask("GET", "/me")
        self.assertEqual(status, 302)
        self.assertEqual(headers["location"], f"/login?connection={installation.connection}")
        self.assertEqual(cloud.ask("GET", "/.env")[0], 404)
        self.assertEqual(cloud.ask("DELETE", "/graph/notifications")[0], 404)

    def test_the_admin_api_wants_a_token(self):
        self.assertEqual(cloud.ask("GET", "/api/v1/connections")[0], 401)
        wrong = {"authorization": "Bearer " + "0" * 64}
        self.assertEqual(cloud.ask("GET", "/api/v1/connections", headers=wrong)[0], 401)

    def test_recorded_events_of_the_api_are_answered(self):
        for function in ("admin", "graph-notifications", "sso-exchange"):
            for path in sorted((EVENTS / function).glob("*.json")):
                with self.subTest(event=path.name):
                    answer, failed = cloud.invoke(function, json.loads(path.read_text()))
                    self.assertIsNone(failed)
                    self.assertLess(answer["statusCode"], 500)


class Sync(unittest.TestCase):
    def test_the_first_run_gave_people_their_extensions(self):
        self.assertEqual(first_run["state"], "succeeded")
        bindings = installation.api("GET", "/bindings?kind=user")["items"]
        self.assertGreater(len(bindings), 2)
        for binding in bindings:
            self.assertIsNotNone(installation.extension(binding["number"]))

    def test_a_change_in_the_tenant_follows_through_notification_queue_and_run(self):
        installation.tick()
        installation.subscription("users")
        self.follows("Head of Emulation", lambda: None)

    def test_a_lost_notification_is_made_up_for_by_the_next_look(self):
        installation.tick()
        installation.subscription("users")

        def missed():
            until("the notification to be lost", lambda: cloud.gate.lost > lost)
            cloud.gate.loses_requests_at = set()
            # Has the next look come at once; by itself it would come within minutes.
            installation.api("PATCH", "", {})
            installation.tick()

        cloud.gate.loses_requests_at = {"/graph/notifications"}
        self.addCleanup(setattr, cloud.gate, "loses_requests_at", set())
        lost = cloud.gate.lost
        self.follows("Head of Lost Letters", missed)

    def follows(self, title, meanwhile):
        binding = installation.api("GET", "/bindings?kind=user")["items"][0]
        runs = len(installation.runs("changes"))
        installation.in_tenant("PATCH", f"/users/{binding['entra_id']}", {"jobTitle": title})
        meanwhile()
        run = installation.ended_run("changes", runs)
        self.assertEqual(run["state"], "succeeded")
        self.assertIn(title, json.dumps(installation.extension(binding["number"])))

    def test_a_lost_hint_costs_a_minute_and_nothing_else(self):
        cloud.gate.loses_hints_of, lost = {"admin"}, cloud.gate.lost
        self.addCleanup(setattr, cloud.gate, "loses_hints_of", set())
        asked = installation.api("POST", "/sync-runs", {"mode": "full", "dry_run": True})["id"]
        self.assertEqual(cloud.gate.lost, lost + 1)
        self.assertEqual(installation.api("GET", f"/sync-runs/{asked}")["state"], "queued")
        installation.tick()
        until("the run to end", lambda: installation.api("GET", f"/sync-runs/{asked}")["state"] == "succeeded")

    def test_a_tick_without_anything_due_does_nothing(self):
        before = len(installation.runs())
        installation.tick()
        self.assertEqual(len(installation.runs()), before)

    def test_a_run_that_somebody_asks_for_is_run_once_however_often_its_hint_comes(self):
        asked = installation.api("POST", "/sync-runs", {"mode": "full", "dry_run": False})["id"]
        hint = json.dumps({"connection_id": installation.connection, "trigger": "manual", "run_id": asked})
        for _ in range(3):
            cloud.client("sqs").send_message(QueueUrl=cloud.resources["SyncQueue"], MessageBody=hint)
        until("the run to end", lambda: installation.api("GET", f"/sync-runs/{asked}")["state"] == "succeeded")
        self.assertEqual(len([run for run in installation.runs("manual") if run["id"] == asked]), 1)


class Killed(unittest.TestCase):
    # Longer than the dead run's lease may live, and a run after it.
    PATIENCE = 180

    def test_a_run_that_is_killed_halfway_is_ended_by_another_with_nobody_left_out_and_nobody_twice(self):
        self.addCleanup(setattr, cloud.gate, "holds", False)
        self.addCleanup(setattr, cloud.gate, "holds_once", None)
        cloud.gate.held_up.clear()
        mails = [f"joiner{number}@contoso.example" for number in range(8)]
        # When the first extension is there, and before anything is written down about it.
        cloud.gate.holds_once = ("full-sync", lambda: any(self.extensions_of(mails)))
        people = [self.joins(mail) for mail in mails]
        asked = installation.api("POST", "/sync-runs", {"mode": "full", "dry_run": False})["id"]
        self.assertTrue(cloud.gate.held_up.wait(60))
        self.assertGreater(cloud.kill("full-sync"), 0)
        cloud.gate.holds = False
        begun = self.extensions_of(mails)
        self.assertTrue(any(begun), "the run was killed before it had done anything")
        self.assertFalse(all(begun), "the run was killed when it had done everything")

        # The clock's first hint is lost, and each later one comes twice.
        # Nobody but the clock sends one: the dead run's lease is waited for, then it is due again.
        cloud.gate.loses_hints_of, lost = {"scheduler"}, cloud.gate.lost
        self.addCleanup(setattr, cloud.gate, "loses_hints_of", set())

        def tick_is_lost():
            installation.tick()
            return cloud.gate.lost > lost

        until("the clock to send a hint", tick_is_lost, patience=self.PATIENCE, every=3)
        cloud.gate.loses_hints_of, cloud.gate.doubles_hints_of = set(), {"scheduler"}
        self.addCleanup(setattr, cloud.gate, "doubles_hints_of", set())
        until("another to end the run", lambda: self.ended(asked), patience=self.PATIENCE, every=3)

        made = self.extensions_of(mails)
        self.assertEqual([len(found) for found in made], [1] * len(mails))
        bound = {one["entra_id"]: one["number"] for one in installation.api("GET", "/bindings?kind=user")["items"]}
        for person, (extension,) in zip(people, made, strict=True):
            self.assertEqual(bound[person], extension["number"])
        check = installation.api("POST", "/sync-runs", {"mode": "full", "dry_run": True})["id"]
        until("the check to end", lambda: self.ended(check))
        counts = installation.api("GET", f"/sync-runs/{check}")["counts"]
        self.assertEqual([counts[kind] for kind in ("create", "update", "bind", "delete", "failed")], [0] * 5)

    @staticmethod
    def joins(mail):
        return installation.in_tenant("POST", "/users", {
            "displayName": mail, "givenName": "Joiner", "surname": mail.partition("@")[0], "mail": mail,
            "userPrincipalName": mail, "accountEnabled": True, "userType": "Member"})["id"]

    @staticmethod
    def extensions_of(mails):
        extensions = installation.on_pbx("GET", "/extensions")
        return [[one for one in extensions if mail in json.dumps(one)] for mail in mails]

    @staticmethod
    def ended(run):
        installation.tick()
        return installation.api("GET", f"/sync-runs/{run}")["state"] == "succeeded"


class Queue(unittest.TestCase):
    def test_a_message_that_cannot_be_read_goes_aside_and_holds_up_no_other(self):
        queues = cloud.client("sqs")
        queue, aside = cloud.resources["SyncQueue"], cloud.resources["SyncDeadLetters"]
        poison = "not a hint " + secrets.token_hex(8)
        queues.send_message(QueueUrl=queue, MessageBody=poison)
        asked = installation.api("POST", "/sync-runs", {"mode": "full", "dry_run": True})["id"]
        until("the run to end", lambda: installation.api("GET", f"/sync-runs/{asked}")["state"] == "succeeded")

        def put_aside():
            messages = queues.receive_message(QueueUrl=aside, WaitTimeSeconds=1, VisibilityTimeout=0).get("Messages", [])
            return any(message["Body"] == poison for message in messages)

        until("the message to be put aside", put_aside)
        self.assertNotIn(poison, cloud.log())

    def test_of_a_batch_only_the_bad_messages_are_given_back(self):
        answer, failed = cloud.invoke("full-sync", event("full-sync", "unreadable-among-good"))
        self.assertIsNone(failed)
        bad = [message["itemIdentifier"] for message in answer["batchItemFailures"]]
        self.assertEqual(bad, ["m-1", "m-3"])


class Presence(unittest.TestCase):
    # spec: 133
    def test_extensions_follow_what_people_show_in_teams(self):
        person = installation.api("GET", "/bindings?kind=user")["items"][0]
        installation.in_tenant("PUT", f"/users/{person['entra_id']}/presence", {"availability": "BeRightBack"})
        settings, etag = installation.settings()
        settings["presence"].update(enabled=True, users_default="on")
        installation.api("PUT", "/settings", settings, {"If-Match": etag})
        installation.tick()
        until("a poll", lambda: "last_good_poll_at" in installation.api("GET", "")["presence"])
        last = installation.api("GET", f"/users/{person['entra_id']}/presence")["last"]
        self.assertEqual((last["teams"], last["extension"]), ("be_right_back", "lunch"))


class Alerts(unittest.TestCase):
    def test_alerts_are_published_on_the_topic_of_the_stack(self):
        queues, topics = cloud.client("sqs"), cloud.client("sns")
        queue = queues.create_queue(QueueName="heard")["QueueUrl"]
        arn = queues.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        topics.subscribe(TopicArn=cloud.outputs["AlertTopicArn"], Protocol="sqs", Endpoint=arn)
        told = installation.api("POST", "/alerts/test")["channels"]
        self.assertEqual(told, [{"channel": "topic", "delivered": True}])
        [heard] = queues.receive_message(QueueUrl=queue, WaitTimeSeconds=10)["Messages"]
        message = json.loads(json.loads(heard["Body"])["Message"])
        self.assertEqual((message["type"], message["connection"]["id"]), ("test", installation.connection))


class SignIn(unittest.TestCase):
    def test_an_admin_is_led_to_microsoft_once(self):
        address = installation.api("POST", "/authorize")["authorize_url"].removeprefix(cloud.gate.origin)
        status, headers, text = cloud.ask("GET", address)
        self.assertEqual(status, 302, text)
        self.assertTrue(headers["location"].startswith(installation.graph.value("LOGIN_BASE_URL")))
        self.assertEqual(cloud.ask("GET", address)[0], 400)

    def test_a_connection_is_looked_at_anew(self):
        self.assertEqual(installation.api("PATCH", "", {})["status"], "connected")

    def test_a_person_signs_in_and_gets_the_signature_of_their_extension(self):
        binding = installation.api("GET", "/bindings?kind=user")["items"][0]
        verifier = secrets.token_urlsafe(48)
        challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
        query = urllib.parse.urlencode({
            "connection": installation.connection, "redirect_uri": APPLICATION, "state": "of the app",
            "code_challenge": challenge, "code_challenge_method": "S256"})
        status, headers, text = cloud.ask("GET", f"/login?{query}")
        self.assertEqual(status, 302, text)
        cookies = "; ".join(
            f"{name}={morsel.value}" for cookie in headers.get_all("set-cookie")
            for name, morsel in http.cookies.SimpleCookie(cookie).items())
        back = self.at_microsoft(headers["location"], binding["entra_id"])
        status, headers, text = cloud.ask("GET", back.removeprefix(cloud.gate.origin), headers={"cookie": cookies})
        self.assertEqual(status, 302, text)
        sent = urllib.parse.parse_qs(urllib.parse.urlparse(headers["location"]).query)
        self.assertEqual(sent["state"], ["of the app"])
        form = urllib.parse.urlencode({
            "grant_type": "authorization_code", "code": sent["code"][0], "redirect_uri": APPLICATION,
            "code_verifier": verifier}).encode()
        kind = {"content-type": "application/x-www-form-urlencoded"}
        status, _, text = cloud.ask("POST", "/sso/token", form, kind)
        self.assertEqual(status, 200, text)
        self.assertEqual(json.loads(text)["extension"], binding["number"])
        self.assertEqual(cloud.ask("POST", "/sso/token", form, kind)[0], 400)

    @staticmethod
    def at_microsoft(address, person):
        """Signs in at the simulated host; answers where the browser is sent."""
        user = installation.in_tenant("GET", f"/users/{person}")
        form = urllib.parse.urlencode({
            "request": urllib.parse.urlparse(address).query, "username": user["userPrincipalName"]}).encode()
        login = f"{installation.graph.value('LOGIN_BASE_URL').rstrip('/')}/{installation.tenant}/login"
        status, headers, text = opened(urllib.request.Request(login, data=form))
        assert status == 302, text
        return headers["location"]


class ZLeastPrivilege(unittest.TestCase):
    """Last, when everything was called."""

    # Calls of rare moments, each with its moment.
    RARE = {
        ("admin", "dynamodb:BatchWriteItem"): "deleting a connection",
        ("full-sync", "dynamodb:BatchGetItem"): "parts that are not switched on here",
        ("full-sync", "sqs:SendMessage"): "a run that does not end in time",
        ("graph-notifications", "dynamodb:PutItem"): "being the first function of an installation that is called",
        ("graph-notifications", "kms:Encrypt"): "the same",
        ("presence-poll", "dynamodb:DeleteItem"): "a connection that is gone",
        ("presence-poll", "dynamodb:UpdateItem"): "a session of the PBX that ends",
        ("presence-poll", "kms:Encrypt"): "the same",
        ("scheduler", "dynamodb:DeleteItem"): "a connection that is gone",
    }

    # case: 64
    def test_roles_refuse_what_is_none_of_a_functions_business(self):
        key = cloud.outputs["SecretsKeyArn"]
        table, queue = cloud.outputs["TableName"], cloud.resources["SyncQueue"]

        def of(connection):
            return {"KeyId": key, "EncryptionContext": {"connection_id": connection}}

        nobody = "00000000-0000-0000-0000-000000000000"
        rows = [
            ("graph-notifications", "kms", "Decrypt", of(nobody), True),
            ("graph-notifications", "kms", "Decrypt", of(installation.connection), False),
            ("graph-notifications", "kms", "Decrypt", {"KeyId": key}, False),
            ("admin", "kms", "Decrypt", of(installation.connection), True),
            ("admin", "kms", "Decrypt", {"KeyId": key}, False),
            ("admin", "sqs", "SendMessage", {"QueueUrl": queue}, True),
            ("admin", "sqs", "ReceiveMessage", {"QueueUrl": queue}, False),
            ("admin", "sqs", "SendMessage", {"QueueUrl": cloud.resources["PresenceQueue"]}, False),
            ("scheduler", "sns", "Publish", {"TopicArn": cloud.outputs["AlertTopicArn"]}, True),
            ("scheduler", "sns", "Publish", {"TopicArn": "arn:aws:sns:eu-central-1:111122223333:another"}, False),
            ("full-sync", "sns", "Publish", {"TopicArn": cloud.outputs["AlertTopicArn"]}, False),
            ("sso-exchange", "sqs", "SendMessage", {"QueueUrl": queue}, False),
            ("admin", "dynamodb", "GetItem", {"TableName": table}, True),
            ("admin", "dynamodb", "GetItem", {"TableName": "another"}, False),
            ("admin", "dynamodb", "Scan", {"TableName": table}, False),
            ("full-sync", "dynamodb", "Query", {"TableName": table, "IndexName": "due"}, False),
            ("sso-exchange", "dynamodb", "TransactWriteItems", {"TransactItems": [{"ConditionCheck": {"TableName": table}}]}, False),
        ]
        for function, service, operation, request, allowed in rows:
            with self.subTest(function=function, operation=operation, request=request):
                self.assertEqual(cloud.gate.refused(function, service, operation, request) is None, allowed)

    def test_no_function_was_refused_anything(self):
        self.assertEqual(cloud.gate.denied, [])

    def test_every_function_was_at_work_and_uses_what_it_is_granted(self):
        unused = []
        for function in cloud.functions():
            used = cloud.gate.used.get(function, set())
            self.assertTrue(used, f"{function} called nothing")
            for statement in cloud.gate.policies[function]:
                for action in statement["Action"] if isinstance(statement["Action"], list) else [statement["Action"]]:
                    ours = action.startswith(("dynamodb:", "kms:")) or action == "sqs:SendMessage"
                    if ours and action not in used and (function, action) not in self.RARE:
                        unused.append((function, action))
        self.assertEqual(unused, [])

    # case: 63
    def test_nothing_secret_and_nothing_personal_is_in_any_log(self):
        log = cloud.log()
        self.assertIn("the sync run ended", log)
        person = installation.api("GET", "/bindings?kind=user")["items"][0]
        user = installation.in_tenant("GET", f"/users/{person['entra_id']}")
        words = [
            installation.secret, installation.token, installation.pbx.value("client_secret"), "simulated-access-key",
            user["displayName"], user["userPrincipalName"], "Head of Emulation",
        ]
        for word in words:
            self.assertNotIn(word, log)


if __name__ == "__main__":
    unittest.main()
