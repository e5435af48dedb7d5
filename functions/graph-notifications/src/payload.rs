//! From bytes to items: the documented shape, read with tolerance for what is new, missing or of another type. One bad item
//! never loses the others; a body that is not the documented shape has none.

use serde::de::{MapAccess, SeqAccess};

use crate::lenient::{Lenient, Nothing, Shape, Text, once};
use crate::refusal::Refusal;

/// Graph sends some dozens at once.
const MOST_ITEMS: usize = 1_000;

/// One item as it was sent.
#[derive(Default)]
pub struct Item<'de> {
    subscription: Option<Text<'de>>,
    client_state: Option<Text<'de>>,
    tenant: Option<Text<'de>>,
    change_type: Option<Text<'de>>,
    resource: Option<Text<'de>>,
    lifecycle_event: Option<Text<'de>>,
    resource_data: Option<ResourceData<'de>>,
}

/// The one thing of it that counts.
#[derive(Default)]
struct ResourceData<'de> {
    id: Option<Text<'de>>,
}

#[derive(Default)]
struct Body<'de> {
    value: Option<Items<'de>>,
}

/// A list of items; what is no list is none.
#[derive(Default)]
struct Items<'de>(Option<List<'de>>);

struct List<'de> {
    items: Vec<Item<'de>>,
    too_many: bool,
}

/// The items of a body.
pub fn read(body: &[u8]) -> Result<Vec<Item<'_>>, Refusal> {
    let read: Option<Lenient<Body<'_>>> = serde_json::from_slice(body).ok();
    match read.and_then(|Lenient(body)| body.value?.0) {
        Some(List { too_many: true, .. }) => Err(Refusal::too_large()),
        Some(List { items, .. }) => Ok(items),
        None => Err(Refusal::bad(
            "the body is not a collection of change notifications",
        )),
    }
}

fn text<'a>(field: Option<&'a Text<'_>>) -> Option<&'a str> {
    field.and_then(Text::as_str)
}

impl Item<'_> {
    pub fn subscription(&self) -> Option<&str> {
        text(self.subscription.as_ref())
    }

    pub fn client_state(&self) -> Option<&str> {
        text(self.client_state.as_ref())
    }

    pub fn tenant(&self) -> Option<&str> {
        text(self.tenant.as_ref())
    }

    pub fn change_type(&self) -> Option<&str> {
        text(self.change_type.as_ref())
    }

    pub fn resource(&self) -> Option<&str> {
        text(self.resource.as_ref())
    }

    pub fn lifecycle_event(&self) -> Option<&str> {
        text(self.lifecycle_event.as_ref())
    }

    /// The id of the object, said a second time.
    pub fn object_id(&self) -> Option<&str> {
        text(self.resource_data.as_ref()?.id.as_ref())
    }
}

impl<'de> Shape<'de> for Body<'de> {
    fn member<A: MapAccess<'de>>(&mut self, name: &str, object: &mut A) -> Result<(), A::Error> {
        match name {
            "value" => once(&mut self.value, "value", object),
            _ => Nothing.member(name, object),
        }
    }
}

impl<'de> Shape<'de> for Items<'de> {
    fn of_list<A: SeqAccess<'de>>(mut list: A) -> Result<Self, A::Error> {
        let mut items = Vec::new();
        while items.len() < MOST_ITEMS {
            let Some(Lenient(item)) = list.next_element()? else {
                break;
            };
            items.push(item);
        }
        let mut too_many = false;
        while list.next_element::<Lenient<Nothing>>()?.is_some() {
            too_many = true;
        }
        Ok(Self(Some(List { items, too_many })))
    }
}

impl<'de> Shape<'de> for Item<'de> {
    fn member<A: MapAccess<'de>>(&mut self, name: &str, object: &mut A) -> Result<(), A::Error> {
        match name {
            "subscriptionId" => once(&mut self.subscription, "subscriptionId", object),
            "clientState" => once(&mut self.client_state, "clientState", object),
            "tenantId" => once(&mut self.tenant, "tenantId", object),
            "changeType" => once(&mut self.change_type, "changeType", object),
            "resource" => once(&mut self.resource, "resource", object),
            "lifecycleEvent" => once(&mut self.lifecycle_event, "lifecycleEvent", object),
            "resourceData" => once(&mut self.resource_data, "resourceData", object),
            _ => Nothing.member(name, object),
        }
    }
}

impl<'de> Shape<'de> for ResourceData<'de> {
    fn member<A: MapAccess<'de>>(&mut self, name: &str, object: &mut A) -> Result<(), A::Error> {
        match name {
            "id" => once(&mut self.id, "id", object),
            _ => Nothing.member(name, object),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(body: &str) -> Result<usize, ()> {
        read(body.as_bytes()).map(|items| items.len()).map_err(drop)
    }

    #[test]
    fn an_item_of_another_type_loses_no_other() {
        let body = r#"{"value":[1,null,"x",[],{},{"resource":7,"resourceData":[{}],"tenantId":"t"}]}"#;
        let items = read(body.as_bytes()).unwrap();
        let tenants: Vec<_> = items.iter().map(Item::tenant).collect();
        assert_eq!(tenants, [None, None, None, None, None, Some("t")]);
    }

    // case: 13
    #[test]
    fn what_is_not_the_documented_shape_has_no_items() {
        for body in [
            "",
            "[]",
            "[[{}]]",
            "{}",
            "null",
            r#"{"value":null}"#,
            r#"{"value":{}}"#,
            r#"{"value":[NaN]}"#,
            r#"{"value":[{}]"#,
            r#"{"value":[{}]} x"#,
            r#"{"value":[],"value":[]}"#,
            r#"{"value":[{"tenantId":"a","tenantId":"b"}]}"#,
            r#"{"value":[{"resourceData":{"id":"a","id":"b"}}]}"#,
        ] {
            assert_eq!(count(body), Err(()), "{body}");
        }
        assert_eq!(count(r#"{"value":[],"validationTokens":null}"#), Ok(0));
    }

    // case: 12
    #[test]
    fn more_items_than_graph_sends_and_deep_nesting_are_refused() {
        let many = |count: usize| format!(r#"{{"value":[{}{{}}]}}"#, "{},".repeat(count - 1));
        assert_eq!(count(&many(MOST_ITEMS)), Ok(MOST_ITEMS));
        assert_eq!(count(&many(MOST_ITEMS + 1)), Err(()));
        let deep = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        for place in ["unknown", "resourceData", "clientState"] {
            let body = |depth| format!(r#"{{"value":[{{"{place}":{}}}]}}"#, deep(depth));
            assert_eq!(count(&body(100)), Ok(1), "{place}");
            assert_eq!(count(&body(10_000)), Err(()), "{place}");
        }
    }
}
