//! Seeded clouds: the same seed gives the same people, and the people are as untidy as real ones.

use serde_json::Value;
use simulators::clock::SimClock;
use simulators::graph::{Config, DEMO_CLIENT_ID, DEMO_CLIENT_SECRET, DEMO_TENANT_ID};

use crate::support::{Cloud, start_time};

async fn cloud(seed: u64, users: usize) -> Cloud {
    let mut cloud = Cloud::with(Config::sized(seed, users, SimClock::manual(start_time()))).await;
    cloud
        .sign_in_as(DEMO_TENANT_ID, DEMO_CLIENT_ID, DEMO_CLIENT_SECRET)
        .await;
    cloud
}

const SELECT: &str = "/users?$top=999&$select=id,displayName,givenName,surname,mail,userPrincipalName,userType,\
                      accountEnabled,businessPhones,mobilePhone,employeeId,department";

#[tokio::test]
async fn equal_seeds_give_equal_clouds() {
    let (one, two, other) = (cloud(1, 60).await, cloud(1, 60).await, cloud(2, 60).await);
    let people = one.follow(SELECT).await.0;
    assert_eq!(people.len(), 60);
    assert_eq!(people, two.follow(SELECT).await.0);
    assert_ne!(people, other.follow(SELECT).await.0);
}

#[tokio::test]
async fn people_are_untidy() {
    let cloud = cloud(3, 600).await;
    let people = cloud.follow(SELECT).await.0;
    let count = |test: &dyn Fn(&Value) -> bool| people.iter().filter(|person| test(person)).count();
    assert!(count(&|person| person["userPrincipalName"].as_str().unwrap().contains("#EXT#")) > 5);
    assert!(count(&|person| person["accountEnabled"] == false) > 5);
    assert!(count(&|person| person["mail"].is_null()) > 5);
    assert!(count(&|person| person["givenName"].is_null()) > 5);
    assert!(count(&|person| person["userType"].is_null()) > 1);
    assert!(count(&|person| person["mail"] == "reception@contoso.example") > 1);
    assert!(count(&|person| person["businessPhones"].as_array().unwrap().is_empty()) > 5);
    assert!(count(&|person| person["department"].is_null()) > 5);
    let mut names: Vec<_> = people
        .iter()
        .map(|person| person["userPrincipalName"].clone().to_string())
        .collect();
    names.sort();
    names.dedup();
    assert_eq!(names.len(), 600, "principal names are unique");
}

#[tokio::test]
async fn groups_nest_loop_and_vary() {
    let cloud = cloud(4, 80).await;
    let groups = cloud.follow("/groups").await.0;
    let named = |name: &str| groups.iter().filter(|group| group["displayName"] == name).count();
    assert_eq!(
        (named("Sales"), named("All staff"), named("Nobody yet")),
        (2, 1, 1)
    );
    let outer = groups
        .iter()
        .find(|group| group["displayName"] == "PBX users")
        .unwrap()["id"]
        .as_str()
        .unwrap();
    let path =
        format!("/groups/{outer}/transitiveMembers/microsoft.graph.user?$count=true&$select=id&$top=999");
    let staff = cloud.get_eventual(&path).await;
    assert!(
        staff.ids().len() > 40 && staff.ids().len() < 80,
        "all with a department, no guests"
    );
    assert_eq!(cloud.follow("/groups/delta").await.0.len(), groups.len());
}

#[tokio::test]
async fn a_large_tenant_is_paged_through() {
    let cloud = cloud(5, 10_000).await;
    cloud.behave(|behaviour| behaviour.delta.page_sizes = vec![999]);
    assert_eq!(cloud.follow("/users?$top=999&$select=id").await.0.len(), 10_000);
    assert_eq!(
        cloud.follow("/users/delta?$select=displayName").await.0.len(),
        10_000
    );
}
