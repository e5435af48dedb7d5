//! What the world may ask for: the routes of the API and the routes of the functions are the same.

use std::collections::{BTreeMap, BTreeSet};

use crate::document::{root, template, text};

/// Method (`ANY` for all) and path.
type Route = (String, String);

/// Routes of the API by the folder of the function behind them.
fn offered() -> BTreeMap<String, BTreeSet<Route>> {
    let template = template();
    let integrations = template.resources("AWS::ApiGatewayV2::Integration");
    let folders: BTreeMap<String, String> = template
        .functions()
        .into_iter()
        .map(|(folder, (id, _))| (format!("${{{id}.Arn}}"), folder))
        .collect();
    let mut offered: BTreeMap<String, BTreeSet<Route>> = BTreeMap::new();
    for route in template.resources("AWS::ApiGatewayV2::Route").values() {
        let target = text(&route["Target"]);
        let integration = target
            .strip_prefix("integrations/${")
            .unwrap()
            .trim_end_matches('}');
        let folder = &folders[&text(&integrations[integration]["IntegrationUri"])];
        let key = text(&route["RouteKey"]);
        let (method, path) = key.split_once(' ').unwrap();
        let of_function = offered.entry(folder.clone()).or_default();
        assert!(
            of_function.insert((method.to_owned(), path.to_owned())),
            "{key} is there twice"
        );
    }
    offered
}

/// Paths that a function's source gives to its router, constants resolved, with the methods they take.
fn routed(folder: &str) -> BTreeSet<Route> {
    let sources = sources(&format!("functions/{folder}/src"));
    let mut routes: BTreeSet<Route> = sources
        .iter()
        .flat_map(|source| routed_in(source, &sources).into_iter().chain(pages_in(source)))
        .collect();
    if folder == "admin" {
        let listed = admin::route_listing();
        routes.extend(
            listed
                .into_iter()
                .map(|(method, path, _)| (method.to_uppercase(), path)),
        );
    }
    routes
}

fn routed_in(source: &str, all: &[String]) -> BTreeSet<Route> {
    let mut routes = BTreeSet::new();
    for call in source.split(".route(").skip(1) {
        let (path, rest) = call.split_once(',').unwrap();
        let path = path.trim();
        let path = match path.strip_prefix('"') {
            Some(literal) => literal.trim_end_matches('"').to_owned(),
            None if path
                .chars()
                .all(|letter| letter.is_ascii_uppercase() || letter == '_') =>
            {
                constant(path, source, all)
            }
            // A table of calls, which says itself what is in it.
            None => continue,
        };
        let handler = rest.lines().next().unwrap();
        for method in ["get", "post", "put", "patch", "delete"] {
            if handler.contains(&format!("{method}(")) {
                routes.insert((method.to_uppercase(), path.clone()));
            }
        }
    }
    routes
}

/// The rows of a table of pages: method, role, path, handler.
fn pages_in(source: &str) -> BTreeSet<Route> {
    let row = |line: &str| {
        let (before, _) = line.split_once("\" => ")?;
        let (head, path) = before.split_once('"')?;
        let method = head.split_whitespace().next()?;
        let is_method = matches!(method, "get" | "post");
        is_method.then(|| (method.to_uppercase(), path.to_owned()))
    };
    source.lines().map(str::trim).filter_map(row).collect()
}

/// The value of a constant: of the file that names it, or else of another.
fn constant(name: &str, source: &str, all: &[String]) -> String {
    let declaration = format!("const {name}: &str = \"");
    let mut places = std::iter::once(source).chain(all.iter().map(String::as_str));
    let (_, rest) = places.find_map(|place| place.split_once(&declaration)).unwrap();
    rest.split('"').next().unwrap().to_owned()
}

/// The texts of the source files below a folder.
fn sources(folder: &str) -> Vec<String> {
    let mut all = Vec::new();
    let mut folders = vec![root().join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|kind| kind == "rs") {
                all.push(std::fs::read_to_string(path).unwrap());
            }
        }
    }
    all
}

/// Whether the API sends a request for this route to the function.
fn lets_through((method, path): &Route, (by_method, by_path): &Route) -> bool {
    let path_fits = match by_path.strip_suffix("{proxy+}") {
        Some(start) => path.len() > start.len() && path.starts_with(start),
        None => path == by_path,
    };
    path_fits && (by_method == "ANY" || by_method == method)
}

// case: 64
#[test]
fn the_api_lets_through_every_route_of_a_function_and_no_other_path() {
    let offered = offered();
    let with_routes: Vec<&String> = offered.keys().collect();
    assert_eq!(with_routes, ["admin", "graph-notifications", "sso-exchange"]);
    for (folder, offered) in &offered {
        let routed = routed(folder);
        assert!(
            routed.len() > 1,
            "the routes of {folder} were not found: {routed:?}"
        );
        for route in &routed {
            assert!(
                offered.iter().any(|by| lets_through(route, by)),
                "the API lets nobody through to {route:?} of {folder}"
            );
        }
        for by in offered {
            assert!(
                routed.iter().any(|route| lets_through(route, by)),
                "{folder} has nothing behind {by:?}"
            );
        }
    }
}

#[test]
fn nothing_may_be_called_but_by_the_api_and_the_clock() {
    let template = template();
    for permission in template.resources("AWS::Lambda::Permission").values() {
        let principal = text(&permission["Principal"]);
        let source = text(&permission["SourceArn"]);
        match principal.as_str() {
            "apigateway.amazonaws.com" => assert!(source.ends_with(":${HttpApi}/*"), "{source}"),
            "events.amazonaws.com" => assert_eq!(source, "${EveryMinute.Arn}"),
            other => panic!("{other} may call a function"),
        }
    }
    assert!(!template.kinds().values().any(|kind| kind == "AWS::Lambda::Url"));
}
