//! What a client's request asks for beyond what every tier is sent.
//!
//! A tier that was not told to pass it on is not asked: such a field may buy something else than
//! tokens (`service_tier`, `web_search_options`), reach something else than the model (`models`,
//! `api_base`), or have the provider fetch an address, which may be one inside its network.

use serde_json::{Map, Value};

use super::media::{find_remote, find_remote_schema};
use super::request_error::RequestError;
use crate::config::{TierSettings, is_safe_field, is_safe_part, is_safe_tool};

/// The longest name of a field that an error repeats, in characters.
const MAX_REPEATED_CHARS: usize = 100;

/// Fields that a tool of the client's own may have.
const TOOL_FIELDS: [&str; 4] = ["cache_control", "function", "strict", "type"];

/// Fields of `chat_template_kwargs` that only say whether a model may think. Others reach into the
/// server's template.
const TEMPLATE_SWITCHES: [&str; 2] = ["enable_thinking", "thinking"];

/// Fields of a message that hold words, whatever they say; `content` is looked at by itself.
const WORDS: [&str; 11] = [
    "annotations",
    "citations",
    "content",
    "function_call",
    "name",
    "reasoning",
    "reasoning_content",
    "reasoning_details",
    "refusal",
    "tool_call_id",
    "tool_calls",
];

/// What a request asks for beyond what every tier is sent.
#[derive(Clone, Default)]
pub(super) struct Demands(Vec<Demand>);

#[derive(Clone)]
struct Demand {
    kind: DemandKind,
    /// The place in the request, such as `tools[0].type`.
    param: String,
}

#[derive(Clone)]
enum DemandKind {
    Field(String),
    ToolType(String),
    PartType(String),
    RemoteMedia,
    RemoteSchema,
}

impl Demands {
    /// Finds them; a field without a value asks for nothing, and is left out.
    pub(super) fn take(fields: &mut Map<String, Value>) -> Self {
        fields.retain(|name, value| is_safe_field(name) || !value.is_null());

        let mut demands = Self::default();
        demands.add_fields(fields);
        demands.add_tools(fields.get("tools"));
        demands.add_schemas(fields);
        demands.add_messages(fields.get("messages"));
        demands
    }

    /// Whether the tier is sent all of it.
    pub(super) fn are_met_by(&self, tier: &TierSettings) -> bool {
        self.0.iter().all(|demand| demand.kind.is_met_by(tier))
    }

    /// What none of these tiers is sent; all of it together, if no tier is sent that.
    pub(super) fn first_unmet(&self, tiers: &[&TierSettings]) -> Option<RequestError> {
        if tiers.iter().any(|tier| self.are_met_by(tier)) {
            return None;
        }

        let is_unmet = |demand: &&Demand| !tiers.iter().any(|tier| demand.kind.is_met_by(tier));
        let unmet = self.0.iter().find(is_unmet).or(self.0.first())?;
        Some(unmet.refusal())
    }

    fn push(&mut self, kind: DemandKind, param: impl Into<String>) {
        self.0.push(Demand {
            kind,
            param: param.into(),
        });
    }

    fn add_fields(&mut self, fields: &Map<String, Value>) {
        for (name, value) in fields {
            let is_safe = is_safe_field(name)
                || is_thinking_switch(name, value)
                || is_refusal_to_store(name, value);
            if !is_safe {
                self.push(DemandKind::Field(name.clone()), shortened(name));
            }
        }
    }

    /// A field beside the function may be another tool, and so may tools that are no list.
    fn add_tools(&mut self, tools: Option<&Value>) {
        let tools = match tools {
            Some(Value::Array(tools)) => tools.as_slice(),
            None | Some(Value::Null) => &[],
            Some(other) => std::slice::from_ref(other),
        };

        for (index, tool) in tools.iter().enumerate() {
            let kind = tool.get("type").and_then(Value::as_str).unwrap_or_default();
            if !is_safe_tool(kind) {
                let param = format!("tools[{index}].type");
                self.push(DemandKind::ToolType(kind.to_owned()), param);
                continue;
            }

            let fields = tool.as_object().into_iter().flat_map(Map::keys);
            for name in fields.filter(|name| !TOOL_FIELDS.contains(&name.as_str())) {
                let param = format!("tools[{index}].{}", shortened(name));
                self.push(DemandKind::ToolType(name.clone()), param);
            }
        }
    }

    /// Some servers resolve a schema's references themselves.
    fn add_schemas(&mut self, fields: &Map<String, Value>) {
        if fields
            .get("response_format")
            .is_some_and(find_remote_schema)
        {
            self.push(DemandKind::RemoteSchema, "response_format");
        }

        for name in ["tools", "functions"] {
            let tools = match fields.get(name) {
                Some(Value::Array(tools)) => tools.as_slice(),
                Some(other) => std::slice::from_ref(other),
                None => &[],
            };
            let tools = tools.iter().enumerate();
            for (index, _) in tools.filter(|(_, tool)| find_remote_schema(tool)) {
                self.push(DemandKind::RemoteSchema, format!("{name}[{index}]"));
            }
        }
    }

    fn add_messages(&mut self, messages: Option<&Value>) {
        let messages = messages.and_then(Value::as_array);
        for (index, message) in messages.into_iter().flatten().enumerate() {
            let fields = message.as_object().into_iter().flatten();
            let others = fields.filter(|(name, _)| !WORDS.contains(&name.as_str()));
            for (name, _) in others.filter(|(_, value)| find_remote(value)) {
                let param = format!("messages[{index}].{}", shortened(name));
                self.push(DemandKind::RemoteMedia, param);
            }

            let content = &message["content"];
            let parts = match content {
                Value::Array(parts) => parts.as_slice(),
                Value::Object(_) => std::slice::from_ref(content),
                _ => &[],
            };

            for (part_index, part) in parts.iter().enumerate() {
                let param = format!("messages[{index}].content[{part_index}]");
                self.add_part(part, param);
            }
        }
    }

    fn add_part(&mut self, part: &Value, param: String) {
        if part.is_string() {
            return; // a text: some clients send them so
        }

        let kind = part.get("type").and_then(Value::as_str).unwrap_or_default();
        if !is_safe_part(kind) {
            let param = format!("{param}.type");
            self.push(DemandKind::PartType(kind.to_owned()), param);
        }
        if find_remote(part) {
            self.push(DemandKind::RemoteMedia, param);
        }
    }
}

impl DemandKind {
    fn is_met_by(&self, tier: &TierSettings) -> bool {
        let passes = &tier.pass_fields;
        match self {
            Self::Field(name) => passes.passes_field(name),
            Self::ToolType(kind) => passes.passes_tool(kind),
            Self::PartType(kind) => passes.passes_part(kind),
            Self::RemoteMedia | Self::RemoteSchema => tier.remote_media,
        }
    }
}

impl Demand {
    fn refusal(&self) -> RequestError {
        let param = &self.param;
        let problem = match self.kind {
            DemandKind::Field(_) => format!("'{param}' is not passed on by this model."),
            DemandKind::ToolType(_) => {
                format!("'{param}': only tools of type 'function' are passed on by this model.")
            }
            DemandKind::PartType(_) => {
                format!("'{param}': parts of this type are not passed on by this model.")
            }
            DemandKind::RemoteMedia => {
                format!("'{param}' names what is elsewhere; send it as a data: URL.")
            }
            DemandKind::RemoteSchema => {
                format!("'{param}' has a $ref to what is elsewhere; put it under $defs.")
            }
        };

        let advice = "Leave it out, or ask the operator to allow it.";
        RequestError::new(param.as_str(), format!("{problem} {advice}"))
    }
}

/// `"store": false`: every provider hears that a client wants nothing to be kept.
fn is_refusal_to_store(name: &str, value: &Value) -> bool {
    name == "store" && value == &Value::Bool(false)
}

/// `chat_template_kwargs` with nothing but switches.
fn is_thinking_switch(name: &str, value: &Value) -> bool {
    let switches = value.as_object().into_iter().flatten();
    let mut others = switches.filter(|(name, value)| {
        let is_switch = TEMPLATE_SWITCHES.contains(&name.as_str());
        !is_switch || !value.is_boolean()
    });

    name == "chat_template_kwargs" && value.is_object() && others.next().is_none()
}

fn shortened(name: &str) -> String {
    name.chars().take(MAX_REPEATED_CHARS).collect()
}

#[cfg(test)]
mod tests;
