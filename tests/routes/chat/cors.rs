//! Pages of other origins, through the REST API.

use reqwest::header::{ACCESS_CONTROL_REQUEST_HEADERS, ACCESS_CONTROL_REQUEST_METHOD, ORIGIN};
use reqwest::{Client, Method};

use super::{PATH, ask, header};
use crate::provider;
use crate::support::{STACK, User};

const PAGE: &str = "https://app.example";

/// The stack allows all origins, as the template does unless told otherwise.
#[tokio::test]
async fn a_page_may_ask_and_read_the_answer() {
    provider::start();
    let user = User::new().await;
    let url = format!("{}{PATH}", STACK.env("CHAT_URL").unwrap());

    let preflight = Client::new()
        .request(Method::OPTIONS, &url)
        .header(ORIGIN, PAGE)
        .header(ACCESS_CONTROL_REQUEST_METHOD, "POST")
        .header(ACCESS_CONTROL_REQUEST_HEADERS, "authorization,content-type");
    let answer = preflight.send().await.unwrap();
    assert!(answer.status().is_success(), "no token is asked for");
    assert_eq!(header(&answer, "access-control-allow-origin"), "*");
    assert_eq!(header(&answer, "access-control-allow-methods"), "POST");
    let allowed = header(&answer, "access-control-allow-headers");
    assert_eq!(allowed, "authorization,content-type");

    let call = Client::new().post(&url).header(ORIGIN, PAGE);
    let answer = call.json(&ask("x")).send().await.unwrap();
    assert_eq!(answer.status(), 401);
    assert_eq!(header(&answer, "access-control-allow-origin"), "*");

    let call = Client::new().post(&url).header(ORIGIN, PAGE);
    let call = call.bearer_auth(&user.token).json(&ask("hello"));
    let answer = call.send().await.unwrap();
    assert_eq!(answer.status(), 200);
    assert_eq!(header(&answer, "access-control-allow-origin"), "*");
    let readable = header(&answer, "access-control-expose-headers");
    assert!(readable.contains("retry-after"), "{readable}");
}
