//! What the models do.

/// Each script and what it plays.
pub const ALL: &[(&str, &str)] = &[
    ("good", "a good answer"),
    (
        "self_care, urgent, emergency",
        "a good assessment with this urgency",
    ),
    (
        "json",
        "a good answer, not streamed even if a stream was asked for",
    ),
    ("echo", "the request itself, as the answer's text"),
    ("tool", "a call of the first tool of the request"),
    ("slow", "a good answer after a second"),
    ("slow-tokens", "a good answer, 100 ms between its tokens"),
    ("late", "a role at once, the first token after 5 s"),
    ("late-MS", "the same, the first token after MS milliseconds"),
    ("fenced", "JSON in a Markdown fence"),
    ("prose", "text where JSON was asked for"),
    ("late-prose-700", "the same after 700 ms"),
    ("prose-then-400", "the same once, then 400"),
    (
        "think, think-unopened, caps-fence, wrapped, trailing-comma, raw-newline, bom",
        "an urgent assessment among thoughts, in a fence, wrapped, with a slip of syntax",
    ),
    (
        "chinese-urgency, caps-urgency, null-lists, single-texts, many-items, long-summary",
        "an urgent assessment with fields in another form",
    ),
    (
        "cites",
        "an urgent assessment that cites the first passage, one that was not given, and a number",
    ),
    (
        "tool-answer, reasoning-only, content-parts",
        "an urgent assessment in another place of the message",
    ),
    (
        "agent-looks-up",
        "calls search_knowledge, then past_consultations, then assess, citing what was found",
    ),
    (
        "agent-asks, agent-asks-again",
        "calls ask_patient in the first turn, and then assess; in every turn",
    ),
    (
        "agent-mends, agent-mends-answer, agent-unknown-once, agent-broken-json",
        "makes one mistake in its calls, and then calls assess",
    ),
    (
        "agent-escapes, agent-no-ids",
        "names another tenant and user in its arguments; gives its calls no ids",
    ),
    (
        "agent-fears, agent-feared, agent-asks-twice",
        "asks, and calls it an emergency; does so in a call that is refused; asks in two calls",
    ),
    (
        "agent-breaks, agent-cut-off",
        "searches, and answers 500 from then on; has its search cut off by the limit of tokens",
    ),
    (
        "agent-unknown, agent-repeats, agent-endless",
        "calls a tool that is not there, the same one again, or ever another search",
    ),
    (
        "agent-long, agent-many-calls, agent-both, agent-words",
        "searches as long as it may; six times at once; beside its answer; answers in words",
    ),
    (
        "eos, stop-sequence",
        "an urgent assessment with this finish_reason",
    ),
    (
        "two-answers, unknown-urgency",
        "an assessment that can be read in several ways or in none",
    ),
    (
        "unreadable-once",
        "text where JSON was asked for, then an urgent assessment if asked again",
    ),
    ("length", "an answer that ended at the limit of tokens"),
    ("filtered", "an answer that a content filter ended"),
    ("empty", "a completion without choices"),
    ("html", "a page of a proxy, with status 200"),
    ("error-in-200", "an error as the body of a 200"),
    ("error-first", "an error as the first event of a stream"),
    ("error-midway", "an error in the middle of a stream"),
    ("429-after-S", "429 with Retry-After: S once, then good"),
    (
        "429-date",
        "429 with Retry-After as a date two seconds from now once, then good",
    ),
    ("429-always-S", "429 with Retry-After: S, always"),
    ("429", "429 without Retry-After, always"),
    ("500-once", "one 500, then good"),
    ("500, 503, …", "this status, always"),
    (
        "down-MS",
        "503 for MS milliseconds from the first call, then good",
    ),
    ("reset", "the connection is reset before any header, always"),
    ("reset-once", "the same once, then good"),
    ("silent", "accepts and never answers"),
    ("headers-only", "headers of a stream, and then nothing"),
    ("cut", "the stream breaks in the middle"),
    ("role-cut", "the stream breaks behind its role"),
    ("stall", "the stream stops in the middle and stays open"),
    ("malformed", "a chunk in the middle is not JSON"),
    (
        "malformed-end",
        "a chunk after the finish_reason is not JSON",
    ),
    (
        "empty-reason",
        "a stream that names an empty finish_reason with each piece, and breaks in the middle",
    ),
    (
        "interrupted",
        "an answer that says itself that it was broken off: insufficient_system_resource",
    ),
    (
        "pings",
        "a stream that stops in the middle, but goes on pinging",
    ),
    (
        "no-done",
        "finish_reason and usage, then neither [DONE] nor an end",
    ),
    (
        "no-done-no-usage",
        "finish_reason, then neither usage nor [DONE] nor an end",
    ),
    ("context", "400 context_length_exceeded"),
    ("filter", "400 content_filter"),
    (
        "no-prefill",
        "400 if the last message is an assistant's, else good",
    ),
    ("refuses", "400 that says it takes no prefill, always"),
    (
        "401, 402, 403, 404",
        "a bad key, no credit, no permission, no such model",
    ),
    ("quota", "429 insufficient_quota"),
    (
        "text-label, json-label, no-label",
        "a good stream with this label, or with none and a byte order mark",
    ),
    ("lines", "a good stream as lines of JSON"),
    (
        "noisy-lines, noisy-array",
        "the same, and as a list, with pings and null in front",
    ),
    ("array", "the chunks of a good stream as one list"),
    (
        "dense",
        "a good stream without empty lines between its events",
    ),
    ("named", "a good stream whose events have a name"),
    (
        "noise",
        "a good stream with pings, null, and chunks without choices between its events",
    ),
    (
        "split-pair",
        "a good stream with the halves of an emoji in two events",
    ),
    (
        "parts",
        "a good stream whose content comes in lists of parts",
    ),
    (
        "messages",
        "a good stream of one event with a message for a delta",
    ),
    (
        "one-index",
        "two tool calls with one index, id and name repeated",
    ),
    (
        "continues, repeats, overlaps",
        "asked to continue a text: goes on; after all of it; after its last words",
    ),
    (
        "paced, agent-paced",
        "a good answer at the pace of a model, 20 ms before each character, or before seven of an \
         assessment; as a call of assess",
    ),
    (
        "paced-cut, paced-stall, paced-malformed",
        "cut, stall and malformed at that pace",
    ),
    ("continues-cut", "goes on, and breaks again in the middle"),
    (
        "tool-cut",
        "a text, then a tool call that breaks in its middle",
    ),
    // Refusals, and what looks like them.
    (
        "inspected",
        "a content filter's error (data_inspection_failed) as the first event of a stream",
    ),
    ("inspected-midway", "the same in the middle of a stream"),
    ("filter-500", "the same with status 500"),
    ("filter-in-200", "the same as the body of a 200"),
    (
        "context-words",
        "400 that says only in words that the context is too long",
    ),
    (
        "429-body",
        "429 whose body says to try again in 30 s, always",
    ),
    (
        "gemini-429",
        "429 as Gemini has it, a list with retryDelay: 30s, always",
    ),
    (
        "empty-error",
        "a good answer beside an error without content",
    ),
    ("blank", "an answer without text"),
    ("declined", "a refusal of the model's own: message.refusal"),
];
