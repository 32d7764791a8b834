use super::*;

/// The value of the key `a`, and what had to be forgiven.
fn scan(text: &str) -> Result<(Node, Vec<Repair>), SyntaxError> {
    let scanned = scan_object(text)?;
    assert_eq!(scanned.rest, "", "{text}");
    let first = scanned.members.first().expect(text);
    assert_eq!(first.key, "a", "{text}");
    Ok((first.value.clone(), scanned.repairs.into_iter().collect()))
}

struct Case {
    text: &'static str,
    value: &'static str,
    repairs: &'static [Repair],
}

#[rustfmt::skip]
const TEXTS: [Case; 17] = [
    Case { text: r#"{"a":"x"}"#, value: "x", repairs: &[] },
    Case { text: r#"{"a":"\"\\\/\n\u53d1\ud83d\ude00"}"#, value: "\"\\/\n发😀", repairs: &[] },
    Case { text: r#"{"a":"x",}"#, value: "x", repairs: &[Repair::TrailingComma] },
    Case { text: "{\"a\":\"x\ny\"}", value: "x\ny", repairs: &[Repair::RawControl] },
    Case { text: "{\"a\":\"x\ty\"}", value: "x\ty", repairs: &[Repair::RawControl] },
    Case { text: "{\u{feff}\"a\":\"x\"}", value: "x", repairs: &[Repair::Invisible] },
    Case { text: "{'a':'x'}", value: "x", repairs: &[Repair::LooseSyntax] },
    Case { text: r#"{'a':"it's"}"#, value: "it's", repairs: &[Repair::LooseSyntax] },
    Case { text: r"{'a':'it\'s'}", value: "it's", repairs: &[Repair::LooseSyntax] },
    Case { text: r#"{a:"x"}"#, value: "x", repairs: &[Repair::LooseSyntax] },
    Case { text: r#"{"a"："x"，"b"：1}"#, value: "x", repairs: &[Repair::LooseSyntax] },
    Case { text: r#"{"a":"self\_care"}"#, value: "self_care", repairs: &[Repair::LooseSyntax] },
    Case { text: r#"{"a":"\ud83d!"}"#, value: "\u{fffd}!", repairs: &[Repair::LooseSyntax] },
    Case { text: r#"{"a":"\ud83d\u0041"}"#, value: "\u{fffd}A", repairs: &[Repair::LooseSyntax] },
    Case { text: "{\"a\":\"x\" // why\n}", value: "x", repairs: &[Repair::LooseSyntax] },
    Case { text: "{/* a */\"a\":\"x\"}", value: "x", repairs: &[Repair::LooseSyntax] },
    Case { text: r#"{"a":"//","b":"/*"}"#, value: "//", repairs: &[] },
];

#[test]
fn what_can_mean_one_thing_only_is_read() {
    for case in TEXTS {
        let (value, repairs) = scan(case.text).expect(case.text);
        assert_eq!(value, Node::Text(case.value.to_owned()), "{}", case.text);
        assert_eq!(repairs, case.repairs, "{}", case.text);
    }
}

#[test]
fn words_numbers_and_lists_are_read() {
    let value = |text: &str| scan(&format!("{{\"a\":{text}}}")).map(|(value, _)| value);

    assert_eq!(value("null"), Ok(Node::Null));
    assert_eq!(value("None"), Ok(Node::Null));
    assert_eq!(value("True"), Ok(Node::Bool(true)));
    assert_eq!(value("-1.5e3"), Ok(Node::Number("-1.5e3".to_owned())));
    let list = vec![Node::Null, Node::List(Vec::new())];
    assert_eq!(value("[null, [],]"), Ok(Node::List(list)));
}

#[test]
fn what_would_need_a_guess_is_not_read() {
    let cut_off = [
        r#"{"a":"x""#,
        r#"{"a":"x"#,
        r#"{"a":["x""#,
        "{",
        r#"{"a":"\"#,
    ];
    for text in cut_off {
        assert_eq!(scan(text).err(), Some(SyntaxError::CutOff), "{text}");
    }

    let broken = [
        r#"{"a":"he said "ouch" again"}"#,
        r#"{"a":"x" "b":"y"}"#,
        r#"{"a":["x" "y"]}"#,
        r#"{"a":urgent}"#,
        r#"{"a":NULL}"#,
        r"{'a':'it's'}",
        r#"{"a":“x”}"#,
        r#"{"a":"\q"}"#,
        r#"{"a":"\u12g4"}"#,
        r#"{"a":1.2.3}"#,
        r#"{,"a":1}"#,
        r#"{"a":1,,}"#,
        r#"{"a":}"#,
        r#"{"a" 1}"#,
        r#"{"a":"x"]"#,
    ];
    for text in broken {
        let error = scan(text).err();
        let is_broken = matches!(error, Some(SyntaxError::Broken(_)));
        assert!(is_broken, "{text}: {error:?}");
    }
}

#[test]
fn nesting_is_bounded() {
    for (open, close) in [("[", "]"), (r#"{"a":"#, "}")] {
        let nest = |depth: usize| {
            let (open, close) = (open.repeat(depth), close.repeat(depth));
            format!("{{\"a\":{open}null{close}}}")
        };
        assert!(scan(&nest(MAX_DEPTH - 1)).is_ok());
        assert_eq!(scan(&nest(100_000)).err(), Some(SyntaxError::TooDeep));
    }
}

#[test]
fn a_word_in_braces_is_no_object() {
    for text in ["{x}", "{ see below }", "{{", "{}", "{", "{1:2}"] {
        assert!(!begins_object(text), "{text}");
    }
    for text in ["{\"", "{ '", "{\n a : 1", "{摘要：", "{/* */", "{//"] {
        assert!(begins_object(text), "{text}");
    }
}
