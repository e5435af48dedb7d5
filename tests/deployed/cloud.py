"""The template in an emulated AWS: deployed as it is, with archives from a bucket, and with the addresses of this machine."""

import json
import os
import re
import shutil
import signal
import tempfile

import boto3
import botocore.config

from gate import Gate
from processes import HOME, ROOT, Process, environment, free_port, processes, until
from way import Host

REGION = "eu-central-1"
STACK = "connector"
BUCKET = "archives"
ARCHIVES = ROOT / "target/lambda"
# Seconds a message that failed waits until it comes again; on AWS longer than a run may take.
HIDDEN = 2


class Cloud(Host):
    def __init__(self, settings=None):
        """With settings under the names that functions know them by."""
        self._parameters = {"PbxAddressPolicy": "loopback", **{
            "".join(part.capitalize() for part in name.split("_")): value for name, value in (settings or {}).items()}}
        port = free_port()
        self.endpoint = f"http://127.0.0.1:{port}"
        # The emulator keeps its archives and sockets in its own place, and ends with it.
        self._place = tempfile.mkdtemp(prefix="cloud-")
        self._emulator = Process(
            [HOME / "bin/ministack"], r"Ready|running on|startup complete|Uvicorn", {
                "GATEWAY_PORT": str(port), "BIND_HOST": "127.0.0.1", "AWS_ENDPOINT_URL": self.endpoint,
                "IOT_MTLS_ENABLED": "0", "TMPDIR": self._place, "MINISTACK_REGION": REGION,
                "LAMBDA_EXECUTOR": "local",
            })
        self.gate = Gate(port)
        try:
            self._deploy()
        except BaseException:
            self.stop()
            raise

    def client(self, service):
        return boto3.client(
            service, region_name=REGION, endpoint_url=self.endpoint, aws_access_key_id="local",
            aws_secret_access_key="local", config=botocore.config.Config(retries={"max_attempts": 1}, read_timeout=120))

    def stop(self):
        self.gate.stop()
        self._emulator.stop()
        shutil.rmtree(self._place, ignore_errors=True)

    def _deploy(self):
        buckets = self.client("s3")
        buckets.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION})
        for archive in ARCHIVES.glob("*.zip"):
            buckets.upload_file(str(archive), BUCKET, archive.name)
        stacks = self.client("cloudformation")
        stacks.create_stack(
            StackName=STACK, TemplateBody=self._template(), Capabilities=["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"],
            Parameters=[
                {"ParameterKey": name, "ParameterValue": value} for name, value in self._parameters.items()
            ])
        until("the stack to stand", lambda: self._stands(stacks), patience=120)
        resources = stacks.describe_stack_resources(StackName=STACK)["StackResources"]
        self.resources = {one["LogicalResourceId"]: one["PhysicalResourceId"] for one in resources}
        stack = stacks.describe_stacks(StackName=STACK)["Stacks"][0]
        self.outputs = {one["OutputKey"]: one["OutputValue"] for one in stack["Outputs"]}
        self.gate.api_host = self.resources["HttpApi"]
        self.gate.policies = {function: self._policies(function) for function in self.functions()}
        for queue in ("SyncQueue", "PresenceQueue"):
            self.client("sqs").set_queue_attributes(
                QueueUrl=self.resources[queue], Attributes={"VisibilityTimeout": str(HIDDEN)})

    @staticmethod
    def _stands(stacks):
        status = stacks.describe_stacks(StackName=STACK)["Stacks"][0]["StackStatus"]
        if status in ("CREATE_IN_PROGRESS", "REVIEW_IN_PROGRESS"):
            return False
        if status != "CREATE_COMPLETE":
            events = stacks.describe_stack_events(StackName=STACK)["StackEvents"]
            failed = [(one["LogicalResourceId"], one.get("ResourceStatusReason")) for one in events if one["ResourceStatus"] in ("CREATE_FAILED", "ROLLBACK_IN_PROGRESS")]
            raise AssertionError(f"the stack is {status}: {failed}")
        return True

    def functions(self):
        return sorted(archive.stem for archive in ARCHIVES.glob("*.zip"))

    def _template(self):
        """As `sam deploy` sends it: archives in a bucket. And each function finds AWS at the gate, under its own name."""
        text = (ROOT / "infra/template.yaml").read_text()
        # The emulator knows no alarm on a sum of metrics.
        text = re.sub(r"  (ErrorsAlarm|ThrottlesAlarm):\n(?:    .*\n)+", "", text)
        # Without comments it is short enough to be sent along; `sam deploy` puts longer ones into a bucket.
        text = re.sub(r"(?m)^ *#.*\n", "", text)
        text = re.sub(r"CodeUri: \.\./target/lambda/(\S+)", rf"CodeUri: {{ Bucket: {BUCKET}, Key: \1 }}", text)
        lines = []
        function = None
        for line in text.splitlines():
            if found := re.search(r"Key: ([a-z-]+)\.zip", line):
                function = found[1]
            lines.append(line)
            if function and line == "        Variables:":
                for service in ("DYNAMODB", "SQS", "KMS", "SNS"):
                    lines.append(f"          AWS_ENDPOINT_URL_{service}: {self.gate.endpoint_of(function)}")
                function = None
        # The emulated API has no https address; this one leads to it.
        return re.sub(r"PUBLIC_BASE_URL: .*", f"PUBLIC_BASE_URL: {self.gate.origin}", "\n".join(lines))

    def _policies(self, function):
        roles = self.client("iam")
        logical = "".join(part.capitalize() for part in function.split("-"))
        role = self.resources[f"{logical}Role"]
        document = roles.get_role_policy(RoleName=role, PolicyName="calls")["PolicyDocument"]
        document = json.loads(document) if isinstance(document, str) else document
        return document["Statement"]

    def invoke(self, function, event):
        """The function's answer to one event, and whether it failed."""
        answer = self.client("lambda").invoke(FunctionName=f"{STACK}-{function}", Payload=json.dumps(event))
        text = answer["Payload"].read()
        return json.loads(text or "null"), answer.get("FunctionError")

    def tick(self):
        """What the clock brings each minute, now."""
        answer, failed = self.invoke("scheduler", self.minute())
        assert failed is None, answer

    @staticmethod
    def minute():
        return json.loads((ROOT / "events/scheduler/every-minute.json").read_text())

    def kill_run(self):
        """Ends whatever runs a sync as a machine that fails would; answers how many there were."""
        return self.kill("full-sync")

    def revive(self):
        """AWS starts another by itself when there is something to do."""

    def kill(self, function):
        # The gate's address tells it from the function of another run beside this one.
        own = {
            f"AWS_LAMBDA_FUNCTION_NAME={STACK}-{function}".encode(),
            f"AWS_ENDPOINT_URL_DYNAMODB={self.gate.endpoint_of(function)}".encode(),
        }
        found = [id for id in processes() if own <= set(environment(id).split(b"\0"))]
        for id in found:
            os.kill(id, signal.SIGKILL)
        return len(found)

    def log(self):
        """Every line that functions wrote."""
        logs = self.client("logs")
        lines = []
        for group in logs.describe_log_groups()["logGroups"]:
            pages = logs.get_paginator("filter_log_events").paginate(logGroupName=group["logGroupName"])
            lines.extend(event["message"] for page in pages for event in page["events"])
        return "\n".join(lines)
