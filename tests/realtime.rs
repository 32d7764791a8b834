//! Following consultations through the WebSocket API.

pub mod connecting;
mod following;
mod frames;
mod pushing;
mod summaries;

use std::collections::HashMap;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::AttributeValue;
use serde_json::Value;

use crate::support::STACK;

pub type Item = HashMap<String, AttributeValue>;

/// The table of the connections, as an operator sees it.
pub struct Table {
    client: Client,
    name: String,
}

impl Table {
    pub async fn of_stack() -> Self {
        Self {
            client: Client::new(&STACK.aws().await),
            name: STACK.env("CONNECTIONS_TABLE").unwrap(),
        }
    }

    /// The items whose partition begins with this.
    async fn items(&self, prefix: &str) -> Vec<Item> {
        let mut items = Vec::new();
        let mut from = None;
        loop {
            let page = self
                .client
                .scan()
                .table_name(&self.name)
                .filter_expression("begins_with(pk, :prefix)")
                .expression_attribute_values(":prefix", AttributeValue::S(prefix.to_owned()))
                .set_exclusive_start_key(from)
                .send()
                .await
                .unwrap();
            items.extend(page.items().iter().cloned());
            from = page.last_evaluated_key;
            if from.is_none() {
                return items;
            }
        }
    }

    /// The subscriptions of a consultation.
    pub async fn subscriptions(&self, tenant: &str, consultation: &Value) -> Vec<Item> {
        let id = consultation.as_str().unwrap();
        self.items(&format!("consultation#{tenant}#{id}")).await
    }

    /// The places of a tenant's users.
    async fn places(&self, tenant: &str) -> Vec<Item> {
        self.items(&format!("user#{tenant}#")).await
    }

    /// The connections of a tenant.
    pub async fn connections(&self, tenant: &str) -> Vec<Item> {
        let mut items = self.items("connection#").await;
        items.retain(|item| item["tenant"] == AttributeValue::S(tenant.to_owned()));
        items
    }

    /// Lets items expire, as time does.
    async fn expire(&self, items: Vec<Item>) {
        for mut item in items {
            let past = AttributeValue::N("1".to_owned());
            item.insert("expires_at".to_owned(), past);
            self.put(item).await;
        }
    }

    async fn put(&self, item: Item) {
        let put = self.client.put_item().table_name(&self.name);
        put.set_item(Some(item)).send().await.unwrap();
    }
}
