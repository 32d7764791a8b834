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
    let options = Options::parse();
    let listener = match TcpListener::bind(("127.0.0.1", options.port)) {
        Ok(listener) => listener,
        Err(error) => {
            eprintln!(
                "error: port {} cannot be used ({error}); choose another with --port",
                options.port
            );
            std::process::exit(1);
        }
    };
    println!(
        "The scripted provider listens on http://127.0.0.1:{}/v1. Its models:\n",
        options.port
    );
    for (name, does) in scripts::ALL {
        println!("  {name:<20} {does}");
    }
    println!("\nA tier for AI_TIERS:\n");
    println!(
        "  {{\"name\": \"primary\", \"base_url\": \"http://127.0.0.1:{}/v1\", \"model\": \"500-once\"}}\n",
        options.port
    );
    println!("Each call, as it comes; Ctrl-C ends it.\n");
    let _provider = Provider::start(listener, true);
    loop {
        std::thread::park();
    }
}
