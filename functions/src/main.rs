//! The binary of every function. `Handler:` in template.yaml chooses which one it runs.

//!
//! `verify-upload` starts it once more for each PDF, to read the text in a process of its own.

use wenzhen::uploads::pdf_text::{is_text_process, run_text_process};

fn main() -> Result<(), lambda_runtime::Error> {
    if is_text_process() {
        return run_text_process().map_err(Into::into);
    }
    serve()
}

#[tokio::main(flavor = "current_thread")]
async fn serve() -> Result<(), lambda_runtime::Error> {
    wenzhen::lambda::run(wenzhen_functions::FUNCTIONS).await
}
