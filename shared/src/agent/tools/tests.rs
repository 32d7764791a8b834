use super::*;

fn tool(name: &str) -> Value {
    let all = DEFINITIONS.iter();
    let mut functions = all.map(|definition| definition["function"].clone());
    functions.find(|function| function["name"] == name).unwrap()
}

#[test]
fn a_schema_names_every_field_and_lets_no_other_in() {
    for function in [
        "search_knowledge",
        "past_consultations",
        "ask_patient",
        "assess",
    ] {
        let schema = tool(function)["parameters"].clone();
        assert_eq!(schema["type"], "object", "{function}");
        assert_eq!(schema["additionalProperties"], false, "{function}");

        let properties = schema["properties"].as_object().unwrap();
        let names: Vec<_> = properties.keys().map(|name| json!(name)).collect();
        let required = schema["required"].as_array().cloned().unwrap_or_default();
        assert_eq!(required, names, "{function}");
        assert_eq!(
            schema["description"],
            Value::Null,
            "{function}: our own words"
        );
        for (name, field) in properties {
            let description = field["description"].as_str().unwrap_or_default();
            assert!(!description.is_empty(), "{function}.{name}");
        }

        let text = schema.to_string();
        for keyword in ["$ref", "$schema", "\"default\"", "oneOf", "\"format\""] {
            assert!(!text.contains(keyword), "{function}: {text}");
        }
    }
}

/// Whose records are looked at is not for a model to say.
#[test]
fn no_argument_names_a_tenant_or_a_person() {
    let arguments = DEFINITIONS.iter().flat_map(|definition| {
        let properties = definition["function"]["parameters"]["properties"].as_object();
        properties.unwrap().keys().cloned()
    });
    for name in arguments {
        let words = ["tenant", "user", "patient_id", "owner"];
        assert!(!words.iter().any(|word| name.contains(word)), "{name}");
    }
}

#[test]
fn arguments_that_do_not_fit_are_explained() {
    let search = |arguments: &str| SearchKnowledge::read(arguments).err();
    let past = |arguments: &str| PastConsultations::read(arguments).err();
    let encoded = json!(r#"{"query": "热敷"}"#).to_string();
    let ask = |arguments: &str| AskPatient::read(arguments).err();

    let too_long = json!({ "query": "热".repeat(301) }).to_string();
    let no_text = json!({ "so_far": "", "questions": ["疼吗？"], "urgency": "routine" });
    let blank = json!({ "so_far": " … ", "questions": ["疼吗？"], "urgency": "routine" });
    let many = json!({ "so_far": "x", "questions": ["ab", "cd", "ef", "gh"], "urgency": "urgent" });
    let other = json!({ "so_far": "x", "questions": ["ab"], "urgency": "fine" });
    let cases = [
        (search("{}"), "query"),
        (search("not JSON"), "expected"),
        (search(r#"{"query": 1}"#), "invalid type"),
        (search(r#"{"query": "热"}"#), "query"),
        (search(&too_long), "query"),
        (search(r#"{"query": "热敷", "language": "fr"}"#), "fr"),
        (ask(&blank.to_string()), "so_far"),
        (ask(&no_text.to_string()), "so_far"),
        (ask(&many.to_string()), "questions"),
        (ask(&other.to_string()), "fine"),
    ];
    for (feedback, named) in cases {
        let feedback = feedback.expect(named);
        assert!(feedback.contains(named), "{feedback}");
    }

    assert!(search(r#"{"query": "热敷", "language": null}"#).is_none());
    // Some models send nothing, the object as a text, or a key more.
    assert!(past("").is_none());
    assert!(past("null").is_none());
    assert!(past(r#"{"user_id": "u", "limit": 3}"#).is_none());
    assert!(search(&encoded).is_none());
}
