//! The REST API that streams chat completions, as SAM makes it of the template. Whether tokens
//! arrive one by one, only AWS shows: the emulator holds answers back.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::canary::{of_kind, transformed};
use super::stacks::read_stack;
use super::{Route, deployed_functions, deployed_routes, events_of_kind, read_route, timeout_of};

const PATH: &str = "/v1/chat/completions";

/// The one REST API, as CloudFormation gets it.
fn rest_api() -> Value {
    let resources = transformed();
    let apis = of_kind(&resources, "AWS::ApiGateway::RestApi");
    let [api] = apis[..] else {
        panic!("there is one REST API")
    };
    api.clone()
}

/// "Set up a Lambda proxy integration with payload response streaming in API Gateway": another
/// action of Lambda than other integrations, and a mode that says so. Each without the other is
/// refused.
#[test]
fn its_integration_streams() {
    let api = rest_api();
    let operation = &api["Body"]["paths"][PATH]["post"];
    let integration = &operation["x-amazon-apigateway-integration"];
    assert_eq!(integration["type"], "aws_proxy");
    assert_eq!(integration["responseTransferMode"], "STREAM");
    let uri = integration["uri"]["Fn::Sub"].as_str().unwrap();
    let prefix = "arn:aws:apigateway:${AWS::Region}:lambda:path/2021-11-15/functions/${";
    assert!(uri.starts_with(prefix), "{uri}");
    assert!(uri.ends_with("}/response-streaming-invocations"), "{uri}");

    // An edge-optimised one would end a stream after 30 s of silence.
    let endpoints = &api["EndpointConfiguration"]["Types"];
    assert_eq!(endpoints, &json!(["REGIONAL"]));
    let is_tls_1_2 = api["SecurityPolicy"]
        .as_str()
        .unwrap()
        .contains("TLS13_1_2");
    assert!(is_tls_1_2, "TLS 1.0 is taken by default");
}

/// The function's own end comes first, so that the client is told; 15 minutes are the most.
#[test]
fn its_time_is_the_functions() {
    let function = &deployed_functions()["create-chat-completion"];
    let [event] = &events_of_kind(function, "Api")[..] else {
        panic!("it streams by one API")
    };
    let milliseconds = event["TimeoutInMillis"].as_u64().unwrap();
    assert!(milliseconds > timeout_of(function) * 1_000);
    assert!(milliseconds <= 15 * 60 * 1_000);

    let Route { method, path } = read_route(event);
    assert_eq!((method.as_str(), path.as_str()), ("POST", PATH));
    let routes = deployed_routes();
    assert!(routes.contains(&Route { method, path }), "and all at once");
}

/// All but a browser's preflight, which has none to show.
#[test]
fn its_calls_need_a_token() {
    let api = rest_api();
    let methods = &api["Body"]["paths"][PATH];
    let names = methods.as_object().unwrap().keys();
    let names: BTreeSet<_> = names.map(String::as_str).collect();
    assert_eq!(names, BTreeSet::from(["options", "post"]));
    let security = &methods["post"]["security"];
    assert_eq!(security, &json!([{ "UserPoolTokens": [] }]));
    let preflight = &methods["options"]["x-amazon-apigateway-integration"];
    assert_eq!(preflight["type"], "mock", "no function is called");

    let schemes = &api["Body"]["components"]["securitySchemes"];
    let scheme = &schemes["UserPoolTokens"];
    assert_eq!(
        (&scheme["in"], &scheme["name"]),
        (&json!("header"), &json!("Authorization"))
    );
    let authorizer = &scheme["x-amazon-apigateway-authorizer"];
    assert_eq!(authorizer["type"], "cognito_user_pools");
    let pools = json!([{ "Fn::GetAtt": ["UserPool", "Arn"] }]);
    assert_eq!(authorizer["providerARNs"], pools);
}

/// A gateway's own answer has the shape that clients read, and pages may read it.
#[test]
fn its_refusals_are_errors_of_openai() {
    let api = rest_api();
    let responses = &api["Body"]["x-amazon-apigateway-gateway-responses"];
    let responses = responses.as_object().unwrap();
    for kind in ["UNAUTHORIZED", "THROTTLED", "DEFAULT_4XX", "DEFAULT_5XX"] {
        assert!(responses.contains_key(kind), "{kind}");
    }

    for (kind, response) in responses {
        let body = response["responseTemplates"]["application/json"].as_str();
        let body: Value = serde_json::from_str(body.unwrap()).unwrap();
        for field in ["message", "type", "param", "code"] {
            assert!(body["error"].get(field).is_some(), "{kind}: {field}");
        }
        let pages = "gatewayresponse.header.Access-Control-Allow-Origin";
        assert_eq!(response["responseParameters"][pages], "'*'", "{kind}");
    }
}

/// A REST API's path begins with its stage.
#[test]
fn the_edge_asks_its_stage() {
    let resources = transformed();
    let stages = of_kind(&resources, "AWS::ApiGateway::Stage");
    let stage = stages[0]["StageName"].as_str().unwrap();

    let edge = read_stack("infra/edge.yaml");
    let distribution = &edge["Resources"]["Distribution"]["Properties"]["DistributionConfig"];
    let mut origins = distribution["Origins"].as_sequence().unwrap().iter();
    let chat = origins.find(|origin| origin["Id"] == "chat").unwrap();
    let path = &chat["OriginPath"]["Fn::If"];
    assert_eq!(path[0], "HasChat");
    assert_eq!(path[1].as_str().unwrap(), format!("/{stage}"));
    assert_eq!(path[2], "", "the HTTP API's stage has no name");

    let url = &super::read_template()["Outputs"]["ChatUrl"]["Value"]["Fn::Sub"];
    assert!(url.as_str().unwrap().ends_with(&format!("/{stage}")));
}
