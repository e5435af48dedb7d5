"""Stands before the emulator, twice.

For functions: judges each call by the policies of the function's role, as AWS would, and writes down what was called. The
emulator itself lets everybody do everything.
For the world: the public address of the installation, whose requests go to the emulated HTTP API.
"""

import hashlib
import json
import threading
import urllib.parse
import uuid

from way import Way

SERVICES = {"DynamoDB_20120810": "dynamodb", "AmazonSQS": "sqs", "TrentService": "kms"}
READS = {"GetItem", "BatchGetItem", "Query"}
WRITES = {"PutItem", "UpdateItem", "DeleteItem", "TransactWriteItems", "BatchWriteItem"}
# A transaction is allowed by the actions of its items.
ITEMS = {"Put": "PutItem", "Update": "UpdateItem", "Delete": "DeleteItem", "ConditionCheck": "ConditionCheckItem"}


class Gate(Way):
    def __init__(self, emulator_port):
        super().__init__(emulator_port)
        self.policies = {}
        self.api_host = None
        self.used = {}
        self.calls = []
        self.denied = []
        # What goes wrong on purpose: a function's calls are held up; hints of these functions are lost, though whoever sent
        # them is told that they arrived, or come twice.
        self.held = None
        self.loses_hints_of = set()
        self.doubles_hints_of = set()

    def stop(self):
        self.let_go()
        super().stop()

    def hold(self, function, operations):
        """Keeps these calls of a function waiting until they are let go."""
        self.held = Hold(function, operations)
        return self.held

    def let_go(self, arrive=True):
        """What was held up arrives now, or never does."""
        held, self.held = self.held, None
        if held:
            held.arrive = arrive
            held.free.set()

    def endpoint_of(self, function):
        return f"{self.origin}/as/{function}"

    def answer(self, method, path, headers, body):
        if path.startswith("/as/"):
            function = path.split("/")[2]
            return self._for_function(function, "/" + "/".join(path.split("/")[3:]), headers, body)
        sent = {name: value for name, value in headers.items() if name.lower() != "host"}
        sent["Host"] = f"{self.api_host}.execute-api.localhost:{self.port}"
        return super().answer(method, path, sent, body)

    def _for_function(self, function, path, headers, body):
        service, operation, request = asked(headers, body)
        held = self.held
        if held and function == held.function and operation in held.operations:
            held.caught.set()
            held.free.wait()
            if not held.arrive:
                return 503, [], b""
        if refused := self.refused(function, service, operation, request):
            self.denied.append((function, refused))
            refusal = {"__type": "AccessDeniedException", "message": f"not authorized to perform: {refused}"}
            return 400, [("content-type", "application/x-amz-json-1.0")], json.dumps(refusal).encode()
        self.used.setdefault(function, set()).update(f"{service}:{action}" for action in actions(operation, request))
        self.calls.extend((function, f"{service}:{action}") for action in actions(operation, request))
        if operation == "SendMessage" and function in self.loses_hints_of:
            digest = hashlib.md5(request["MessageBody"].encode(), usedforsecurity=False).hexdigest()
            self.lost += 1
            arrived = {"MessageId": str(uuid.uuid4()), "MD5OfMessageBody": digest}
            return 200, [("content-type", "application/x-amz-json-1.0")], json.dumps(arrived).encode()
        if operation == "SendMessage" and function in self.doubles_hints_of:
            self.pass_on("POST", path, dict(headers.items()), body)
        return self.pass_on("POST", path, dict(headers.items()), body)

    def refused(self, function, service, operation, request):
        """The first call of a request that the function's role does not allow."""
        calls = (f"{service}:{action}" for action in sorted(actions(operation, request)))
        may = self.policies[function]
        return next((call for call in calls if not any(allows(statement, call, request) for statement in may)), None)


class Hold:
    def __init__(self, function, operations):
        self.function = function
        self.operations = operations
        self.caught = threading.Event()
        self.free = threading.Event()
        self.arrive = True


def asked(headers, body):
    """Service, operation and request. SNS alone speaks in forms and names its action in them."""
    if target := headers.get("x-amz-target"):
        name, _, operation = target.partition(".")
        return SERVICES[name], operation, json.loads(body)
    request = dict(urllib.parse.parse_qsl(body.decode()))
    return "sns", request["Action"], request


def actions(operation, request):
    if operation == "TransactWriteItems":
        return {ITEMS[kind] for item in request["TransactItems"] for kind in item}
    return {operation}


def allows(statement, call, request):
    """A statement of a role, resolved by the emulated stack."""
    if call not in listed(statement["Action"]) or not concerns(listed(statement["Resource"]), call, request):
        return False
    context = (request.get("EncryptionContext") or {}).get("connection_id")
    for operator, keys in (statement.get("Condition") or {}).items():
        for key, wanted in keys.items():
            if key != "kms:EncryptionContext:connection_id":
                raise AssertionError(f"{key} is not known here")
            if operator == "StringEquals" and context != wanted:
                return False
            if operator == "Null" and (context is None) != (str(wanted).lower() == "true"):
                return False
    return True


def listed(value):
    return value if isinstance(value, list) else [value]


def concerns(resources, call, request):
    """Whether one of these ARNs is what the request names."""
    if call.startswith("dynamodb:"):
        wanted = {f"table/{name}" for name in tables(request)}
        if index := request.get("IndexName"):
            wanted = {f"{table}/index/{index}" for table in wanted}
    elif call.startswith("sqs:"):
        wanted = {urllib.parse.urlparse(request["QueueUrl"]).path.rsplit("/", 1)[-1]}
    elif call.startswith("sns:"):
        wanted = {request["TopicArn"].rsplit(":", 1)[-1]}
    else:
        wanted = {request["KeyId"].rsplit("/", 1)[-1]} if "KeyId" in request else {""}

    def fits(arn, name):
        return arn.endswith((f":{name}", f"/{name}")) or name == ""

    return all(any(fits(arn, name) for arn in resources) for name in wanted)


def tables(request):
    if "RequestItems" in request:
        return set(request["RequestItems"])
    if "TransactItems" in request:
        return {body["TableName"] for item in request["TransactItems"] for body in item.values()}
    return {request["TableName"]}
