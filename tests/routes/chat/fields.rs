//! Fields of a request that spend or reach more than an answer.

use reqwest::StatusCode;
use serde_json::{Value, json};
use uuid::Uuid;
use wenzhen::http::Origin;

use super::direct::{chains_of, handle};
use super::{ask, read_error, with};
use crate::provider;
use crate::support::User;

/// A request with an image that is elsewhere.
fn ask_about(address: &str) -> Value {
    let image = json!({ "type": "image_url", "image_url": { "url": address } });
    let content = json!([{ "type": "text", "text": "hello" }, image]);
    let messages = json!([{ "role": "user", "content": content }]);
    json!({ "model": "default", "messages": messages })
}

/// The place in the request that tiers with these settings refuse; none if one answers.
async fn refused_place(body: &Value, settings: &Value) -> Option<String> {
    let chains = chains_of(&["ok", "ok"], settings).await;
    let error = handle(chains, body, Origin::HttpApi).await.err()?;

    assert_eq!(error.status, StatusCode::BAD_REQUEST);
    assert_eq!(error.error["type"], "invalid_request_error");
    let place = error.error["param"].as_str();
    Some(place.unwrap_or_default().to_owned())
}

#[tokio::test]
async fn a_field_that_no_tier_lists_is_refused_by_its_name() {
    let listing = json!({ "pass_fields": ["service_tier"] });
    let body = with(ask("hello"), "service_tier", json!("priority"));
    assert_eq!(
        refused_place(&body, &json!({})).await.unwrap(),
        "service_tier"
    );
    assert_eq!(refused_place(&body, &listing).await, None);

    let tools = json!([{ "type": "web_search" }]);
    let body = with(ask("hello"), "tools", tools);
    assert_eq!(
        refused_place(&body, &listing).await.unwrap(),
        "tools[0].type"
    );
    let all = json!({ "pass_fields": ["*"] });
    assert_eq!(refused_place(&body, &all).await, None);
}

#[tokio::test]
async fn an_image_that_is_elsewhere_is_refused_and_one_that_is_held_is_not() {
    let fetching = json!({ "remote_media": true });
    let remote = ask_about("http://169.254.169.254/latest/meta-data");
    let place = "messages[0].content[1]";
    assert_eq!(refused_place(&remote, &json!({})).await.unwrap(), place);
    assert_eq!(refused_place(&remote, &fetching).await, None);

    let held = ask_about("data:image/png;base64,iVBORw0KGgo=");
    assert_eq!(refused_place(&held, &json!({})).await, None);
}

/// Through the gateway, and no provider hears of it.
#[tokio::test]
async fn what_is_refused_reaches_no_provider() {
    let user = User::new().await;
    let marker = Uuid::new_v4().to_string();
    let body = with(ask(&marker), "web_search_options", json!({}));

    let error = read_error(super::post(&user, &body).await, StatusCode::BAD_REQUEST).await;
    assert_eq!(error["param"], "web_search_options");
    assert!(provider::calls(&marker).is_empty());
}
