use serde_json::json;

use super::*;
use crate::config::Tiers;

fn tier(fields: &str) -> TierSettings {
    let json = format!(r#"[{{"name":"a","base_url":"http://h/v1","model":"m"{fields}}}]"#);
    Tiers::parse(&json).unwrap().iter().next().unwrap().clone()
}

/// A usual request with further fields.
fn request_with(fields: &str) -> Map<String, Value> {
    let messages = r#""messages":[{"role":"user","content":"hello"}]"#;
    serde_json::from_str(&format!("{{{messages},{fields}}}")).unwrap()
}

fn request_of(part: &str) -> Map<String, Value> {
    let part: Value = serde_json::from_str(part).unwrap();
    let message = json!({ "role": "user", "content": [{ "type": "text", "text": "look" }, part] });
    Map::from_iter([("messages".to_owned(), json!([message]))])
}

/// The place in the request that a tier with these settings refuses.
fn refused_place(mut request: Map<String, Value>, settings: &str) -> Option<String> {
    let demands = Demands::take(&mut request);
    let tier = tier(settings);
    let refusal = demands.first_unmet(&[&tier]);

    assert_eq!(refusal.is_none(), demands.are_met_by(&tier));
    refusal?.param
}

struct Case {
    request: &'static str,
    place: &'static str,
}

/// Each spends or reaches more than the model's answer.
#[rustfmt::skip]
const FIELDS: [Case; 29] = [
    Case { request: r#""service_tier":"priority""#, place: "service_tier" },
    Case { request: r#""web_search_options":{}"#, place: "web_search_options" },
    Case { request: r#""models":["gpt-5-pro"]"#, place: "models" },
    Case { request: r#""plugins":[{"id":"web"}]"#, place: "plugins" },
    Case { request: r#""provider":{"order":["x"]}"#, place: "provider" },
    Case { request: r#""route":"fallback""#, place: "route" },
    Case { request: r#""transforms":["middle-out"]"#, place: "transforms" },
    Case { request: r#""store":true"#, place: "store" },
    Case { request: r#""metadata":{"a":"b"}"#, place: "metadata" },
    Case { request: r#""extra_body":{"models":[]}"#, place: "extra_body" },
    Case { request: r#""extra_headers":{}"#, place: "extra_headers" },
    Case { request: r#""callbacks":["http://h"]"#, place: "callbacks" },
    Case { request: r#""api_base":"http://h""#, place: "api_base" },
    Case { request: r#""base_url":"http://h""#, place: "base_url" },
    Case { request: r#""api_key":"k""#, place: "api_key" },
    Case { request: r#""user_config":{}"#, place: "user_config" },
    Case { request: r#""prompt_cache_key":"k""#, place: "prompt_cache_key" },
    Case { request: r#""prompt_cache_retention":"24h""#, place: "prompt_cache_retention" },
    Case { request: r#""modalities":["audio"]"#, place: "modalities" },
    Case { request: r#""audio":{"voice":"a"}"#, place: "audio" },
    Case { request: r#""best_of":20"#, place: "best_of" },
    Case { request: r#""ignore_eos":true"#, place: "ignore_eos" },
    Case { request: r#""min_tokens":9999"#, place: "min_tokens" },
    Case { request: r#""guided_regex":"(a+)+$""#, place: "guided_regex" },
    Case { request: r#""chat_template":"{% for %}""#, place: "chat_template" },
    Case { request: r#""chat_template_kwargs":{"a":true}"#, place: "chat_template_kwargs" },
    Case { request: r#""chat_template_kwargs":{"thinking":1}"#, place: "chat_template_kwargs" },
    Case { request: r#""Service_Tier":"flex""#, place: "Service_Tier" },
    Case { request: r#""from_the_future":false"#, place: "from_the_future" },
];

#[rustfmt::skip]
const TOOLS: [Case; 7] = [
    Case { request: r#""tools":[{"type":"web_search"}]"#, place: "tools[0].type" },
    Case { request: r#""tools":[{"type":"code_interpreter"}]"#, place: "tools[0].type" },
    Case { request: r#""tools":[{"type":"mcp","server_url":"http://h"}]"#, place: "tools[0].type" },
    Case { request: r#""tools":[{"googleSearch":{}}]"#, place: "tools[0].type" },
    Case { request: r#""tools":["web_search"]"#, place: "tools[0].type" },
    Case { request: r#""tools":{"type":"web_search","max_uses":9}"#, place: "tools[0].type" },
    Case {
        request: r#""tools":[{"type":"function","googleSearch":{}}]"#,
        place: "tools[0].googleSearch",
    },
];

const REMOTE: [&str; 22] = [
    r#"{"type":"image_url","image_url":{"url":"http://10.0.0.1/admin"}}"#,
    r#"{"type":"image_url","image_url":{"url":" HTTPS://h/a.png","detail":"low"}}"#,
    r#"{"type":"image_url","image_url":"http://169.254.169.254/latest"}"#,
    r#"{"type":"image_url","image_url":{"url":"file:///etc/passwd"}}"#,
    r#"{"type":"image_url","image_url":{"url":"//h/a.png"}}"#,
    r#"{"type":"image_url","image_url":{"url":"/etc/passwd"}}"#,
    r#"{"type":"video_url","video_url":{"url":"https://h/a.mp4"}}"#,
    r#"{"type":"audio_url","audio_url":{"url":"ftp://h/a.mp3"}}"#,
    r#"{"type":"input_audio","input_audio":{"data":"https://h/a.mp3","format":"mp3"}}"#,
    r#"{"type":"input_audio","input_audio":{"url":"https://h/a.mp3"}}"#,
    r#"{"type":"file","file":{"file_id":"file-1"}}"#,
    r#"{"type":"file","file":{"file_data":"https://h/a.pdf","filename":"a.pdf"}}"#,
    r#"{"type":"file","file":{"filename":"a.pdf","file_url":"http://h/a.pdf"}}"#,
    r#"{"type":"text","text":"look","image_url":{"url":"http://h"}}"#,
    r#"{"type":"text","text":"look","image_url":"http://h"}"#,
    r#"{"type":"reference","reference":{"source":["s3://b/k"]}}"#,
    r#"{"type":"image_url","image_url":{"url":["//10.0.0.1/latest/meta-data"]}}"#,
    r#"{"type":"image_url","image_url":{"href":"//10.0.0.1/x"}}"#,
    r#"{"type":"file","file":{"file_data":"/etc/passwd"}}"#,
    r#"{"type":"file","file":{"file_data":"../secrets/key.pem"}}"#,
    r#"{"type":"input_audio","input_audio":{"data":"/var/lib/a.mp3","format":"mp3"}}"#,
    r#"{"type":"text","text":{"image_url":{"url":"http://10.0.0.1/"}}}"#,
];

const HELD: [&str; 8] = [
    r#""a plain text: http://h""#,
    r#"{"type":"text","text":"see http://h","cache_control":{"type":"ephemeral"}}"#,
    r#"{"type":"text","text":"a","annotations":[{"url_citation":{"url":"http://h"}}]}"#,
    r#"{"type":"refusal","refusal":"no: http://h"}"#,
    r#"{"type":"thinking","thinking":[{"type":"text","text":"so: "}]}"#,
    r#"{"type":"image_url","image_url":{"url":"data:image/png;base64,AA==","detail":"low"}}"#,
    r#"{"type":"image_url","image_url":"DATA:image/png;base64,AA=="}"#,
    r#"{"type":"file","file":{"file_data":"data:application/pdf;base64,AA==","filename":"a: b"}}"#,
];

#[test]
fn what_spends_or_reaches_more_is_refused_by_its_name() {
    for Case { request, place } in FIELDS.iter().chain(&TOOLS) {
        let refused = refused_place(request_with(request), "");
        assert_eq!(refused.as_deref(), Some(*place), "{request}");

        let all = refused_place(request_with(request), r#","pass_fields":["*"]"#);
        assert_eq!(all, None, "{request}");
    }
}

#[test]
fn a_tier_passes_on_what_it_lists() {
    let listed = r#","pass_fields":["service_tier","tools.mcp"]"#;
    let request = r#""service_tier":"flex","tools":[{"type":"mcp"}]"#;
    assert_eq!(refused_place(request_with(request), listed), None);

    let more = r#""service_tier":"flex","tools":[{"type":"web_search"}]"#;
    let refused = refused_place(request_with(more), listed);
    assert_eq!(refused.as_deref(), Some("tools[0].type"));
}

#[test]
fn what_shapes_an_answer_is_passed_on() {
    let request = r#""temperature":0,"top_k":5,"repetition_penalty":1.1,"stop":["x"],"user":"u",
        "reasoning_effort":"low","chat_template_kwargs":{"enable_thinking":false},
        "tools":[{"type":"function","function":{"name":"f"},"strict":true}],
        "tool_choice":"auto","response_format":{"type":"json_object"},"logit_bias":{"1":2}"#;
    assert_eq!(refused_place(request_with(request), ""), None);
}

#[test]
fn a_field_without_a_value_is_left_out() {
    let mut request = request_with(r#""store":null,"metadata":null,"seed":null"#);
    let demands = Demands::take(&mut request);
    assert!(demands.are_met_by(&tier("")));

    let names: Vec<_> = request.keys().map(String::as_str).collect();
    assert_eq!(names, ["messages", "seed"]);
}

/// It is a client's privacy opt-out: an account may keep what does not say so.
#[test]
fn a_refusal_to_store_is_passed_on_by_every_tier() {
    for settings in ["", r#","pass_fields":["*"]"#] {
        let mut request = request_with(r#""store":false"#);
        let demands = Demands::take(&mut request);

        assert!(demands.are_met_by(&tier(settings)), "{settings}");
        assert_eq!(request["store"], false, "{settings}");
    }
}

#[test]
fn what_is_elsewhere_is_refused_unless_a_tier_may_fetch_it() {
    for part in REMOTE {
        let refused = refused_place(request_of(part), "");
        assert_eq!(refused.as_deref(), Some("messages[0].content[1]"), "{part}");

        let all_fields = refused_place(request_of(part), r#","pass_fields":["*"]"#);
        assert!(all_fields.is_some(), "{part}");
        let fetches = refused_place(request_of(part), r#","remote_media":true"#);
        assert_eq!(fetches, None, "{part}");
    }
}

const REMOTE_SCHEMAS: [Case; 8] = [
    Case {
        request: r#""response_format":{"type":"json_schema","json_schema":{"name":"a",
            "schema":{"$ref":"http://10.0.0.1/admin"}}}"#,
        place: "response_format",
    },
    Case {
        request: r#""response_format":{"type":"json_object",
            "schema":{"anyOf":[{"$ref":"a.json"}]}}"#,
        place: "response_format",
    },
    Case {
        request: r#""tools":[{"type":"function","function":{"name":"f","parameters":
            {"properties":{"a":{"items":{"$ref":"file:///etc/passwd"}}}}}}]"#,
        place: "tools[0]",
    },
    Case {
        request: r#""tools":[{"type":"function","function":{"name":"f","parameters":
            {"$dynamicRef":"https://h/a.json#b"}}}]"#,
        place: "tools[0]",
    },
    Case {
        request: r#""functions":[{"name":"f"},{"name":"g","parameters":{"$ref":" #/a"}}]"#,
        place: "functions[1]",
    },
    Case {
        request: r#""functions":[{"name":"f","parameters":{"$recursiveRef":""}}]"#,
        place: "functions[0]",
    },
    Case {
        request: r##""functions":[{"name":"f","parameters":{"$id":"http://10.0.0.1/","$ref":"#/x"}}]"##,
        place: "functions[0]",
    },
    Case {
        request: r#""tools":[{"type":"function","function":{"name":"f","parameters":
            {"properties":{"a":{"$id":"//10.0.0.1/x"}}}}}]"#,
        place: "tools[0]",
    },
];

#[test]
fn a_schema_that_is_elsewhere_is_refused_like_media() {
    for Case { request, place } in &REMOTE_SCHEMAS {
        let refused = refused_place(request_with(request), "");
        assert_eq!(refused.as_deref(), Some(*place), "{request}");

        let all_fields = refused_place(request_with(request), r#","pass_fields":["*"]"#);
        assert!(all_fields.is_some(), "{request}");
        let fetches = refused_place(request_with(request), r#","remote_media":true"#);
        assert_eq!(fetches, None, "{request}");
    }
}

/// A property may have any name, and a schema's dialect is its own address.
#[test]
fn a_schema_that_holds_all_it_refers_to_is_passed_on() {
    let request = r##""response_format":{"type":"json_schema","json_schema":{"name":"a","schema":{
        "$schema":"https://json-schema.org/draft/2020-12/schema",
        "properties":{"$ref":{"type":"string"},"b":{"$ref":"#/$defs/c"},"d":{"$ref":"#"}},
        "$defs":{"c":{"type":"string","description":"$ref: http://h"}}}}}"##;
    assert_eq!(refused_place(request_with(request), ""), None);
}

/// Some servers take images beside the words.
#[test]
fn what_is_elsewhere_is_found_beside_the_words_too() {
    let refused = |message: Value| {
        let request = Map::from_iter([("messages".to_owned(), json!([message]))]);
        refused_place(request, "")
    };
    for image in ["http://h/a.png", "//10.0.0.1/x", "/etc/passwd"] {
        let images = json!({ "role": "user", "content": "look", "images": [image] });
        assert_eq!(refused(images).as_deref(), Some("messages[0].images"));
    }

    let call =
        json!({ "id": "1", "function": { "name": "f", "arguments": "{\"url\":\"http://h\"}" } });
    let answer = json!({ "role": "assistant", "content": "see: http://h", "tool_calls": [call] });
    assert_eq!(refused(answer), None);
}

#[test]
fn what_the_request_holds_is_passed_on() {
    for part in HELD {
        assert_eq!(refused_place(request_of(part), ""), None, "{part}");
    }
}

#[test]
fn a_part_of_an_unknown_type_is_refused() {
    let parts = [
        r#"{"type":"document","source":{"data":"AA=="}}"#,
        r#"{"type":"tool_result","content":[{"type":"text","text":"a: b"}]}"#,
        r#"{"image_url":"data:,a"}"#,
        "7",
    ];
    for part in parts {
        let refused = refused_place(request_of(part), "");
        let place = "messages[0].content[1].type";
        assert_eq!(refused.as_deref(), Some(place), "{part}");
    }

    let listed = r#","pass_fields":["content.document"]"#;
    assert_eq!(refused_place(request_of(parts[0]), listed), None);
}

/// No tier is sent all of it, though each field has one that is sent it.
#[test]
fn all_of_a_request_must_be_met_by_one_tier() {
    let mut request = request_with(r#""a":1,"b":2"#);
    let demands = Demands::take(&mut request);
    let [a, b, both] = ["a\"", "b\"", "a\",\"b\""].map(|names| {
        let fields = format!(",\"pass_fields\":[\"{names}]");
        tier(&fields)
    });

    assert!(demands.first_unmet(&[&a, &b]).is_some());
    assert!(demands.first_unmet(&[&a, &both]).is_none());
}
