//! The OpenAPI 3.1 document, made from the same table as the router.

use std::sync::LazyLock;

use serde_json::Value;
use utoipa::openapi::path::{Operation, PathItem};
use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityRequirement, SecurityScheme};
use utoipa::openapi::{
    Components, ContentBuilder, Info, OpenApi, OpenApiBuilder, Ref, RefOr, Response, ResponseBuilder,
};
use utoipa::{PartialSchema as _, ToSchema as _};

use crate::access::{Access, name};
use crate::problem::Problem;
use crate::routes::{Route, table};

/// Name of the security scheme.
const BEARER: &str = "api_token";
/// Every body but a multi-part one is of this type when it is a refusal.
const PROBLEM_JSON: &str = "application/problem+json";

/// The document as JSON text.
pub fn json() -> &'static str {
    static TEXT: LazyLock<String> = LazyLock::new(|| {
        let mut document = serde_json::to_value(document()).expect("a document of plain values is JSON");
        allow_repetition(&mut document);
        document.to_string()
    });
    &TEXT
}

/// A list that is a set here takes what it names twice, and keeps it once: callers need not see to that themselves.
fn allow_repetition(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            if fields.get("uniqueItems").is_some_and(Value::is_boolean) {
                fields.remove("uniqueItems");
            }
            fields.values_mut().for_each(allow_repetition);
        }
        Value::Array(items) => items.iter_mut().for_each(allow_repetition),
        _ => {}
    }
}

/// The document.
pub fn document() -> OpenApi {
    let mut document = OpenApiBuilder::new()
        .info(Info::new("Entra to Yeastar P-Series connector: Admin API", "1"))
        .components(Some(components()))
        .build();
    for route in table() {
        add(&mut document, route);
    }
    document
}

fn components() -> Components {
    let mut components = Components::new();
    components.add_security_scheme(BEARER, SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer)));
    let mut schemas = Vec::new();
    Problem::schemas(&mut schemas);
    schemas.push((Problem::name().into_owned(), Problem::schema()));
    components.schemas.extend(schemas);
    components
}

fn add(document: &mut OpenApi, route: Route) {
    let (schemas, paths, _) = route.spec;
    if let Some(components) = document.components.as_mut() {
        components.schemas.extend(schemas);
    }
    for (path, mut item) in paths.paths {
        for operation in operations(&mut item) {
            describe(operation, route.access);
        }
        match document.paths.paths.get_mut(&path) {
            Some(known) => known.merge_operations(item),
            None => {
                document.paths.paths.insert(path, item);
            }
        }
    }
}

/// Adds what follows from the access: security and the refusals that any call may give.
fn describe(operation: &mut Operation, access: Access) {
    let responses = &mut operation.responses.responses;
    responses.insert("default".to_owned(), refusal("Any other refusal"));
    match access {
        Access::Public => operation.security = Some(Vec::new()),
        Access::Needs(role) => {
            responses.insert("401".to_owned(), refusal("No valid token"));
            responses.insert("403".to_owned(), refusal("The token's role is not enough"));
            operation.security = Some(vec![SecurityRequirement::new(BEARER, Vec::<String>::new())]);
            let needs = format!("Needs role {} or higher.", name(role));
            operation.description = Some(match operation.description.take() {
                Some(text) => format!("{text}\n\n{needs}"),
                None => needs,
            });
        }
    }
}

fn refusal(description: &str) -> RefOr<Response> {
    let content = ContentBuilder::new()
        .schema(Some(Ref::from_schema_name(Problem::name())))
        .build();
    RefOr::T(
        ResponseBuilder::new()
            .description(description)
            .content(PROBLEM_JSON, content)
            .build(),
    )
}

fn operations(item: &mut PathItem) -> impl Iterator<Item = &mut Operation> {
    [
        &mut item.get,
        &mut item.put,
        &mut item.post,
        &mut item.patch,
        &mut item.delete,
    ]
    .into_iter()
    .flatten()
}

/// The methods that a path has.
pub fn methods(item: &PathItem) -> Vec<&'static str> {
    [
        ("GET", &item.get),
        ("PUT", &item.put),
        ("POST", &item.post),
        ("PATCH", &item.patch),
        ("DELETE", &item.delete),
    ]
    .into_iter()
    .filter(|(_, operation)| operation.is_some())
    .map(|(method, _)| method)
    .collect()
}
