"""The rules of infra/rules: the template keeps each of them, and each is seen to be broken by a template that does."""

import copy
import json
import pathlib
import re
import unittest

# The engine itself: its Python shell does not read every report.
from cfn_guard_rs.cfn_guard_rs import run_checks_rs
from cfnlint.decode import decode

ROOT = pathlib.Path(__file__).resolve().parents[2]
RULES = {path.name: path.read_text(encoding="utf-8") for path in sorted((ROOT / "infra/rules").glob("*.guard"))}
TEMPLATE, MISTAKES = decode(str(ROOT / "infra/template.yaml"))
PLAIN = json.loads(json.dumps(TEMPLATE))


def judged(template, rules):
    """What becomes of each rule of a file."""
    report = run_checks_rs(json.dumps(template), rules, False)
    # Of a long report the beginning is cut off; the lists of what was kept, and of what there was nothing for, end it.
    ends = json.loads("{" + report[report.rindex('"not_applicable"'):])
    outcomes = dict.fromkeys(named(rules), "FAIL")
    outcomes.update({name: "PASS" for name in ends["compliant"]})
    outcomes.update({name: "SKIP" for name in ends["not_applicable"]})
    return outcomes


def named(rules):
    return re.findall(r"^rule (\w+)", rules, re.MULTILINE)


def resource(name, *path):
    """Names a place in the properties of a resource, to be changed."""
    return ("Resources", name, *path)


def put(value, *place):
    def change(template):
        *way, last = place
        for step in way:
            template = template[step]
        template[last] = value
    return change


def drop(*place):
    def change(template):
        *way, last = place
        for step in way:
            template = template[step]
        del template[last]
    return change


def properties(name, *path):
    return resource(name, "Properties", *path)


def role(name, index, *path):
    return properties(name, "Policies", 0, "PolicyDocument", "Statement", index, *path)


def without(name, function):
    """An alarm that has lost sight of a function."""
    def change(template):
        properties = template["Resources"][name]["Properties"]
        properties["Metrics"] = [one for one in properties["Metrics"] if function not in json.dumps(one)]
    return change


# Each rule with the templates that break it.
BROKEN = {
    "tables_can_be_restored": [
        put(False, *properties("Table", "PointInTimeRecoverySpecification", "PointInTimeRecoveryEnabled")),
        drop(*properties("Table", "PointInTimeRecoverySpecification")),
        put(False, *properties("Table", "DeletionProtectionEnabled")),
        put("Delete", *resource("Table", "DeletionPolicy")),
        drop(*resource("Table", "UpdateReplacePolicy")),
    ],
    "tables_forget_what_has_ended": [
        put(False, *properties("Table", "TimeToLiveSpecification", "Enabled")),
        put("ttl", *properties("Table", "TimeToLiveSpecification", "AttributeName")),
        drop(*properties("Table", "TimeToLiveSpecification")),
    ],
    "tables_are_encrypted": [
        put(False, *properties("Table", "SSESpecification", "SSEEnabled")),
        drop(*properties("Table", "SSESpecification")),
    ],
    "keys_are_kept_and_turned": [
        put(False, *properties("SecretsKey", "EnableKeyRotation")),
        drop(*resource("SecretsKey", "DeletionPolicy")),
        put("Delete", *resource("SecretsKey", "UpdateReplacePolicy")),
    ],
    "logs_end": [drop(*properties("AdminLogs", "RetentionInDays")), drop(*properties("HttpLogs", "RetentionInDays"))],
    "queues_are_encrypted": [
        put(False, *properties("SyncQueue", "SqsManagedSseEnabled")),
        drop(*properties("PresenceDeadLetters", "SqsManagedSseEnabled")),
    ],
    "queues_put_aside_what_fails": [
        drop(*properties("SyncQueue", "RedrivePolicy")),
        put(50, *properties("PresenceQueue", "RedrivePolicy", "maxReceiveCount")),
        put(3600, *properties("SyncDeadLetters", "MessageRetentionPeriod")),
    ],
    "queues_take_encrypted_transport_alone": [
        drop(*resource("SyncQueuePolicy")),
        put("Allow", *properties("SyncQueuePolicy", "PolicyDocument", "Statement", 0, "Effect")),
        drop(*properties("SyncQueuePolicy", "PolicyDocument", "Statement", 0, "Condition")),
    ],
    "functions_have_roles_of_their_own": [
        drop(*properties("AdminFunction", "Role")),
        put(["AdministratorAccess"], *properties("SchedulerFunction", "Policies")),
    ],
    "functions_write_to_named_logs": [drop(*properties("FullSyncFunction", "LoggingConfig"))],
    "functions_are_bounded": [
        drop(*properties("FullSyncFunction", "ReservedConcurrentExecutions")),
        drop(*properties("AdminFunction", "Timeout")),
        put(10_240, *properties("AdminFunction", "MemorySize")),
    ],
    "batches_fail_in_part_and_are_bounded": [
        drop(*properties("FullSyncMessages", "FunctionResponseTypes")),
        drop(*properties("PresencePollMessages", "ScalingConfig")),
    ],
    "nobody_calls_a_function_unnamed": [
        drop(*properties("AdminPermission", "SourceArn")),
        put("*", *properties("SsoExchangePermission", "Principal")),
        put({"Type": "AWS::Lambda::Url", "Properties": {"AuthType": "NONE"}}, *resource("Open")),
    ],
    "roles_are_taken_by_functions_alone": [
        put({"AWS": "*"}, *properties("AdminRole", "AssumeRolePolicyDocument", "Statement", 0, "Principal")),
    ],
    "roles_name_their_actions": [
        put("*", *role("AdminRole", 1, "Action")),
        put(["dynamodb:GetItem", "dynamodb:*"], *role("AdminRole", 1, "Action")),
        put("dynamodb:Describe*", *role("SchedulerRole", 1, "Action")),
        put("s3:*", *role("FullSyncRole", 1, "NotAction")),
        put(["ec2:*"], *properties("EgressPolicy", "PolicyDocument", "Statement", 0, "Action")),
    ],
    "roles_name_their_resources": [
        put("*", *role("AdminRole", 1, "Resource")),
        put([{"Fn::GetAtt": ["Table", "Arn"]}, "arn:aws:dynamodb:*:*:table/*"], *role("FullSyncRole", 1, "Resource")),
        put("arn:aws:s3:::mine", *role("SchedulerRole", 1, "NotResource")),
    ],
    "a_star_is_for_what_has_no_name": [
        put(["iam:PassRole"], *properties("EgressPolicy", "PolicyDocument", "Statement", 0, "Action")),
    ],
    "network_interfaces_are_made_before_the_code_runs_alone": [
        drop(*properties("EgressPolicy", "PolicyDocument", "Statement", 1)),
        put("Allow", *properties("EgressPolicy", "PolicyDocument", "Statement", 1, "Effect")),
    ],
    "secrets_open_with_their_connection_named": [
        drop(*role("AdminRole", 2, "Condition")),
        put({"Null": {"kms:EncryptionContext:connection_id": True}}, *role("FullSyncRole", 2, "Condition")),
    ],
    "names_speak_tls_1_2_at_least": [
        put("TLS_1_0", *properties("DomainName", "DomainNameConfigurations", 0, "SecurityPolicy")),
        drop(*properties("DomainName", "DomainNameConfigurations", 0, "SecurityPolicy")),
    ],
    "a_name_of_ones_own_is_the_only_one": [drop(*properties("HttpApi", "DisableExecuteApiEndpoint"))],
    "the_world_knocks_within_bounds": [
        drop(*properties("HttpStage", "DefaultRouteSettings")),
        put(1_000_000, *properties("HttpStage", "DefaultRouteSettings", "ThrottlingRateLimit")),
    ],
    "requests_are_logged_without_what_they_carry": [
        drop(*properties("HttpStage", "AccessLogSettings")),
        put('{"path":"$context.path"}', *properties("HttpStage", "AccessLogSettings", "Format")),
    ],
    "alarms_tell_somebody": [
        drop(*properties("NoGoodRunAlarm", "AlarmActions")),
        put("breaching", *properties("WaitingHintsAlarm", "TreatMissingData")),
    ],
    "functions_that_fail_raise_an_alarm": [
        without("ErrorsAlarm", "FullSyncFunction"), without("ErrorsAlarm", "AdminFunction"),
    ],
    "functions_that_are_refused_raise_an_alarm": [without("ThrottlesAlarm", "AdminFunction")],
    "what_is_put_aside_raises_an_alarm": [
        drop(*resource("SyncDeadLettersAlarm")), drop(*resource("PresenceDeadLettersAlarm")),
    ],
}


class Rules(unittest.TestCase):
    def test_the_template_keeps_every_rule_and_no_rule_passes_it_by(self):
        self.assertFalse(MISTAKES)
        for name, rules in RULES.items():
            self.assertEqual(judged(PLAIN, rules), dict.fromkeys(named(rules), "PASS"), name)

    def test_every_rule_is_seen_to_be_broken(self):
        written = {rule: file for file, rules in RULES.items() for rule in named(rules)}
        self.assertEqual(set(BROKEN), set(written))
        for rule, changes in BROKEN.items():
            for index, change in enumerate(changes):
                with self.subTest(rule=rule, change=index):
                    broken = copy.deepcopy(PLAIN)
                    change(broken)
                    self.assertNotEqual(broken, PLAIN)
                    self.assertEqual(judged(broken, RULES[written[rule]])[rule], "FAIL")

    # The rules on alarms name the functions; a function that they do not name would go unwatched.
    def test_the_rules_on_alarms_know_every_function(self):
        functions = {
            name for name, one in PLAIN["Resources"].items() if one["Type"] == "AWS::Serverless::Function"}
        for variable in ("failed", "refused"):
            named = set(re.findall(rf"%{variable} == '(\w+)'", RULES["watching.guard"]))
            self.assertEqual(named, functions)


if __name__ == "__main__":
    unittest.main()
