//! Traces: handed on by default, recorded where somebody asks for it, and then allowed to every function.

use crate::document::{template, text, texts};

#[test]
fn every_function_traces_as_the_parameter_says_which_by_default_records_nothing() {
    let template = template();
    let mode = &template.section("Globals")["Function"]["Tracing"];
    assert_eq!(text(mode), "${TracingMode}");
    assert_eq!(template.default("TracingMode"), "PassThrough");
    for (folder, (_, function)) in template.functions() {
        assert!(function["Tracing"].is_null(), "{folder} has a mode of its own");
    }
}

// case: 64
#[test]
fn traces_may_be_written_by_all_roles_where_they_are_recorded_and_by_nobody_else() {
    let template = template();
    let policy = &template.section("Resources")["TracingPolicy"];
    assert_eq!(policy["Condition"], "TracesActively");
    // The roles name it: so it is there before a function that traces, which Lambda would refuse without it.
    assert!(policy["Properties"]["Roles"].is_null());
    let roles = template.resources("AWS::IAM::Role");
    for (folder, (_, function)) in template.functions() {
        let role = text(&function["Role"]).replace("${", "").replace(".Arn}", "");
        let managed = serde_norway::to_string(&roles[&role]["ManagedPolicyArns"]).unwrap();
        let names = managed.contains("TracesActively") && managed.contains("TracingPolicy");
        assert!(names, "{folder} may not write traces: {managed}");
    }
    let named = roles
        .values()
        .filter(|role| serde_norway::to_string(role).unwrap().contains("TracingPolicy"));
    assert_eq!(named.count(), template.functions().len());
    let statement = &policy["Properties"]["PolicyDocument"]["Statement"][0];
    assert_eq!(
        texts(&statement["Action"]),
        ["xray:PutTelemetryRecords", "xray:PutTraceSegments"]
    );
}

#[test]
fn a_key_that_is_brought_takes_the_place_of_the_one_that_is_made() {
    let template = template();
    assert_eq!(template.default("ExistingSecretsKeyArn"), "");
    assert_eq!(
        template.section("Resources")["SecretsKey"]["Condition"],
        "MakesKey"
    );
    let text = std::fs::read_to_string(crate::document::root().join("infra/template.yaml")).unwrap();
    let uses = text.matches("SecretsKey.Arn").count();
    let choices = text.matches("!If [HasExistingKey, ").count();
    assert_eq!(uses, choices, "a use of the made key has no choice beside it");
    assert_eq!(uses, template.functions().len() + 2);
}
