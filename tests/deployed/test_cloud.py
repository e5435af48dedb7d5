"""The scenarios in the emulated AWS, and what is there alone: recorded events, hints in queues, roles, the topic."""

import json
import secrets
import unittest

import deaths
import scenarios
from cloud import Cloud
from processes import ROOT, until

EVENTS = ROOT / "events"


def setUpModule():
    global installation, cloud
    installation = scenarios.begin(Cloud)
    cloud = installation.host


globals().update(scenarios.on(__name__))


def event(function, name):
    return json.loads((EVENTS / function / f"{name}.json").read_text())


class Killed(scenarios.Killed):
    def on_the_way_back(self):
        # The clock's first hint is lost, and each later one comes twice.
        # Nobody but the clock sends one: the dead run's lease is waited for, then it is due again.
        cloud.gate.loses_hints_of, lost = {"scheduler"}, cloud.gate.lost
        self.addCleanup(setattr, cloud.gate, "loses_hints_of", set())

        def tick_is_lost():
            cloud.tick()
            return cloud.gate.lost > lost

        until("the clock to send a hint", tick_is_lost, patience=self.PATIENCE, every=3)
        cloud.gate.loses_hints_of, cloud.gate.doubles_hints_of = set(), {"scheduler"}
        self.addCleanup(setattr, cloud.gate, "doubles_hints_of", set())


class Deaths(deaths.Deaths):
    @classmethod
    def setUpClass(cls):
        cls.installation = installation


class Events(unittest.TestCase):
    def test_recorded_events_of_the_api_are_answered(self):
        for function in ("admin", "graph-notifications", "sso-exchange"):
            for path in sorted((EVENTS / function).glob("*.json")):
                with self.subTest(event=path.name):
                    answer, failed = cloud.invoke(function, json.loads(path.read_text()))
                    self.assertIsNone(failed)
                    self.assertLess(answer["statusCode"], 500)


class Hints(unittest.TestCase):
    def test_a_lost_hint_costs_a_minute_and_nothing_else(self):
        cloud.gate.loses_hints_of, lost = {"admin"}, cloud.gate.lost
        self.addCleanup(setattr, cloud.gate, "loses_hints_of", set())
        asked = installation.api("POST", "/sync-runs", {"mode": "full", "dry_run": True})["id"]
        self.assertEqual(cloud.gate.lost, lost + 1)
        self.assertEqual(installation.api("GET", f"/sync-runs/{asked}")["state"], "queued")
        cloud.tick()
        until("the run to end", lambda: installation.run_ended(asked))

    def test_a_tick_without_anything_due_does_nothing(self):
        before = len(installation.runs())
        cloud.tick()
        self.assertEqual(len(installation.runs()), before)

    def test_a_run_that_somebody_asks_for_is_run_once_however_often_its_hint_comes(self):
        asked = installation.api("POST", "/sync-runs", {"mode": "full", "dry_run": False})["id"]
        hint = json.dumps({"connection_id": installation.connection, "trigger": "manual", "run_id": asked})
        for _ in range(3):
            cloud.client("sqs").send_message(QueueUrl=cloud.resources["SyncQueue"], MessageBody=hint)
        until("the run to end", lambda: installation.run_ended(asked))
        self.assertEqual(len([run for run in installation.runs("manual") if run["id"] == asked]), 1)


class Queue(unittest.TestCase):
    def test_a_message_that_cannot_be_read_goes_aside_and_holds_up_no_other(self):
        queues = cloud.client("sqs")
        queue, aside = cloud.resources["SyncQueue"], cloud.resources["SyncDeadLetters"]
        poison = "not a hint " + secrets.token_hex(8)
        queues.send_message(QueueUrl=queue, MessageBody=poison)
        asked = installation.api("POST", "/sync-runs", {"mode": "full", "dry_run": True})["id"]
        until("the run to end", lambda: installation.run_ended(asked))

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


class Topic(unittest.TestCase):
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


if __name__ == "__main__":
    unittest.main()
