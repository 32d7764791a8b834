//! Which operations of AWS each function can come to, read from the sources.
//!
//! A function calls AWS through a type that holds a client, such as `UploadBucket`, and it can call
//! only what it holds: a field, a parameter, or what it makes or gets. So calls are followed from a
//! handler's methods by the types of what they are made on. Where a type cannot be told, every
//! method of that name counts whose clients the caller holds.

mod body;
mod graph;
mod source;
mod types;

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::Result;

use graph::Graph;
use types::Sources;

/// An operation of an AWS SDK.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Operation {
    /// The crate's name without `aws_sdk_`, such as `s3`.
    pub service: String,
    /// The client's method, such as `put_object`.
    pub name: String,
    /// Whether it is signed here, for others to make.
    pub is_signed: bool,
}

/// An operation that a handler can come to.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Reached {
    /// The operation.
    pub operation: Operation,
    /// The type that holds the client.
    pub holder: String,
    /// From the handler's method to the one that asks the client, such as `UploadBucket::get`.
    pub way: Vec<String>,
}

/// What a handler can come to.
#[derive(Debug)]
pub struct Reach {
    /// The operations.
    pub operations: Vec<Reached>,
    /// All functions and methods, such as `Queue::depth`.
    pub methods: BTreeSet<String>,
}

/// What is looked for in the sources.
pub struct Question<'q> {
    /// Where the crates' sources are.
    pub folders: &'q [&'q Path],
    /// The types that sign what no SDK does for them.
    pub signers: &'q [&'q str],
    /// The types of the functions' handlers.
    pub handlers: &'q [&'q str],
    /// Methods whose callers are wanted, such as `Secrets::get`.
    pub methods: &'q [&'q str],
}

/// What the sources say.
#[derive(Debug)]
pub struct Survey {
    /// What each handler can come to, in their order.
    pub reach: Vec<Reach>,
    /// All that any client is asked for, whether a handler comes to it or not.
    pub operations: Vec<Reached>,
    /// Who calls one of the methods, outside its own type.
    pub callers: BTreeSet<String>,
    /// The functions that hand a client on, or make one that no field holds, so that nobody sees
    /// here what it is asked for.
    pub hidden_clients: Vec<String>,
}

/// Reads the sources.
pub fn survey(question: &Question<'_>) -> Result<Survey> {
    let mut files = Vec::new();
    for folder in question.folders {
        files.extend(source::read_sources(folder)?);
    }

    let sources = Sources::new(files, question.signers);
    let graph = Graph::new(&sources);
    let handlers = question.handlers.iter();
    let methods = question.methods.iter();
    Ok(Survey {
        reach: handlers.map(|handler| graph.reach(handler)).collect(),
        operations: graph.all_operations(),
        callers: methods.flat_map(|method| graph.callers(method)).collect(),
        hidden_clients: graph.hidden_clients(),
    })
}
