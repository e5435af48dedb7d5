"""How much of the Admin API the phases reached: a call is reached once its handler has judged a request, which is neither a
refusal of the token nor an unknown id nor a wrong method. Anything below every call fails."""

import json
import pathlib
import sys

# Answers that the layers before a handler give as well.
BEFORE_THE_HANDLER = {401, 403, 404, 405, 413, 415}
METHODS = ("get", "put", "post", "patch", "delete")


def main(schema, places):
    answers = {}
    for place in places:
        for call, statuses in json.loads(pathlib.Path(place).read_text(encoding="utf-8")).items():
            answers.setdefault(call, set()).update(statuses)
    paths = json.loads(pathlib.Path(schema).read_text(encoding="utf-8"))["paths"]
    calls = sorted(f"{method.upper()} {path}" for path, item in paths.items() for method in METHODS if method in item)
    reached = [call for call in calls if answers.get(call, set()) - BEFORE_THE_HANDLER]
    accepted = [call for call in reached if any(status < 300 for status in answers[call])]
    print(f"fuzz: {len(reached)} of {len(calls)} calls reached their handlers, {len(accepted)} of them succeeded")
    for call in sorted(set(reached) - set(accepted)):
        print(f"  never succeeded: {call} {sorted(answers[call])}")
    for call in sorted(set(calls) - set(reached)):
        print(f"  never reached: {call} {sorted(answers.get(call, set()))}")
    return 0 if calls and len(reached) == len(calls) else 1


sys.exit(main(sys.argv[1], sys.argv[2:]))
