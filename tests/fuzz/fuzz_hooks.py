"""What schemathesis cannot know by the schema: which connections, runs and people there are, what a refusal must say, and
that a secret never comes back. Also keeps account of which calls were answered with what, for coverage.py."""

import atexit
import json
import os
from collections import defaultdict

import requests
import schemathesis
from schemathesis.core.parameters import ParameterLocation
from schemathesis.generation import GenerationMode

BASE = os.environ["FUZZ_URL"]
AUTHORIZATION = {"Authorization": "Bearer " + os.environ["FUZZ_TOKEN"]}
# Whether well-formed ids are replaced by those of the demo.
KNOWN_IDS = os.environ["FUZZ_IDS"] == "known"
# A secret that is a word of some other field, or a few letters, says nothing.
SHORTEST_SECRET = 12

answers = defaultdict(set)


def items(path):
    return requests.get(f"{BASE}/api/v1{path}", headers=AUTHORIZATION, timeout=30).json()["items"]


def known_ids():
    connections = items("/connections")
    if not connections:
        return {}
    one = connections[0]["id"]
    runs = items(f"/connections/{one}/sync-runs")
    people = items(f"/connections/{one}/bindings?kind=user")
    return {"id": [one], "run": [run["id"] for run in runs], "object_id": [person["entra_id"] for person in people]}


IDS = known_ids() if KNOWN_IDS else {}


def well_formed(case, location):
    part = case.meta.components.get(location) if case.meta else None
    return part is not None and part.mode == GenerationMode.POSITIVE


def one_of(name, made_up):
    """One of the demo's in the place of an id that was made up, the same for the same; that itself where there is none."""
    known = IDS.get(name)
    return known[sum(map(ord, str(made_up))) % len(known)] if known else made_up


@schemathesis.hook
def before_call(context, case, kwargs):
    if well_formed(case, ParameterLocation.PATH):
        for name, value in case.path_parameters.items():
            case.path_parameters[name] = one_of(name, value)
    if well_formed(case, ParameterLocation.QUERY) and "user" in case.query:
        case.query["user"] = one_of("object_id", case.query["user"])
    if KNOWN_IDS and well_formed(case, ParameterLocation.HEADER) and "If-Match" in case.headers:
        case.headers["If-Match"] = "*"


@schemathesis.hook
def after_call(context, case, response):
    if case.method.upper() == case.operation.method.upper():
        answers[f"{case.method.upper()} {case.path}"].add(response.status_code)


@schemathesis.check
def a_refusal_says_what_is_wrong(context, response, case):
    if response.status_code < 400 or not response.content:
        return
    problem = response.json()
    assert problem["status"] == response.status_code, "the status in the body is another one"
    assert problem["type"].startswith("/problems/"), "the type is none of ours"
    assert problem["detail"].strip(), "there is no sentence for a person"
    if problem["type"] == "/problems/validation":
        pointers = [error["pointer"] for error in problem["errors"]]
        assert pointers, "no field is named"
        assert all(pointer == "" or pointer.startswith("/") for pointer in pointers), "a pointer is none"


@schemathesis.check
def a_secret_never_comes_back(context, response, case):
    for secret in secrets(case.body):
        assert secret not in response.text, "the answer repeats a secret"


def secrets(value):
    if isinstance(value, dict):
        for name, inner in value.items():
            if isinstance(inner, str) and len(inner) >= SHORTEST_SECRET and ("secret" in name or "key" in name):
                yield inner
            yield from secrets(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from secrets(inner)


@atexit.register
def keep():
    with open(os.environ["FUZZ_ANSWERS"], "w", encoding="utf-8") as file:
        json.dump({call: sorted(statuses) for call, statuses in sorted(answers.items())}, file)
