//! The description of the API (`OpenAPI` 3.1), from the types that the routes read and write.
//!
//! No function links it: `cargo xtask openapi` writes it to `docs/openapi.json`, and tests hold it
//! against the template's routes and against real answers.
//!
//! | file | what |
//! |---|---|
//! | `operation` | what is said of one route |
//! | `document` | all of it as one document |
//! | the others | the routes, by their tags |

mod consultations;
mod document;
mod files;
mod jobs;
mod knowledge;
mod models;
mod operation;
mod people;
mod system;

pub use document::document;

use operation::Operation;

/// What is said of every route.
fn operations() -> Vec<Operation> {
    [
        consultations::operations(),
        files::operations(),
        jobs::operations(),
        knowledge::operations(),
        people::operations(),
        models::operations(),
        system::operations(),
    ]
    .concat()
}
