//! Starts the scripted provider by hand and prints each call it gets.

use std::net::TcpListener;

use clap::Parser;
use scripted_provider::{Provider, scripts};

/// A provider that plays every fault, by the name of the model
#[derive(Parser)]
struct Options {
    /// The port on 127.0.0.1
    #[arg(long, default_value_t = 8089)]
    port: u16,
}

fn main() {
    let Options { port } = Options::parse();
    let listener = match TcpListener::bind(("127.0.0.1", port)) {
        Ok(listener) => listener,
        Err(error) => {
            eprintln!("error: port {port} cannot be used ({error}); choose another with --port");
            std::process::exit(1);
        }
    };

    let base_url = format!("http://127.0.0.1:{port}/v1");
    println!("The scripted provider listens on {base_url}. Its models:\n");
    for (name, does) in scripts::ALL {
        println!("  {name:<20} {does}");
    }

    let model = "500-once";
    println!("\nA tier for AI_TIERS:\n");
    println!(r#"  {{"name": "primary", "base_url": "{base_url}", "model": "{model}"}}"#);
    println!("\nEach call, as it comes; Ctrl-C ends it.\n");

    let _provider = Provider::start(listener, true);
    loop {
        std::thread::park();
    }
}
