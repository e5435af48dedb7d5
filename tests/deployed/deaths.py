"""Each function dies once in the middle of what it was asked for. The call of AWS that it was about then arrives, or is lost
with it; in the end everything is as it should be, either way."""

import json
import threading
import unittest

from gate import WRITES
from phone import Phone
from processes import until

# Longer than the lease of whoever died may live.
PATIENCE = 180
# The last call arrives, or does not.
EITHER_WAY = (True, False)


class Deaths(unittest.TestCase):
    # Of the module that is run.
    installation = None

    @property
    def cloud(self):
        return self.installation.host

    def setUp(self):
        # Changes are told of once somebody listens.
        self.cloud.tick()
        self.installation.subscription("users")

    def tearDown(self):
        self.cloud.gate.let_go()
        self.cloud.gate.loses_hints_of = set()

    def dies(self, function, operations, arrives, asked):
        """Kills a function at the first of these calls that follows from what is asked; what was answered then."""
        answers = []
        held = self.cloud.gate.hold(function, operations)
        asking = threading.Thread(target=lambda: answers.append(asked()))
        asking.start()
        self.assertTrue(held.caught.wait(90), f"{function} never came that far")
        self.assertGreater(self.cloud.kill(function), 0)
        self.cloud.gate.let_go(arrives)
        asking.join(90)
        self.assertEqual(len(answers), 1, "nobody was answered")
        return answers[0]

    def comes_true(self, what, condition):
        def after_a_tick():
            self.cloud.invoke("scheduler", self.cloud.minute())
            return condition()

        until(what, after_a_tick, patience=PATIENCE, every=1)

    def test_a_notification_whose_taker_dies_is_followed_all_the_same(self):
        person = self.installation.somebody()
        for operations in (WRITES, {"SendMessage"}):
            for arrives in EITHER_WAY:
                title = f"Head of {min(operations)}, {arrives}"
                self.dies("graph-notifications", operations, arrives, lambda title=title: self.installation.in_tenant(
                    "PATCH", f"/users/{person['entra_id']}", {"jobTitle": title}))
                self.comes_true("the change to follow", lambda title=title: self.shows(person, title))

    def test_a_change_of_which_no_hint_arrives_follows_with_the_clock(self):
        person = self.installation.somebody()
        self.cloud.gate.loses_hints_of, lost = {"graph-notifications"}, self.cloud.gate.lost
        self.installation.in_tenant("PATCH", f"/users/{person['entra_id']}", {"jobTitle": "Head of Silence"})
        until("the hint to be lost", lambda: self.cloud.gate.lost > lost)
        self.comes_true("the change to follow", lambda: self.shows(person, "Head of Silence"))

    def shows(self, person, title):
        return title in json.dumps(self.installation.extension(person["number"]))

    def test_what_is_due_when_the_clock_dies_is_done_with_its_next_tick(self):
        for operations in ({"Query"}, {"SendMessage"}):
            for arrives in EITHER_WAY:
                self.cloud.gate.loses_hints_of = {"admin"}
                run = self.installation.api("POST", "/sync-runs", {"mode": "full", "dry_run": True})["id"]
                self.cloud.gate.loses_hints_of = set()
                self.dies("scheduler", operations, arrives, lambda: self.cloud.invoke("scheduler", self.cloud.minute()))
                self.comes_true("the run to end", lambda run=run: self.installation.run_ended(run))

    def test_presence_is_carried_though_a_poll_dies(self):
        person = self.installation.somebody()
        self.installation.carries_presence()
        for arrives, (teams, extension) in zip(
                EITHER_WAY, [("DoNotDisturb", "do_not_disturb"), ("BeRightBack", "lunch")], strict=True):
            shown = {"availability": teams}
            self.installation.in_tenant("PUT", f"/users/{person['entra_id']}/presence", shown)
            self.dies("presence-poll", WRITES, arrives, self.tick_until_held)
            self.comes_true("the presence to follow", lambda status=extension: self.presence(person) == status)

    def tick_until_held(self):
        """The next poll is due within a minute after the last one."""
        held = self.cloud.gate.held
        until("a poll", lambda: held.caught.is_set() or self.cloud.tick(), patience=80, every=1)

    def presence(self, person):
        return self.installation.extension(person["number"])["presence_status"]

    def test_a_person_whose_sign_in_dies_is_told_so_and_signs_in_again(self):
        person = self.installation.somebody()["entra_id"]
        for arrives in EITHER_WAY:
            phone = Phone(self.installation)
            phone.sets_out()
            self.assertGreaterEqual(self.dies("sso-exchange", WRITES, arrives, lambda: phone.comes_back(person)), 500)
            phone = Phone(self.installation)
            phone.sets_out()
            self.assertEqual(phone.comes_back(person), 302)
            status, _ = self.dies("sso-exchange", WRITES, arrives, phone.exchanges_its_code)
            self.assertGreaterEqual(status, 500)
            phone = Phone(self.installation)
            phone.sets_out()
            self.assertEqual(phone.comes_back(person), 302)
            self.assertEqual(phone.exchanges_its_code()[0], 200)

    def test_settings_whose_saving_dies_are_the_old_ones_or_the_new_ones(self):
        for arrives in EITHER_WAY:
            before, etag = self.installation.versioned("/settings")
            wanted = {**before, "change_sync": {**before["change_sync"], "change_threshold": 3 if arrives else 4}}
            call = ("PUT", f"/api/v1/connections/{self.installation.connection}/settings", wanted, {
                "authorization": f"Bearer {self.installation.token}", "if-match": etag})
            status, _, _ = self.dies("admin", WRITES, arrives, lambda call=call: self.cloud.ask(*call))
            self.assertGreaterEqual(status, 500)
            after, _ = self.installation.versioned("/settings")
            self.assertEqual(after, wanted if arrives else before)
            # Whoever saves again is told that somebody else did, or it is done.
            self.assertEqual(self.cloud.ask(*call)[0], 412 if arrives else 200)
            self.installation.api("PUT", "/settings", {
                **before, "change_sync": {**before["change_sync"], "change_threshold": 1}}, {"if-match": "*"})

    def test_when_all_are_done_nothing_is_left_to_do(self):
        self.assertEqual(self.installation.left_to_do(), 0)
