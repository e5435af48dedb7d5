"""Weight, start and idling cost, printed. Times of shared machines are noise, so only what is far off fails."""

import json
import time
import unittest

import figures
from cloud import Cloud
from processes import ROOT

LARGEST_ARCHIVE_MB = 16
SLOWEST_START_MS = 2000
TICKS = 5


class Figures(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.cloud = Cloud()
        cls.addClassCleanup(cls.cloud.stop)

    def test_functions_are_light_and_start_at_once(self):
        measured = {}
        for function in self.cloud.functions():
            settings = self.cloud.client("lambda").get_function_configuration(FunctionName=f"connector-{function}")
            measured[function] = figures.starts(function, settings["Environment"]["Variables"])
        print(f"\n{figures.weights(measured)}")
        for size, took, _ in measured.values():
            self.assertLess(size, LARGEST_ARCHIVE_MB)
            self.assertLess(took, SLOWEST_START_MS)

    def test_an_installation_in_which_nothing_happens_costs_next_to_nothing(self):
        tick = json.loads((ROOT / "events/scheduler/every-minute.json").read_text())
        self.cloud.invoke("scheduler", tick)
        self.cloud.gate.calls.clear()
        begun = time.perf_counter()
        for _ in range(TICKS):
            self.cloud.invoke("scheduler", tick)
        seconds = (time.perf_counter() - begun) / TICKS
        calls = [call for function, call in self.cloud.gate.calls if function == "scheduler"]
        # The clock of the emulator ticks, too, so there may be a tick more.
        per_tick = calls[: -(-len(calls) // TICKS)]
        print(f"\na month in which nothing happens, {len(per_tick)} calls of the table a tick:")
        print(figures.bill(per_tick, seconds, gigabytes=0.25, queues=2))
        self.assertTrue(all(call == "dynamodb:Query" for call in per_tick), per_tick)
        self.assertLess(len(per_tick), 64)

    def test_alarms_and_metrics_that_are_billed_are_found(self):
        self.assertGreaterEqual(figures.alarmed_metrics(), 10)
        self.assertEqual(figures.written_metrics("CONNECTIONS"), 4)
        self.assertGreater(figures.written_metrics(), figures.written_metrics("RUNS"))


if __name__ == "__main__":
    unittest.main()
