//! The few shapes of a request that everything else is made of. A write that must not overwrite others says so in a
//! condition, and gets the item that stood in its way.

use std::collections::BTreeMap;

use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types::{
    AttributeValue, ConditionCheck, Delete, Put, ReturnValue, ReturnValuesOnConditionCheckFailure,
    TransactWriteItem, Update,
};

use super::Store;
use super::error::{StoreError, unavailable};
use super::item::Row;
use super::keys::Key;

/// Passes when there is nothing at the place.
pub(super) const VACANT: &str = "attribute_not_exists(pk)";
/// Passes when there is something at the place.
pub(super) const PRESENT: &str = "attribute_exists(pk)";

/// An expression and the values it names.
#[derive(Debug, Clone, Default)]
pub(super) struct Expression {
    text: String,
    values: Vec<(&'static str, AttributeValue)>,
}

impl Expression {
    pub(super) fn new(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            values: Vec::new(),
        }
    }

    pub(super) fn with(mut self, name: &'static str, value: AttributeValue) -> Self {
        self.values.push((name, value));
        self
    }

    fn values(&self) -> Option<Row> {
        let values: Row = self
            .values
            .iter()
            .map(|(name, value)| ((*name).to_owned(), value.clone()))
            .collect();
        (!values.is_empty()).then_some(values)
    }
}

/// What a conditional write found.
#[derive(Debug)]
pub(super) enum Written {
    /// It was done.
    Yes,
    /// The condition did not hold; this is what was there.
    Refused(Option<Row>),
}

/// Items of a transaction whose conditions did not hold, by their place in it, each with what was there.
pub(super) type Refusals = BTreeMap<usize, Option<Row>>;

const COMPLETE: &str = "table, key and expression are set";

impl Store {
    pub(super) async fn get(&self, key: &Key, doing: &'static str) -> Result<Option<Row>, StoreError> {
        self.get_item(key, true, doing).await
    }

    /// As [`Store::get`] at half the price; may be a moment old.
    pub(super) async fn get_of_late(
        &self,
        key: &Key,
        doing: &'static str,
    ) -> Result<Option<Row>, StoreError> {
        self.get_item(key, false, doing).await
    }

    async fn get_item(
        &self,
        key: &Key,
        consistent: bool,
        doing: &'static str,
    ) -> Result<Option<Row>, StoreError> {
        let request = self
            .client()
            .get_item()
            .table_name(self.table())
            .set_key(Some(key.row()))
            .consistent_read(consistent);
        let answer = self
            .patiently(|| request.clone().send())
            .await
            .map_err(unavailable(doing))?;
        Ok(answer.item)
    }

    /// Writes whatever was there before.
    pub(super) async fn put(&self, row: Row, doing: &'static str) -> Result<(), StoreError> {
        let request = self
            .client()
            .put_item()
            .table_name(self.table())
            .set_item(Some(row));
        self.patiently(|| request.clone().send())
            .await
            .map_err(unavailable(doing))?;
        Ok(())
    }

    pub(super) async fn put_if(
        &self,
        row: Row,
        condition: Expression,
        doing: &'static str,
    ) -> Result<Written, StoreError> {
        let request = self
            .client()
            .put_item()
            .table_name(self.table())
            .set_item(Some(row))
            .set_expression_attribute_values(condition.values())
            .condition_expression(condition.text)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        match self.patiently(|| request.clone().send()).await {
            Ok(_) => Ok(Written::Yes),
            Err(error) => match error.as_service_error() {
                Some(refused) if refused.is_conditional_check_failed_exception() => {
                    Ok(Written::Refused(old_item_of_put(error)))
                }
                _ => Err(unavailable(doing)(error)),
            },
        }
    }

    /// `update` and `condition` name disjoint values.
    pub(super) async fn update_if(
        &self,
        key: &Key,
        update: Expression,
        condition: Expression,
        doing: &'static str,
    ) -> Result<Written, StoreError> {
        let mut values = update.values().unwrap_or_default();
        values.extend(condition.values().unwrap_or_default());
        let request = self
            .client()
            .update_item()
            .table_name(self.table())
            .set_key(Some(key.row()))
            .update_expression(update.text)
            .set_expression_attribute_values((!values.is_empty()).then_some(values))
            .condition_expression(condition.text)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        match self.patiently(|| request.clone().send()).await {
            Ok(_) => Ok(Written::Yes),
            Err(error) => match error.as_service_error() {
                Some(refused) if refused.is_conditional_check_failed_exception() => {
                    Ok(Written::Refused(old_item_of_update(error)))
                }
                _ => Err(unavailable(doing)(error)),
            },
        }
    }

    /// Updates and answers the item as it was, empty where there was none; `None` when the condition did not hold.
    /// `update` must do no more when it is done twice.
    pub(super) async fn update_returning_old(
        &self,
        key: &Key,
        update: Expression,
        condition: Expression,
        doing: &'static str,
    ) -> Result<Option<Row>, StoreError> {
        let mut values = update.values().unwrap_or_default();
        values.extend(condition.values().unwrap_or_default());
        let request = self
            .client()
            .update_item()
            .table_name(self.table())
            .set_key(Some(key.row()))
            .update_expression(update.text)
            .set_expression_attribute_values((!values.is_empty()).then_some(values))
            .set_condition_expression((!condition.text.is_empty()).then_some(condition.text))
            .return_values(ReturnValue::AllOld);
        match self.patiently(|| request.clone().send()).await {
            Ok(answer) => Ok(Some(answer.attributes.unwrap_or_default())),
            Err(error) => match error.as_service_error() {
                Some(refused) if refused.is_conditional_check_failed_exception() => Ok(None),
                _ => Err(unavailable(doing)(error)),
            },
        }
    }

    pub(super) async fn delete(&self, key: &Key, doing: &'static str) -> Result<(), StoreError> {
        let request = self
            .client()
            .delete_item()
            .table_name(self.table())
            .set_key(Some(key.row()));
        self.patiently(|| request.clone().send())
            .await
            .map_err(unavailable(doing))?;
        Ok(())
    }

    /// Deletes and answers the item as it was; `None` when the condition did not hold.
    pub(super) async fn delete_returning_old(
        &self,
        key: &Key,
        condition: Expression,
        doing: &'static str,
    ) -> Result<Option<Row>, StoreError> {
        let request = self
            .client()
            .delete_item()
            .table_name(self.table())
            .set_key(Some(key.row()))
            .set_expression_attribute_values(condition.values())
            .condition_expression(condition.text)
            .return_values(ReturnValue::AllOld);
        match self.patiently(|| request.clone().send()).await {
            Ok(answer) => Ok(answer.attributes),
            Err(error) => match error.as_service_error() {
                Some(refused) if refused.is_conditional_check_failed_exception() => Ok(None),
                _ => Err(unavailable(doing)(error)),
            },
        }
    }

    /// All of `items` or none. One token goes with every try, the SDK's and ours, so that the table recognises a repeat
    /// whose first answer was lost.
    pub(super) async fn transact(
        &self,
        items: Vec<TransactWriteItem>,
        doing: &'static str,
    ) -> Result<Result<(), Refusals>, StoreError> {
        let request = self
            .client()
            .transact_write_items()
            .client_request_token(uuid::Uuid::new_v4().to_string())
            .set_transact_items(Some(items));
        match self.patiently(|| request.clone().send()).await {
            Ok(_) => Ok(Ok(())),
            Err(error) => match error.as_service_error().and_then(refusals) {
                Some(refusals) => Ok(Err(refusals)),
                None => Err(unavailable(doing)(error)),
            },
        }
    }

    pub(super) fn put_in(&self, row: Row) -> TransactWriteItem {
        let put = Put::builder().table_name(self.table()).set_item(Some(row));
        TransactWriteItem::builder()
            .put(put.build().expect(COMPLETE))
            .build()
    }

    pub(super) fn put_in_if(&self, row: Row, condition: Expression) -> TransactWriteItem {
        let put = Put::builder()
            .table_name(self.table())
            .set_item(Some(row))
            .set_expression_attribute_values(condition.values())
            .condition_expression(condition.text)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        TransactWriteItem::builder()
            .put(put.build().expect(COMPLETE))
            .build()
    }

    pub(super) fn update_in(&self, key: &Key, update: Expression) -> TransactWriteItem {
        let update = Update::builder()
            .table_name(self.table())
            .set_key(Some(key.row()))
            .set_expression_attribute_values(update.values())
            .update_expression(update.text);
        TransactWriteItem::builder()
            .update(update.build().expect(COMPLETE))
            .build()
    }

    pub(super) fn delete_in(&self, key: &Key) -> TransactWriteItem {
        let delete = Delete::builder()
            .table_name(self.table())
            .set_key(Some(key.row()));
        TransactWriteItem::builder()
            .delete(delete.build().expect(COMPLETE))
            .build()
    }

    pub(super) fn delete_in_if(&self, key: &Key, condition: Expression) -> TransactWriteItem {
        let delete = Delete::builder()
            .table_name(self.table())
            .set_key(Some(key.row()))
            .set_expression_attribute_values(condition.values())
            .condition_expression(condition.text)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        TransactWriteItem::builder()
            .delete(delete.build().expect(COMPLETE))
            .build()
    }

    pub(super) fn check_in(&self, key: &Key, condition: Expression) -> TransactWriteItem {
        let check = ConditionCheck::builder()
            .table_name(self.table())
            .set_key(Some(key.row()))
            .set_expression_attribute_values(condition.values())
            .condition_expression(condition.text);
        TransactWriteItem::builder()
            .condition_check(check.build().expect(COMPLETE))
            .build()
    }
}

fn old_item_of_put(error: SdkError<PutItemError>) -> Option<Row> {
    match error.into_service_error() {
        PutItemError::ConditionalCheckFailedException(failed) => failed.item,
        _ => None,
    }
}

fn old_item_of_update(error: SdkError<UpdateItemError>) -> Option<Row> {
    match error.into_service_error() {
        UpdateItemError::ConditionalCheckFailedException(failed) => failed.item,
        _ => None,
    }
}

fn refusals(error: &TransactWriteItemsError) -> Option<Refusals> {
    let TransactWriteItemsError::TransactionCanceledException(cancelled) = error else {
        return None;
    };
    let refused: Refusals = cancelled
        .cancellation_reasons()
        .iter()
        .enumerate()
        .filter(|(_, reason)| reason.code() == Some("ConditionalCheckFailed"))
        .map(|(place, reason)| (place, reason.item.clone()))
        .collect();
    (!refused.is_empty()).then_some(refused)
}
