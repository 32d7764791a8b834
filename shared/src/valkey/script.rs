//! Lua scripts, and the requests that run them.

/// A script's reply in the server's protocol, not read yet.
pub type Reply = redis::Value;

/// A Lua script and the hash by which the server knows it.
pub struct Script {
    pub(super) text: String,
    pub(super) hash: String,
}

impl Script {
    /// The script whose source is `text`.
    pub fn new(text: String) -> Self {
        let hash = redis::Script::new(&text).get_hash().to_owned();
        Self { text, hash }
    }
}

/// One run of a script.
pub struct ScriptCall {
    /// The script, which lives as long as the process.
    pub script: &'static Script,
    /// The keys it touches. They share a hash tag, so that the script also runs in cluster mode.
    pub keys: Vec<String>,
    /// `ARGV` of the script.
    pub arguments: Vec<Vec<u8>>,
}

/// A typed request: one run of a script, and how its reply is read.
pub trait ScriptRequest {
    /// The meaning of the reply.
    type Answer;

    /// The script with its keys and arguments.
    fn into_call(self) -> ScriptCall;

    /// Reads the reply; `None` if the script answered something else.
    fn read_reply(reply: Reply) -> Option<Self::Answer>;
}
