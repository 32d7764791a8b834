//! What is said of one route.

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde_json::Value;

/// Makes the schema of a type.
pub(super) type MakeSchema = fn(&mut SchemaGenerator) -> Schema;

/// One route.
#[derive(Clone)]
pub(super) struct Operation {
    /// Method and template of the path.
    pub(super) route: &'static str,
    /// The name that generated clients give it.
    pub(super) id: &'static str,
    /// What it does, in a line.
    pub(super) summary: &'static str,
    /// The part of the API that it belongs to.
    pub(super) tag: &'static str,
    /// Of the query, and headers.
    pub(super) parameters: Vec<Parameter>,
    /// The rule for the id in the path, if there is one.
    pub(super) id_rule: Rule,
    pub(super) body: Option<Body>,
    pub(super) answers: Vec<Answer>,
    /// Whose token it takes.
    pub(super) access: Access,
    /// Whether it speaks `OpenAI`'s protocol, whose errors have another form.
    pub(super) is_openai: bool,
}

/// Who may call.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Access {
    /// People, with their token of the user pool, which the gateway looks at first.
    People,
    /// Scrapers of metrics, with theirs.
    Scrapers,
    /// Any client, without a token.
    Anybody,
}

/// What a route reads.
#[derive(Clone)]
pub(super) struct Body {
    pub(super) schema: MakeSchema,
    /// One that is accepted.
    pub(super) example: Value,
}

/// A parameter beside those of the path.
#[derive(Clone)]
pub(super) struct Parameter {
    pub(super) place: &'static str,
    pub(super) name: &'static str,
    /// The rule for its value.
    pub(super) rule: Rule,
    pub(super) is_required: bool,
    pub(super) about: &'static str,
}

/// What a parameter may be.
#[derive(Clone, Copy)]
pub(super) enum Rule {
    Text,
    /// A text that fits this regular expression.
    Pattern(&'static str),
    Length {
        min: u32,
        max: u32,
    },
    Number {
        min: u32,
        max: u32,
    },
    OneOf(&'static [&'static str]),
    Uuid,
}

/// An answer of a route that has done what it was asked for.
#[derive(Clone)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) about: &'static str,
    /// With the media type; none without a body.
    pub(super) body: Option<(&'static str, MakeSchema)>,
}

/// The schema of a type, by its name.
pub(super) fn schema_of<T: JsonSchema>(generator: &mut SchemaGenerator) -> Schema {
    generator.subschema_for::<T>()
}

impl Operation {
    /// A route for callers with a token, which answers nothing yet.
    pub(super) fn new(
        route: &'static str,
        id: &'static str,
        tag: &'static str,
        summary: &'static str,
    ) -> Self {
        Self {
            route,
            id,
            summary,
            tag,
            parameters: Vec::new(),
            id_rule: Rule::Uuid,
            body: None,
            answers: Vec::new(),
            access: Access::People,
            is_openai: false,
        }
    }

    /// The id in the path is another one than a record's.
    pub(super) const fn with_id(mut self, rule: Rule) -> Self {
        self.id_rule = rule;
        self
    }

    /// With a JSON body of this type, such as this one.
    pub(super) fn takes<T: JsonSchema>(mut self, example: Value) -> Self {
        let schema = schema_of::<T>;
        self.body = Some(Body { schema, example });
        self
    }

    /// With JSON of this type as an answer.
    pub(super) fn answers<T: JsonSchema>(self, status: u16, about: &'static str) -> Self {
        self.answers_as("application/json", schema_of::<T>, status, about)
    }

    /// With a body of any media type as an answer.
    pub(super) fn answers_as(
        mut self,
        media_type: &'static str,
        schema: MakeSchema,
        status: u16,
        about: &'static str,
    ) -> Self {
        self.answers.push(Answer {
            status,
            about,
            body: Some((media_type, schema)),
        });
        self
    }

    /// With an answer without a body.
    pub(super) fn answers_empty(mut self, status: u16, about: &'static str) -> Self {
        self.answers.push(Answer {
            status,
            about,
            body: None,
        });
        self
    }

    /// The same entity again, if the client has it.
    pub(super) fn with_revalidation(self) -> Self {
        self.header(
            "If-None-Match",
            Rule::Text,
            "the `ETag` of the answer that you have",
        )
        .answers_empty(304, "nothing has changed since")
    }

    /// With a parameter of the query that may be left out.
    pub(super) fn query(self, name: &'static str, rule: Rule, about: &'static str) -> Self {
        self.parameter("query", name, rule, about)
    }

    /// With a header that may be left out.
    pub(super) fn header(self, name: &'static str, rule: Rule, about: &'static str) -> Self {
        self.parameter("header", name, rule, about)
    }

    fn parameter(
        mut self,
        place: &'static str,
        name: &'static str,
        rule: Rule,
        about: &'static str,
    ) -> Self {
        self.parameters.push(Parameter {
            place,
            name,
            rule,
            is_required: false,
            about,
        });
        self
    }

    /// The last parameter may not be left out.
    pub(super) fn required(mut self) -> Self {
        if let Some(last) = self.parameters.last_mut() {
            last.is_required = true;
        }
        self
    }

    /// With the parameters of a list.
    pub(super) fn paged(self) -> Self {
        let limit = Rule::Number { min: 1, max: 100 };
        let cursor = Rule::Pattern("^[A-Za-z0-9_-]+$");
        self.query("limit", limit, "items of a page, 20 if it is left out")
            .query("cursor", cursor, "`next_cursor` of the page before")
    }

    /// With a key under which the same request may be sent again.
    pub(super) fn idempotent(self) -> Self {
        let about = "1 to 255 visible ASCII characters: the same request under the same key has \
                     the same answer for 24 hours";
        self.header("Idempotency-Key", Rule::Pattern("^[!-~]{1,255}$"), about)
    }

    /// Called by others than the people of a tenant.
    pub(super) const fn open_to(mut self, access: Access) -> Self {
        self.access = access;
        self
    }

    /// Speaks `OpenAI`'s protocol.
    pub(super) const fn openai(mut self) -> Self {
        self.is_openai = true;
        self
    }
}
