//! The binary of every function. `Handler:` in template.yaml chooses which one it runs.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    wenzhen::lambda::run(wenzhen_functions::FUNCTIONS).await
}
