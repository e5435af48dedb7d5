"""Functions below AWS's own runtime emulator: one is stopped when its time is over, it may be killed, another panics, and
each time the next event finds a function that works."""

import json
import os
import signal
import tempfile
import threading
import time
import unittest
import urllib.error
import urllib.request
import zipfile

from cloud import ARCHIVES, Cloud
from gate import READS
from processes import HOME, ROOT, Process, free_port, until

TIMEOUT = 3
PANICS = ROOT / "target/debug/examples/one_message_panics"


def setUpModule():
    global cloud
    cloud = Cloud()
    unittest.addModuleCleanup(cloud.stop)


class Function:
    """One program, for one event at a time."""

    def __init__(self, program, variables):
        port, runtime = free_port(), free_port()
        self.address = f"http://127.0.0.1:{port}/2015-03-31/functions/function/invocations"
        self.process = Process(
            [HOME / "aws-lambda-rie", "--log-level", "info", "--runtime-interface-emulator-address", f"127.0.0.1:{port}",
             "--runtime-api-address", f"127.0.0.1:{runtime}", program], r"exec|starting|Listening|listening", {
                **variables, "AWS_LAMBDA_FUNCTION_TIMEOUT": str(TIMEOUT),
                "AWS_REGION": "eu-central-1", "AWS_ACCESS_KEY_ID": "local", "AWS_SECRET_ACCESS_KEY": "local",
                "AWS_EC2_METADATA_DISABLED": "true",
            })

    def invoke(self, event):
        request = urllib.request.Request(self.address, data=json.dumps(event).encode())
        try:
            with urllib.request.urlopen(request, timeout=30) as response:
                return response.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.read().decode()


def hint():
    return json.loads((ROOT / "events/full-sync/scheduled.json").read_text())


def bootstraps(program):
    """Processes that run this program."""
    found = []
    for entry in os.listdir("/proc"):
        try:
            if entry.isdigit() and os.readlink(f"/proc/{entry}/exe") == program:
                found.append(int(entry))
        except OSError:
            pass
    return found


class Runtime(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        with zipfile.ZipFile(ARCHIVES / "full-sync.zip") as archive:
            self.program = archive.extract("bootstrap", folder.name)
        os.chmod(self.program, 0o755)
        variables = cloud.client("lambda").get_function_configuration(FunctionName="connector-full-sync")
        self.function = Function(self.program, variables["Environment"]["Variables"])
        self.addCleanup(self.function.process.stop)
        self.addCleanup(cloud.gate.let_go)

    def works(self):
        # A hint of a connection that is not there is followed, and nothing is to do.
        self.assertEqual(json.loads(self.function.invoke(hint())), {"batchItemFailures": []})

    def test_a_function_whose_time_is_over_is_stopped_and_the_next_event_is_answered(self):
        self.works()
        cloud.gate.hold("full-sync", READS)
        begun = time.monotonic()
        answer = self.function.invoke(hint())
        self.assertIn("timed out", answer.lower())
        self.assertLess(time.monotonic() - begun, TIMEOUT + 5)
        cloud.gate.let_go()
        self.works()

    def test_a_function_that_is_killed_fails_that_event_alone(self):
        self.works()
        held = cloud.gate.hold("full-sync", READS)
        answers = []
        asking = threading.Thread(target=lambda: answers.append(self.function.invoke(hint())))
        asking.start()
        self.assertTrue(held.caught.wait(20))
        for process in bootstraps(self.program):
            os.kill(process, signal.SIGKILL)
        cloud.gate.let_go()
        asking.join(30)
        self.assertEqual(len(answers), 1)
        self.assertNotIn("batchItemFailures", answers[0])
        until("the function to be back", lambda: "batchItemFailures" in self.function.invoke(hint()))

    def test_an_event_of_another_shape_fails_and_harms_no_other(self):
        self.assertIn("errorMessage", self.function.invoke({"Records": "none"}))
        self.works()


class Panic(unittest.TestCase):
    """A program of the functions' own shell whose work panics where a message says so."""

    def test_of_a_batch_the_message_whose_work_panics_is_given_back_and_the_function_lives_on(self):
        function = Function(PANICS, {})
        self.addCleanup(function.process.stop)
        words = "no extension for Ann Example"
        for _ in range(2):
            answer = json.loads(function.invoke(batch({}, {"panic": words}, {})))
            self.assertEqual(answer, {"batchItemFailures": [{"itemIdentifier": "m-1"}]})
        lines = [json.loads(line) for line in function.process.printed.splitlines() if line.startswith("{")]
        # The same process saw both, and the log has the place without the words.
        self.assertEqual(function.process.printed.count("INIT START"), 1)
        places = [line["panic.place"] for line in lines if line["message"] == "a panic"]
        self.assertEqual(len(places), 2)
        self.assertIn("one_message_panics.rs", places[0])
        self.assertEqual([line["message.id"] for line in lines if line["message"] == "a message failed"], ["m-1", "m-1"])
        self.assertNotIn(words, function.process.printed)


def batch(*bodies):
    [message] = json.loads((ROOT / "events/full-sync/scheduled.json").read_text())["Records"]
    return {"Records": [
        {**message, "messageId": f"m-{place}", "body": json.dumps(body)} for place, body in enumerate(bodies)]}


if __name__ == "__main__":
    unittest.main()
