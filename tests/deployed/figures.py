"""What functions weigh and cost: size of the archive, time from the start of the process to its first question to the
runtime (the table was asked before), memory then, and a month's bill of an installation in which little happens, from calls
that were counted and AWS's list prices. Each figure stands beside its goal; none of them fails a build.
"""

import http.server
import os
import pathlib
import re
import statistics
import subprocess
import tempfile
import threading
import time
import zipfile

from cloud import ARCHIVES
from processes import ROOT

STARTS = 15


class Runtime:
    """The runtime's address, at which nothing ever comes: it only notes when somebody asks."""

    def __init__(self):
        asked = self.asked = threading.Event()
        ended = self.ended = threading.Event()

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                asked.set()
                ended.wait(30)

            def log_message(self, *_):
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.address = f"127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def stop(self):
        self.ended.set()
        self._server.shutdown()
        self._server.server_close()


def start(program, variables):
    """Milliseconds from the start to the first question, and the memory then, in MB."""
    runtime = Runtime()
    environment = {**variables, "AWS_LAMBDA_RUNTIME_API": runtime.address, "AWS_LAMBDA_FUNCTION_NAME": "function",
                   "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "256", "AWS_LAMBDA_FUNCTION_VERSION": "1",
                   "AWS_LAMBDA_LOG_GROUP_NAME": "log", "AWS_LAMBDA_LOG_STREAM_NAME": "log",
                   "AWS_REGION": "eu-central-1", "AWS_ACCESS_KEY_ID": "local", "AWS_SECRET_ACCESS_KEY": "local",
                   "AWS_EC2_METADATA_DISABLED": "true"}
    begun = time.perf_counter()
    child = subprocess.Popen([program], env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        if not runtime.asked.wait(20):
            raise AssertionError(f"{program} does not ask for events")
        took = (time.perf_counter() - begun) * 1000
        status = pathlib.Path(f"/proc/{child.pid}/status").read_text()
        memory = int(status.split("VmRSS:")[1].split()[0]) / 1024
        return took, memory
    finally:
        child.kill()
        child.wait()
        runtime.stop()


def starts(function, variables):
    with tempfile.TemporaryDirectory() as folder, zipfile.ZipFile(ARCHIVES / f"{function}.zip") as archive:
        program = archive.extract("bootstrap", folder)
        os.chmod(program, 0o755)
        measured = [start(program, variables) for _ in range(STARTS)]
    size = (ARCHIVES / f"{function}.zip").stat().st_size / 1e6
    return size, statistics.median(took for took, _ in measured), max(memory for _, memory in measured)


# Goals by row: milliseconds to the first question, megabytes of an archive, megabytes of memory, dollars a month.
START_GOAL, ARCHIVE_GOAL, BILL_GOAL = 30, 4, 0.25
MEMORY_GOAL = {"graph-notifications": 20, "full-sync": 32}


def against(value, goal):
    """A figure beside its goal."""
    return f"{value:>8.1f} (goal {goal:>4.1f}, {'met' if value <= goal else 'missed'})" if goal else f"{value:>8.1f}"


def weights(measured):
    """Rows P1 and P2 of each function."""
    lines = []
    for function, (size, took, memory) in measured.items():
        lines.append(f"P1 {function:<20} start p50, ms  {against(took, START_GOAL)}")
        lines.append(f"P2 {function:<20} archive, MB    {against(size, ARCHIVE_GOAL)}")
        lines.append(f"P2 {function:<20} memory, MB     {against(memory, MEMORY_GOAL.get(function))}")
    return "\n".join([*lines, "P3 to P8 are printed by: cargo bench -p bench -- --large"])


# List prices of eu-central-1 in dollars, without any free tier.
INVOCATION = 0.20e-6
GIGABYTE_SECOND = 16.6667e-6
READ_UNIT, WRITE_UNIT = 0.1525e-6, 0.7625e-6
QUEUE_CALL = 0.40e-6
KEY_CALL, KEY_MONTH = 3e-6, 1.00
METRIC_MONTH, ALARMED_METRIC_MONTH, DASHBOARD_MONTH = 0.30, 0.10, 3.00
MINUTES = 30 * 24 * 60
# Whatever waits for messages asks five times side by side, each for twenty seconds.
POLLS = 5 * 3 * MINUTES
WRITES = {"PutItem", "UpdateItem", "DeleteItem"}
# An index answers from what it has, so that a question to which it has nothing costs half a unit.
INDEX_QUERY = 0.5


def bill(calls, seconds, gigabytes, queues, environments=30):
    """A month of ticks, each with these calls of the table, and of queues that are asked for messages."""
    table_calls = [call.removeprefix("dynamodb:") for call in calls if call.startswith("dynamodb:")]
    writes = sum(call in WRITES for call in table_calls)
    queries = sum(call == "Query" for call in table_calls)
    reads = len(table_calls) - writes - queries + queries * INDEX_QUERY
    used = {
        "ticks": MINUTES * (INVOCATION + seconds * gigabytes * GIGABYTE_SECOND),
        "table": MINUTES * (reads * READ_UNIT + writes * WRITE_UNIT),
        "waiting for messages": queues * POLLS * QUEUE_CALL,
        # A new environment opens the installation's keys; a day has few.
        "key, calls": environments * 30 * KEY_CALL,
    }
    kept = {
        "key, month (none if one is brought)": KEY_MONTH,
        "alarms": alarmed_metrics() * ALARMED_METRIC_MONTH,
        "dashboard": DASHBOARD_MONTH,
    }
    whole = sum(used.values()) + sum(kept.values())
    rows = [*used.items(), ("P9 by use, no matter how little", sum(used.values())), *kept.items(), ("P9 all of it", whole),
            ("metrics, once a connection is followed", written_metrics("CONNECTIONS") * METRIC_MONTH),
            ("metrics, if every one is written every hour", written_metrics() * METRIC_MONTH)]
    lines = [f"  {name:<46}{dollars:>8.3f}" for name, dollars in rows]
    return "\n".join([*lines, f"  {'P9 goal, $ a month at 1,000 people':<46}{BILL_GOAL:>8.3f}"])


def alarmed_metrics():
    """Metrics that alarms look at: one each, and all of those in an expression."""
    template = (ROOT / "infra/template.yaml").read_text()
    alarms = [part for part in re.split(r"\n  (?=\w+:\n)", template) if "Type: AWS::CloudWatch::Alarm" in part]
    return sum(max(1, alarm.count("MetricStat:")) for alarm in alarms)


def written_metrics(name=r"\w+"):
    """Metrics of a set, or of all sets, each by every function that writes it."""
    source = (ROOT / "shared/src/metrics.rs").read_text()
    sets = re.findall(rf"pub const {name}: MetricSet = MetricSet {{(.*?)\n}};", source, re.DOTALL)
    functions = [re.search(r"functions: &\[(.*?)\]", one, re.DOTALL).group(1).count('"') // 2 for one in sets]
    return sum(count * len(re.findall(r"Unit::\w+\)", one)) for count, one in zip(functions, sets))
