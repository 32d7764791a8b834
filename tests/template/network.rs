//! The network lets the functions come to every service that they call.

use std::collections::{BTreeMap, BTreeSet};

use serde_norway::Value;

use super::calls::called_services;
use super::stacks::read_stack;

/// How a function in the network comes to a service of AWS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    /// A gateway endpoint, which costs nothing.
    Gateway,
    /// An interface endpoint if `InterfaceEndpoints` is set, and NAT if not.
    Interface,
    /// NAT alone, and why.
    Nat(&'static str),
    /// It lives in the network, or nothing is sent.
    Inside(&'static str),
}

const WAYS: [(&str, Way); 9] = [
    ("s3", Way::Gateway),
    ("dynamodb", Way::Gateway),
    ("sqs", Way::Interface),
    ("secretsmanager", Way::Interface),
    ("cloudfront", Way::Nat("it has no endpoint in a region")),
    (
        "apigatewaymanagement",
        Way::Nat("an endpoint of execute-api serves private APIs, and hides all others"),
    ),
    (
        "xray",
        Way::Nat("its OTLP has an endpoint; spans may wait, and it would cost by the hour"),
    ),
    (
        "elasticache",
        Way::Inside("the token is made from the credentials"),
    ),
    (
        "rds-db",
        Way::Inside("the token is made from the credentials"),
    ),
];

fn network() -> Value {
    read_stack("infra/network.yaml")
}

fn resources_of<'n>(network: &'n Value, kind: &str) -> BTreeMap<&'n str, &'n Value> {
    let resources = network["Resources"].as_mapping().unwrap();
    let of_kind = resources.iter().filter(|(_, it)| it["Type"] == kind);
    of_kind
        .map(|(name, it)| (name.as_str().unwrap(), it))
        .collect()
}

/// The services of all endpoints of a type.
fn endpoints(network: &Value, kind: &str) -> BTreeSet<String> {
    let endpoints = resources_of(network, "AWS::EC2::VPCEndpoint").into_values();
    let of_kind = endpoints.filter(|it| it["Properties"]["VpcEndpointType"] == kind);
    of_kind
        .map(|it| {
            let name = it["Properties"]["ServiceName"]["Fn::Sub"].as_str().unwrap();
            let service = name.strip_prefix("com.amazonaws.${AWS::Region}.").unwrap();
            service.to_owned()
        })
        .collect()
}

fn services_by(way: Way) -> BTreeSet<String> {
    let services = WAYS.iter().filter(|(_, its_way)| *its_way == way);
    services.map(|(service, _)| (*service).to_owned()).collect()
}

#[test]
fn every_service_that_is_called_has_a_way() {
    let known: BTreeSet<_> = WAYS.iter().map(|(service, _)| *service).collect();
    assert_eq!(called_services(), known);

    let network = network();
    assert_eq!(endpoints(&network, "Gateway"), services_by(Way::Gateway));
    assert_eq!(
        endpoints(&network, "Interface"),
        services_by(Way::Interface)
    );
}

/// All functions may be in any private subnet, so each has the endpoints and its way out.
#[test]
fn every_private_subnet_has_all_ways() {
    let network = network();
    let tables: BTreeSet<_> = resources_of(&network, "AWS::EC2::SubnetRouteTableAssociation")
        .into_values()
        .map(|it| &it["Properties"])
        .filter(|it| {
            it["SubnetId"]["Ref"]
                .as_str()
                .unwrap()
                .starts_with("Private")
        })
        .map(|it| it["RouteTableId"]["Ref"].as_str().unwrap())
        .collect();
    assert_eq!(tables.len(), 3);

    let routes = resources_of(&network, "AWS::EC2::Route").into_values();
    let out: BTreeSet<_> = routes
        .map(|it| &it["Properties"])
        .filter(|it| it["DestinationCidrBlock"] == "0.0.0.0/0" && !it["NatGatewayId"].is_null())
        .map(|it| it["RouteTableId"]["Ref"].as_str().unwrap())
        .collect();
    assert_eq!(out, tables);

    for (name, endpoint) in resources_of(&network, "AWS::EC2::VPCEndpoint") {
        let properties = &endpoint["Properties"];
        if properties["VpcEndpointType"] == "Gateway" {
            assert!(endpoint["Condition"].is_null(), "{name} is always there");
            assert_eq!(names_within(&properties["RouteTableIds"]), tables, "{name}");
        } else {
            assert_eq!(endpoint["Condition"], "HasEndpoints", "{name}");
            assert_eq!(properties["PrivateDnsEnabled"], true, "{name}");
            let subnets = names_within(&properties["SubnetIds"]);
            assert_eq!(subnets.len(), tables.len(), "{name}");
        }
    }
}

/// What a list refers to, in all branches of an `!If`.
fn names_within(list: &Value) -> BTreeSet<&str> {
    let mut names = BTreeSet::new();
    for item in list.as_sequence().unwrap() {
        let chosen = item["Fn::If"].as_sequence().map(|it| &it[1..]);
        let branches = chosen.unwrap_or(std::slice::from_ref(item));
        names.extend(branches.iter().filter_map(|it| it["Ref"].as_str()));
    }
    names.remove("AWS::NoValue");
    names
}

#[test]
fn the_functions_may_speak_to_endpoints_and_beyond() {
    let network = network();
    let groups = resources_of(&network, "AWS::EC2::SecurityGroup");
    let out = &groups["FunctionsGroup"]["Properties"]["SecurityGroupEgress"][0];
    assert_eq!(out["CidrIp"], "0.0.0.0/0");
    assert_eq!(
        (&out["FromPort"], &out["ToPort"]),
        (&443.into(), &443.into())
    );

    let into = &groups["EndpointsGroup"]["Properties"]["SecurityGroupIngress"][0];
    assert_eq!(into["SourceSecurityGroupId"]["Ref"], "FunctionsGroup");
    assert_eq!(into["FromPort"], 443);
}

/// `CloudFormation` makes an Aurora cluster without a port listen on MySQL's, whatever its engine.
#[test]
fn the_database_listens_where_it_is_called() {
    let data = read_stack("infra/data.yaml");
    let port = data["Resources"]["Database"]["Properties"]["Port"].as_i64();
    let port = port.expect("the database says its port");

    let text = serde_norway::to_string(&data).unwrap();
    let urls: Vec<&str> = text.split("postgres://").skip(1).collect();
    assert_eq!(urls.len(), 3, "two of the functions, one of the migrations");
    for url in urls {
        assert!(url.contains(&format!(":{port}/")), "{url:.60}");
    }

    let network = serde_norway::to_string(&read_stack("infra/network.yaml")).unwrap();
    let let_in = network.matches(&format!("FromPort: {port}")).count();
    assert_eq!(let_in, network.matches(&format!("ToPort: {port}")).count());
    assert!(let_in >= 4, "{let_in}");
}
