//! Tool calls that come in fragments: which fragment belongs to which call.
//!
//! `OpenAI` numbers the calls by `index`, names id and function in the first fragment, and sends
//! the arguments in those after it. Others give two calls one index, leave the index out, repeat
//! id and name with every fragment, or send whole calls. A fragment belongs to the call with its
//! id; without one, to the call that had its index last; without either, to the call at its
//! position or the last one. A call that begins anew (another name, or whole arguments are there
//! already) is a call of its own.
//!
//! Fragments are rewritten as `OpenAI` would have sent them, so that every client joins them right.

use serde::de::IgnoredAny;
use serde_json::{Map, Value, json};

use super::chunk::merge;

/// What is known of a choice's calls besides the calls themselves.
#[derive(Clone, Default)]
pub(super) struct ToolCalls {
    /// The index that the endpoint gave each call, if it gave one.
    given_indexes: Vec<Option<u64>>,
}

/// The parts of a fragment that tell which call it belongs to.
struct FragmentIdentity {
    id: Option<String>,
    index: Option<u64>,
    name: Option<String>,
    has_arguments: bool,
    /// Whether its arguments are the beginning of some.
    begins_arguments: bool,
    /// Where it stands among the fragments of its chunk, and their number.
    position: usize,
    fragments: usize,
}

impl ToolCalls {
    /// The number of calls.
    pub(super) fn count(&self) -> usize {
        self.given_indexes.len()
    }

    /// Joins the fragments of one chunk to the calls, and rewrites them.
    pub(super) fn join(&mut self, calls: &mut Vec<Value>, fragments: &mut [Value]) {
        let count = fragments.len();
        // Calls that an earlier fragment of the same chunk belongs to.
        let mut touched = Vec::new();

        for (position, fragment) in fragments.iter_mut().enumerate() {
            let Some(fields) = fragment.as_object_mut() else {
                continue;
            };
            if let Some(Value::Object(function)) = fields.get_mut("function") {
                write_arguments_as_text(function);
            }
            let identity = FragmentIdentity::of(fields, position, count);

            let number = self.find_call(calls, &identity, &touched);
            let number = number.unwrap_or_else(|| self.add_call(calls, identity.index));
            touched.push(number);
            if let Some(Value::Object(call)) = calls.get_mut(number) {
                join_fragment(call, fields);
            }
            fields.insert("index".to_owned(), json!(number));
        }
    }

    fn add_call(&mut self, calls: &mut Vec<Value>, given_index: Option<u64>) -> usize {
        self.given_indexes.push(given_index);
        calls.push(json!({ "index": calls.len() }));
        calls.len() - 1
    }

    /// The number of the call that a fragment belongs to; none if it begins a new one.
    fn find_call(
        &self,
        calls: &[Value],
        fragment: &FragmentIdentity,
        touched: &[usize],
    ) -> Option<usize> {
        let same_id = |call: &Value| fragment.id.as_deref() == text_at(call, "/id");
        if fragment.id.is_some()
            && let Some(number) = calls.iter().rposition(same_id)
        {
            return self.find_by_id(fragment, number);
        }

        let number = match fragment.index {
            Some(_) => self.last_with_index(fragment.index)?,
            None if fragment.name.is_none() && fragment.fragments > 1 => {
                let is_known = fragment.position < calls.len();
                is_known.then_some(fragment.position)?
            }
            None => calls.len().checked_sub(1)?,
        };
        let call = calls.get(number)?;

        let is_touched = fragment.name.is_some() && touched.contains(&number);
        let is_new = is_touched || fragment.begins_another_than(call);
        (!is_new).then_some(number)
    }

    /// The call that an id points to, unless the index says otherwise: some endpoints give every
    /// call the same id.
    fn find_by_id(&self, fragment: &FragmentIdentity, number: usize) -> Option<usize> {
        let given = self.given_indexes.get(number).copied().flatten();
        let is_other_index = fragment.index.is_some() && given.is_some() && fragment.index != given;
        if !is_other_index {
            return Some(number);
        }

        let at_index = self.last_with_index(fragment.index);
        let is_new = at_index.is_none() && fragment.name.is_some();
        if is_new {
            None
        } else {
            at_index.or(Some(number))
        }
    }

    /// The call that had this index last: some endpoints give two calls the same one.
    fn last_with_index(&self, index: Option<u64>) -> Option<usize> {
        self.given_indexes.iter().rposition(|given| *given == index)
    }
}

impl FragmentIdentity {
    fn of(fields: &Map<String, Value>, position: usize, fragments: usize) -> Self {
        let text = |value: Option<&Value>| {
            let text = value.and_then(Value::as_str).unwrap_or_default();
            (!text.is_empty()).then(|| text.to_owned())
        };
        let function = fields.get("function");
        let arguments = function.and_then(|function| function.get("arguments"));

        Self {
            id: text(fields.get("id")),
            index: fields.get("index").and_then(Value::as_u64),
            name: text(function.and_then(|function| function.get("name"))),
            has_arguments: text(arguments).is_some(),
            begins_arguments: text(arguments)
                .is_some_and(|text| text.trim_start().starts_with('{')),
            position,
            fragments,
        }
    }

    /// Whether it cannot belong to this call, which stands where it would.
    fn begins_another_than(&self, call: &Value) -> bool {
        let known_id = text_at(call, "/id");
        let is_other_id = self.id.is_some() && known_id.is_some();
        let Some(name) = &self.name else {
            // Some endpoints make up a new id for each fragment of a call; others name the call
            // in its second fragment.
            return is_other_id && !self.has_arguments;
        };
        if is_other_id {
            return true;
        }

        let known_name = text_at(call, "/function/name");
        let arguments = text_at(call, "/function/arguments").unwrap_or_default();
        match known_name {
            Some(known) if known == name => self.begins_arguments && is_whole(arguments),
            // A name may come in pieces, before the arguments.
            Some(_) => !arguments.is_empty(),
            None => false,
        }
    }
}

/// A call's text at this place, if it has one.
fn text_at<'a>(call: &'a Value, pointer: &str) -> Option<&'a str> {
    let mut names = pointer.split('/').skip(1);
    let value = names.try_fold(call, |value, name| value.get(name))?;
    value.as_str().filter(|text| !text.is_empty())
}

fn is_whole(arguments: &str) -> bool {
    serde_json::from_str::<IgnoredAny>(arguments).is_ok()
}

/// Writes arguments that came as an object as the text that clients expect.
pub(super) fn write_arguments_as_text(function: &mut Map<String, Value>) {
    let arguments = function.get_mut("arguments");
    if let Some(arguments) = arguments.filter(|arguments| arguments.is_object()) {
        *arguments = Value::String(arguments.to_string());
    }
}

/// Joins a fragment to its call, and takes out of the fragment what the call had already.
fn join_fragment(call: &mut Map<String, Value>, fragment: &mut Map<String, Value>) {
    let id = call.get("id").and_then(Value::as_str).unwrap_or_default();
    if !id.is_empty() {
        fragment.remove("id");
    }
    if let Some(known) = call.get("function") {
        let function = fragment.get_mut("function").and_then(Value::as_object_mut);
        if let Some(function) = function {
            drop_known_name(known, function);
        }
    }

    let fields = fragment.iter().filter(|(name, _)| *name != "index");
    let fields: Map<_, _> = fields
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    let mut joined = Value::Object(std::mem::take(call));
    merge(&mut joined, &Value::Object(fields));
    if let Value::Object(joined) = joined {
        *call = joined;
    }
}

/// Leaves the part of a name that is new.
pub(super) fn drop_known_name(known: &Value, function: &mut Map<String, Value>) {
    let known = known
        .get("name")
        .and_then(Value::as_str)
        .unwrap_or_default();
    let name = function.get("name").and_then(Value::as_str);
    let new = name.and_then(|name| name.strip_prefix(known));
    match new.map(str::to_owned) {
        _ if known.is_empty() => {}
        Some(new) if new.is_empty() => drop(function.remove("name")),
        Some(new) => drop(function.insert("name".to_owned(), Value::String(new))),
        None => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn joined(chunks: Vec<Value>) -> Vec<Value> {
        let mut state = ToolCalls::default();
        let mut calls = Vec::new();
        for chunk in chunks {
            let Value::Array(mut fragments) = chunk else {
                panic!("not a list")
            };
            state.join(&mut calls, &mut fragments);
        }
        calls
    }

    /// Each call as `id name arguments`.
    fn in_words(chunks: Vec<Value>) -> Vec<String> {
        let word = |call: &Value| {
            let [id, name, arguments] = ["/id", "/function/name", "/function/arguments"]
                .map(|pointer| text_at(call, pointer).unwrap_or("-").to_owned());
            format!("{id} {name} {arguments}")
        };
        joined(chunks).iter().map(word).collect()
    }

    fn named(index: impl Into<Value>, id: impl Into<Value>, name: &str, arguments: &str) -> Value {
        let (index, id): (Value, Value) = (index.into(), id.into());
        json!({ "index": index, "id": id, "type": "function",
            "function": { "name": name, "arguments": arguments } })
    }

    fn rest(index: impl Into<Value>, arguments: &str) -> Value {
        let index: Value = index.into();
        json!({ "index": index, "function": { "arguments": arguments } })
    }

    #[test]
    fn two_calls_with_one_index_are_two_calls() {
        let chunks = vec![
            json!([named(0, "a", "f", "")]),
            json!([rest(0, "{\"x\":1}")]),
            json!([named(0, "b", "g", "{\"y\"")]),
            json!([rest(0, ":2}")]),
        ];
        assert_eq!(in_words(chunks), ["a f {\"x\":1}", "b g {\"y\":2}"]);
    }

    #[test]
    fn a_name_and_an_id_that_are_repeated_are_not_joined() {
        let chunks = vec![
            json!([named(0, "a", "f", "")]),
            json!([named(0, "a", "f", "{\"x\"")]),
            json!([named(0, "a", "f", ":1}")]),
        ];
        assert_eq!(in_words(chunks), ["a f {\"x\":1}"]);

        let without_id = vec![
            json!([named(0, Value::Null, "f", "{\"x\"")]),
            json!([named(0, Value::Null, "f", ":1}")]),
            json!([named(0, Value::Null, "f", "")]),
        ];
        assert_eq!(in_words(without_id), ["- f {\"x\":1}"]);
    }

    #[test]
    fn fragments_without_an_index_belong_to_the_last_call() {
        let none = || Value::Null;
        let chunks = vec![
            json!([named(none(), "a", "f", "")]),
            json!([rest(none(), "{\"x\"")]),
            json!([rest(none(), ":1}")]),
            json!([named(none(), "b", "g", "")]),
            json!([rest(none(), "{}")]),
        ];
        assert_eq!(in_words(chunks), ["a f {\"x\":1}", "b g {}"]);
    }

    #[test]
    fn several_fragments_without_an_index_belong_by_position() {
        let none = || Value::Null;
        let chunks = vec![
            json!([named(none(), "a", "f", ""), named(none(), "b", "f", "")]),
            json!([rest(none(), "{\"x\":1}"), rest(none(), "{\"x\":2}")]),
        ];
        assert_eq!(in_words(chunks), ["a f {\"x\":1}", "b f {\"x\":2}"]);
    }

    #[test]
    fn whole_calls_without_ids_are_calls_of_their_own() {
        let whole = |city: &str| {
            let arguments = format!("{{\"city\":\"{city}\"}}");
            json!([named(Value::Null, Value::Null, "weather", &arguments)])
        };
        let expected = [
            "- weather {\"city\":\"Wuhan\"}",
            "- weather {\"city\":\"Rome\"}",
        ];
        assert_eq!(in_words(vec![whole("Wuhan"), whole("Rome")]), expected);

        let at_zero = |city: &str| {
            let mut call = whole(city);
            call[0]["index"] = json!(0);
            call
        };
        assert_eq!(in_words(vec![at_zero("Wuhan"), at_zero("Rome")]), expected);
    }

    #[test]
    fn calls_with_one_id_and_two_indexes_are_two_calls() {
        let chunks = vec![
            json!([named(0, "x", "f", "{}"), named(1, "x", "g", "")]),
            json!([{ "index": 1, "id": "x", "function": { "arguments": "{\"y\":2}" } }]),
        ];
        assert_eq!(in_words(chunks), ["x f {}", "x g {\"y\":2}"]);
    }

    #[test]
    fn a_call_may_be_named_after_its_id() {
        let chunks = vec![
            json!([named(0, "a", "f", "{}")]),
            json!([{ "index": 0, "id": "b" }]),
            json!([{ "index": 0, "function": { "name": "g" } }]),
            json!([rest(0, "{}")]),
        ];
        assert_eq!(in_words(chunks), ["a f {}", "b g {}"]);
    }

    #[test]
    fn a_name_that_grows_is_joined_once() {
        let chunks = vec![
            json!([named(0, "a", "get", "")]),
            json!([named(0, "a", "get_weather", "{}")]),
        ];
        assert_eq!(in_words(chunks), ["a get_weather {}"]);
    }

    /// A fragment without arguments begins no call.
    #[test]
    fn a_trailing_blank_makes_no_call() {
        let chunks = vec![
            json!([named(0, Value::Null, "f", "{}")]),
            json!([named(0, Value::Null, "f", "\n")]),
        ];
        assert_eq!(in_words(chunks), ["- f {}\n"]);
    }

    #[test]
    fn an_id_of_its_own_for_each_fragment_makes_no_call() {
        let fragment = |id: &str, arguments: &str| {
            let mut fragment = rest(0, arguments);
            fragment["id"] = json!(id);
            json!([fragment])
        };
        let chunks = vec![
            json!([named(0, "a", "f", "")]),
            fragment("b", "{\"x\""),
            fragment("c", ":1}"),
        ];
        assert_eq!(in_words(chunks), ["a f {\"x\":1}"]);
    }

    #[test]
    fn a_name_in_pieces_and_arguments_as_an_object_are_read() {
        let chunks = vec![
            json!([named(0, "a", "get_", "")]),
            json!([named(0, Value::Null, "weather", "")]),
            json!([rest(0, "{}")]),
        ];
        assert_eq!(in_words(chunks), ["a get_weather {}"]);

        let function = json!({ "name": "f", "arguments": { "x": 1 } });
        let as_object = vec![json!([{ "id": "a", "function": function }])];
        assert_eq!(in_words(as_object), ["a f {\"x\":1}"]);
    }

    #[test]
    fn fragments_are_rewritten_so_that_every_client_joins_them() {
        let mut state = ToolCalls::default();
        let mut calls = Vec::new();
        state.join(&mut calls, &mut [named(0, "a", "f", "{}")]);

        let mut second = [named(0, "b", "g", "")];
        state.join(&mut calls, &mut second);
        assert_eq!(second[0]["index"], 1);
        assert_eq!(second[0]["id"], "b");

        let mut repeated = [named(0, "b", "g", "{}")];
        state.join(&mut calls, &mut repeated);
        let expected = json!({
            "index": 1, "type": "function", "function": { "arguments": "{}" },
        });
        assert_eq!(repeated[0], expected);
    }
}
