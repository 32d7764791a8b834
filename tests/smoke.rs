//! `infra/smoke.py`, as an operator and the workflow of deployments run it, against this stack.

use std::process::Output;

use tokio::process::Command;
use xtask::tools;

use crate::provider;
use crate::support::STACK;

/// A port of this machine that nothing listens to.
const NOBODY: &str = "http://127.0.0.1:1";

/// A command that finds the AWS CLI of the tools, and with it this stack's emulator.
fn with_aws(program: &str) -> Command {
    let bin = tools::bin_folder(&STACK);
    let path = std::env::var("PATH").unwrap();
    let mut command = Command::new(bin.join(program));
    command.env("PATH", format!("{}:{path}", bin.display()));
    for name in [
        "AWS_ENDPOINT_URL",
        "AWS_REGION",
        "AWS_ACCESS_KEY_ID",
        "AWS_SECRET_ACCESS_KEY",
    ] {
        command.env(name, STACK.env(name).unwrap());
    }

    // As version 1 of the CLI calls it.
    command.env("AWS_DEFAULT_REGION", STACK.env("AWS_REGION").unwrap());

    command.current_dir(&STACK.root);
    command
}

async fn run_smoke(chat_url: &str) -> Output {
    let mut smoke = with_aws("python");
    smoke.args(["infra/smoke.py", "none"]);
    smoke.args(["--api-url", &STACK.env("API_URL").unwrap()]);
    smoke.args(["--chat-url", chat_url]);
    smoke.args(["--user-pool", &STACK.env("USER_POOL_ID").unwrap()]);
    smoke.args(["--client", &STACK.env("USER_POOL_CLIENT_ID").unwrap()]);
    smoke.output().await.unwrap()
}

/// The names of the people that it made and did not remove.
async fn people_left() -> String {
    let mut list = with_aws("aws");
    let pool = STACK.env("USER_POOL_ID").unwrap();
    list.args(["cognito-idp", "list-users", "--output", "text"]);
    list.args(["--user-pool-id", &pool]);
    list.args(["--filter", "email ^= \"smoke-\""]);
    list.args(["--query", "Users[].Username"]);

    let listed = list.output().await.unwrap();
    let errors = String::from_utf8_lossy(&listed.stderr);
    assert!(listed.status.success(), "{errors}");
    String::from_utf8(listed.stdout).unwrap()
}

/// One test, since both look for people who are left.
#[tokio::test]
async fn the_smoke_test_passes_and_names_the_step_that_fails() {
    let _scripted = provider::start();
    let chat_url = STACK.env("CHAT_URL").unwrap();
    let passed = run_smoke(&chat_url).await;
    let said = String::from_utf8_lossy(&passed.stdout);
    assert!(passed.status.success(), "{passed:?}");
    for step in [
        "health",
        "sign-in",
        "a complaint",
        "its assessment",
        "a streamed chat",
        "erasure",
    ] {
        let line = said.lines().find(|line| line.starts_with(step));
        assert!(line.is_some_and(|it| it.ends_with(" s)")), "{step}: {said}");
    }
    assert_eq!(people_left().await.trim(), "");

    let failed = run_smoke(NOBODY).await;
    assert_eq!(failed.status.code(), Some(1), "{failed:?}");
    let errors = String::from_utf8_lossy(&failed.stderr);
    assert!(errors.contains("/v1/chat/completions: "), "{errors}");
    let said = String::from_utf8_lossy(&failed.stdout);
    assert!(said.contains("erasure"), "what was made is erased: {said}");
    assert_eq!(people_left().await.trim(), "");
}
