//! What the functions ask of AWS, and what they may: each has the permissions that its calls need,
//! and no other.
//!
//! The calls are read from the sources (`xtask::calls`), the permissions from the template. An
//! operation that is new gets its line in [`ACTIONS`], a type with a client its line in
//! [`HOLDERS`] (`actions.rs`), and a permission that no call of ours needs its line, with the
//! reason, in [`is_for_others`]. Folders of a bucket and which of two queues it is are not
//! compared.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::sync::LazyLock;

use serde_norway::Value;
use wenzhen::lambda::{Function, Trigger};
use wenzhen_functions::FUNCTIONS;
use xtask::calls::{Operation, Question, Reach, Survey, survey};

use super::actions::{
    ACTIONS, HOLDERS, OF_NEARLY_ALL, SECRET, SIGNED_ACTIONS, SIGNERS_AND_READERS, UNOPENED_LINK,
};
use super::permissions::{actions_of, statements_of};
use super::{deployed_functions, repository_root, resources_of_kind};

/// An action on a thing: on what a type of [`HOLDERS`] is about, or on a parameter's.
type Permission = (String, String);

/// What the sources say, of each function by its name.
struct Calls {
    survey: Survey,
    names: Vec<&'static str>,
}

impl Calls {
    fn reach_of(&self, function: &Function) -> &Reach {
        let is_it = |name: &&str| *name == function.name();
        let number = self.names.iter().position(is_it).unwrap();
        &self.survey.reach[number]
    }
}

static CALLS: LazyLock<Calls> = LazyLock::new(|| {
    let root = repository_root();
    let registry = fs::read_to_string(root.join("functions/src/lib.rs")).unwrap();
    let functions = FUNCTIONS.iter();
    let handlers: Vec<_> = functions
        .map(|function| handler_of(function, &registry))
        .collect();

    let folders = ["shared/src", "functions/src"].map(|folder| root.join(folder));
    let survey = survey(&Question {
        folders: &folders.each_ref().map(|folder| &**folder),
        signers: &["CacheLogin", "DatabaseLogin", "TraceExporter"],
        handlers: &handlers,
        methods: &["Secrets::get", "Secrets::get_rotated"],
    });
    Calls {
        survey: survey.unwrap(),
        names: FUNCTIONS.iter().map(Function::name).collect(),
    }
});

/// The type that the registry has for a function: `Function::schedule::<SweepOutbox>("…")`.
fn handler_of<'r>(function: &Function, registry: &'r str) -> &'r str {
    let name = format!(">(\"{}\")", function.name());
    let (before, _) = registry.split_once(&name).unwrap();
    before.rsplit([' ', '<']).next().unwrap()
}

fn actions_for(operation: &Operation) -> &'static [&'static str] {
    let (name, rows) = if operation.is_signed {
        ("SIGNED_ACTIONS", SIGNED_ACTIONS)
    } else {
        ("ACTIONS", ACTIONS)
    };
    let row = rows
        .iter()
        .find(|row| row.service == operation.service && row.operation == operation.name);
    let Some(row) = row else {
        panic!("{operation:?} is new: say in {name} which actions it needs");
    };
    row.actions
}

/// The services that functions call, by the SDK's names, or by IAM's where we sign.
pub fn called_services() -> BTreeSet<&'static str> {
    let signed = SIGNERS_AND_READERS.iter().flat_map(|row| row.permissions);
    let signed = signed.filter_map(|(action, _)| action.split(':').next());
    ACTIONS
        .iter()
        .map(|row| row.service)
        .chain(signed)
        .chain(["elasticache"]) // of nearly all functions
        .collect()
}

/// What a function's calls need, each with the way to one that does.
fn needed(reach: &Reach) -> BTreeMap<Permission, String> {
    let mut needed = BTreeMap::new();
    for reached in &reach.operations {
        if reached.way.last().is_some_and(|last| last == UNOPENED_LINK) {
            continue;
        }
        for action in actions_for(&reached.operation) {
            let permission = ((*action).to_owned(), reached.holder.clone());
            needed.insert(permission, reached.way.join(" > "));
        }
    }

    let mut methods = SIGNERS_AND_READERS.iter();
    while let Some(row) = methods.find(|row| reach.methods.contains(row.method)) {
        for (action, thing) in row.permissions {
            let permission = ((*action).to_owned(), (*thing).to_owned());
            needed.insert(permission, row.method.to_owned());
        }
    }

    // Secrets Manager decrypts in the name of whoever reads the secret.
    if needed.keys().any(|(action, _)| action == SECRET) {
        let decrypt = ("kms:Decrypt".to_owned(), "SecretsKeyArn".to_owned());
        needed.insert(decrypt, "the secrets that it reads".to_owned());
    }
    needed
}

fn granted(function: &Value) -> BTreeSet<Permission> {
    let permissions = statements_of(function).into_iter().flat_map(|statement| {
        let thing = thing_of(&statement["Resource"]);
        let actions = actions_of(&statement).into_iter();
        actions.map(move |action| (action, thing.clone()))
    });
    permissions.collect()
}

/// The holder of a statement's resource, or its parameter: `${UploadsBucket.Arn}/texts/*` is of
/// `UploadBucket`.
fn thing_of(resource: &Value) -> String {
    let substituted = resource["Fn::Sub"].as_str().map(|text| {
        let names = text
            .split("${")
            .skip(1)
            .filter_map(|part| part.split('}').next());
        let own = names.filter(|name| !name.starts_with("AWS::"));
        own.last().unwrap()
    });
    let attribute = resource["Fn::GetAtt"].as_str();
    let name = substituted.or(attribute).or(resource["Ref"].as_str());
    let name = name.or(resource.as_str()); // `*`
    let name = name.unwrap().trim_end_matches(".Arn");

    let mut holders = HOLDERS.iter();
    let holder = holders.find(|(_, things)| things.contains(&name));
    holder.map_or(name, |(holder, _)| holder).to_owned()
}

/// The things themselves, for messages.
fn things_of(holder: &str) -> String {
    let mut holders = HOLDERS.iter();
    let row = holders.find(|(known, _)| *known == holder);
    row.map_or_else(|| holder.to_owned(), |(_, things)| things.join(" or "))
}

/// What AWS itself does in the function's name: Lambda takes the messages of its queue.
/// (`AWSLambdaSQSQueueExecutionRole` in "Using Lambda with Amazon SQS", AWS Lambda developer
/// guide. It logs by a policy that SAM attaches to every role.)
///
/// The key of secrets comes with any secret, of this table or of [`OF_NEARLY_ALL`].
fn is_for_others(function: &Function, (action, thing): &Permission) -> bool {
    if OF_NEARLY_ALL.contains(&thing.as_str()) || action == "kms:Decrypt" {
        return true;
    }

    let polled = [
        "sqs:ReceiveMessage",
        "sqs:DeleteMessage",
        "sqs:GetQueueAttributes",
    ];
    let has_queue = matches!(function.trigger(), Trigger::Queue { .. });
    has_queue && thing == "Queue" && polled.contains(&action.as_str())
}

#[test]
fn every_call_of_aws_is_permitted() {
    let mut missing = Vec::new();
    for function in FUNCTIONS {
        let name = function.name();
        let granted = granted(&deployed_functions()[name]);
        for (permission, way) in needed(CALLS.reach_of(function)) {
            if !granted.contains(&permission) {
                let (action, thing) = permission;
                let things = things_of(&thing);
                missing.push(format!("{name}: {action} on {things}, for {way}"));
            }
        }
    }
    assert!(
        missing.is_empty(),
        "template.yaml must permit in the functions' Policies: {missing:#?}"
    );
}

#[test]
fn every_permission_is_needed_by_a_call() {
    let mut unused = Vec::new();
    for function in FUNCTIONS {
        let name = function.name();
        let needed = needed(CALLS.reach_of(function));
        for permission in granted(&deployed_functions()[name]) {
            let is_needed = needed.contains_key(&permission);
            if !is_needed && !is_for_others(function, &permission) {
                let (action, thing) = permission;
                unused.push(format!("{name}: {action} on {}", things_of(&thing)));
            }
        }
    }
    assert!(
        unused.is_empty(),
        "no call of these functions needs what template.yaml permits; take it out, or say in \
         is_for_others who needs it: {unused:#?}"
    );
}

/// Lambda polls the queue with the function's own role, which must let it.
#[test]
fn every_consumer_lets_lambda_poll_its_queue() {
    for function in FUNCTIONS {
        let Trigger::Queue { .. } = function.trigger() else {
            continue;
        };
        let granted = granted(&deployed_functions()[function.name()]);
        for action in [
            "sqs:ReceiveMessage",
            "sqs:DeleteMessage",
            "sqs:GetQueueAttributes",
        ] {
            let permission = (action.to_owned(), "Queue".to_owned());
            assert!(
                granted.contains(&permission),
                "{}: {action}",
                function.name()
            );
        }
    }
}

/// An operation to which no function comes is dead, or the way to it is one that `xtask::calls`
/// cannot follow; then the permissions are not compared, and the reader must learn it.
#[test]
fn every_operation_in_the_code_is_reached_by_a_function() {
    let reached = CALLS
        .survey
        .reach
        .iter()
        .flat_map(|reach| &reach.operations);
    let reached: BTreeSet<_> = reached
        .map(|reached| (reached.way.last(), &reached.operation))
        .collect();

    let all = &CALLS.survey.operations;
    assert!(all.len() > 30, "the clients' calls are found");
    for one in all {
        let is_reached = reached.contains(&(one.way.last(), &one.operation));
        assert!(is_reached, "no function comes to {one:?}");
        actions_for(&one.operation);
        let is_known = HOLDERS.iter().any(|(holder, _)| *holder == one.holder);
        assert!(
            is_known,
            "{} is new: what of the template is it about?",
            one.holder
        );
    }
    assert_eq!(
        CALLS.survey.hidden_clients, [""; 0],
        "a client is a field, and is asked where that is"
    );
}

#[test]
fn every_reader_of_secrets_is_known() {
    let mut readers = CALLS.survey.callers.clone();
    assert!(!readers.is_empty());
    for row in SIGNERS_AND_READERS {
        readers.remove(row.method);
    }
    assert!(
        readers.is_empty(),
        "say in SIGNERS_AND_READERS which secrets these read: {readers:?}"
    );
}

/// A row that no function comes to any more is out of date.
#[test]
fn every_row_of_the_tables_is_used() {
    let operations = &CALLS.survey.operations;
    for (rows, is_signed) in [(ACTIONS, false), (SIGNED_ACTIONS, true)] {
        for row in rows {
            let mut asked = operations.iter().map(|one| &one.operation);
            let is_used = asked.any(|asked| {
                asked.service == row.service
                    && asked.name == row.operation
                    && asked.is_signed == is_signed
            });
            assert!(is_used, "{} {}", row.service, row.operation);
        }
    }
    for row in SIGNERS_AND_READERS {
        let mut reach = CALLS.survey.reach.iter();
        let is_used = reach.any(|reach| reach.methods.contains(row.method));
        assert!(is_used, "{}", row.method);
    }
}

/// What nobody may, the boundary need not let through. By `logs:` Lambda writes a function's logs,
/// as SAM permits it for every role; but no function makes a log group: a late line of a stack that
/// was deleted would leave one without an end, in the way of the next stack of that name.
#[test]
fn the_boundary_has_no_action_that_no_role_has() {
    let policies = resources_of_kind("AWS::IAM::ManagedPolicy");
    let document = &policies["FunctionsBoundary"]["PolicyDocument"];
    let mut unused = actions_of(&document["Statement"][0]);
    assert!(!unused.contains("logs:CreateLogGroup"));
    unused.retain(|action| !action.starts_with("logs:"));

    for function in deployed_functions().values() {
        for (action, _) in granted(function) {
            unused.remove(&action);
        }
    }
    assert!(unused.is_empty(), "take out of the boundary: {unused:?}");
}
