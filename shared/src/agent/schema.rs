//! JSON schemas of what a model is asked for, from the types that its answers are read as.

use schemars::generate::SchemaSettings;
use schemars::transform::{RecursiveTransform, Transform};
use schemars::{JsonSchema, Schema};
use serde_json::Value;

/// Keywords that say nothing to a model, and that endpoints which hold it to a schema may refuse.
const LEFT_OUT: [&str; 4] = ["$schema", "title", "default", "format"];

/// The schema of a type, in one piece: every field is required, and there are no others.
pub(super) fn schema_of<T: JsonSchema>() -> Value {
    let settings = SchemaSettings::draft2020_12().for_serialize();
    let settings = settings.with(|settings| settings.inline_subschemas = true);
    let mut schema = settings.into_generator().into_root_schema_for::<T>();

    let mut leave_out = RecursiveTransform(|schema: &mut Schema| {
        for keyword in LEFT_OUT {
            schema.remove(keyword);
        }
    });
    leave_out.transform(&mut schema);
    // What a type says of itself is for us.
    schema.remove("description");
    schema.into()
}
