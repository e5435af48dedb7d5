//! The template as a document: resources, and values in which references stand as `${Name}` or `${Name.Attribute}`.

use std::collections::BTreeMap;
use std::path::Path;

use serde_norway::Value;

/// The template for AWS.
pub struct Template(Value);

/// The repository's folder.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

/// Reads the template of this repository.
pub fn template() -> Template {
    let text = std::fs::read_to_string(root().join("infra/template.yaml")).unwrap();
    Template(serde_norway::from_str(&text).unwrap())
}

impl Template {
    /// Properties of every resource of a type, by logical id.
    pub fn resources(&self, kind: &str) -> BTreeMap<String, Value> {
        let resources = self.0["Resources"].as_mapping().unwrap();
        let of_kind = resources.iter().filter(|(_, resource)| resource["Type"] == kind);
        of_kind
            .map(|(name, resource)| (name.as_str().unwrap().to_owned(), resource["Properties"].clone()))
            .collect()
    }

    /// Types of all resources, by logical id.
    pub fn kinds(&self) -> BTreeMap<String, String> {
        let resources = self.0["Resources"].as_mapping().unwrap();
        let kind = |resource: &Value| resource["Type"].as_str().unwrap().to_owned();
        resources
            .iter()
            .map(|(name, resource)| (name.as_str().unwrap().to_owned(), kind(resource)))
            .collect()
    }

    /// Logical id and properties of each function, by the folder of its crate.
    pub fn functions(&self) -> BTreeMap<String, (String, Value)> {
        let folder = |function: &Value| {
            let archive = function["CodeUri"].as_str().unwrap();
            let name = archive.strip_prefix("../target/lambda/").unwrap();
            name.strip_suffix(".zip").unwrap().to_owned()
        };
        self.resources("AWS::Serverless::Function")
            .into_iter()
            .map(|(id, function)| (folder(&function), (id, function)))
            .collect()
    }

    /// What every function is given, and what this one is.
    pub fn environment(&self, function: &Value) -> BTreeMap<String, String> {
        let everybody = &self.0["Globals"]["Function"]["Environment"]["Variables"];
        let own = &function["Environment"]["Variables"];
        [everybody, own]
            .into_iter()
            .filter_map(Value::as_mapping)
            .flatten()
            .map(|(name, value)| (name.as_str().unwrap().to_owned(), text(value)))
            .collect()
    }

    /// The default of a parameter.
    pub fn default(&self, parameter: &str) -> String {
        text(&self.0["Parameters"][parameter]["Default"])
    }

    /// A whole section.
    pub fn section(&self, name: &str) -> &Value {
        &self.0[name]
    }
}

/// A scalar or a reference as text; of a choice, what holds where the condition does not.
pub fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        Value::Bool(truth) => truth.to_string(),
        Value::Tagged(tagged) => {
            let plain = text(match &tagged.value {
                Value::Sequence(choice) => choice.last().unwrap(),
                other => other,
            });
            match tagged.tag.to_string().as_str() {
                "!Ref" | "!GetAtt" => format!("${{{plain}}}"),
                _ => plain,
            }
        }
        other => panic!("{other:?} is no text"),
    }
}

/// One or many, as texts.
pub fn texts(value: &Value) -> Vec<String> {
    match value {
        Value::Sequence(many) => many.iter().map(text).collect(),
        one => vec![text(one)],
    }
}
