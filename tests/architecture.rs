//! The house: a module of the shared crate uses only what stands below it, and no circles are
//! within one. ARCHITECTURE.md shows the same order.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use xtask::modules::{Module, find_circle, read_modules, sibling_uses};

/// The modules of the shared crate, from top to bottom. Those of one level do not use each other.
const LEVELS: &[&[&str]] = &[
    &["lambda", "openapi"],
    &["agent", "chat"],
    &["knowledge"],
    &[
        "ai",
        "fleet_metrics",
        "http",
        "health",
        "migrations",
        "trace_export",
    ],
    &["setup"],
    &["privacy"],
    &["users", "reports", "uploads", "realtime"],
    &["consultations"],
    &["jobs", "audit"],
    &["access", "resilience", "limits", "cache"],
    &["postgres", "valkey"],
    &["aws"],
    &["telemetry"],
    &["config"],
    &["triage", "page"],
    &["identity", "deadline", "error", "locale"],
    &["text", "schema"],
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn shared_modules() -> Vec<Module> {
    read_modules(&root().join("shared/src")).unwrap()
}

fn level_of(module: &str) -> Option<usize> {
    LEVELS.iter().position(|level| level.contains(&module))
}

#[test]
fn a_module_uses_only_what_stands_below_it() {
    let uses = sibling_uses(&shared_modules(), &[]);

    let mut wrong = Vec::new();
    for (module, used) in &uses {
        let level = level_of(module).unwrap_or_else(|| panic!("{module} has no level"));
        let above = used.iter().filter(|used| level_of(used) <= Some(level));
        wrong.extend(above.map(|used| format!("{module} uses {used}")));
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn every_module_of_the_order_exists() {
    let uses = sibling_uses(&shared_modules(), &[]);
    let existing: BTreeSet<_> = uses.keys().map(String::as_str).collect();
    let ordered: BTreeSet<_> = LEVELS.iter().copied().flatten().copied().collect();
    assert_eq!(existing, ordered);
}

/// Files of one folder do not use each other in a circle, in any folder of any crate.
#[test]
fn no_circles_are_within_a_module() {
    let mut circles = BTreeMap::new();
    for sources in ["shared/src", "functions/src", "infra/xtask/src"] {
        let modules = read_modules(&root().join(sources)).unwrap();
        let folders: BTreeSet<_> = modules
            .iter()
            .filter_map(|module| module.path.split_last())
            .map(|(_, folder)| folder.to_vec())
            .collect();
        for folder in folders {
            if let Some(circle) = find_circle(&sibling_uses(&modules, &folder)) {
                circles.insert(format!("{sources}/{}", folder.join("/")), circle);
            }
        }
    }
    assert!(circles.is_empty(), "{circles:#?}");
}

/// These modules name no module of medicine: a kind of job brings its own words.
#[test]
fn general_modules_know_nothing_of_medicine() {
    let uses = sibling_uses(&shared_modules(), &[]);
    for module in ["resilience", "limits", "cache", "jobs"] {
        for medical in ["triage", "consultations", "reports", "knowledge", "agent"] {
            assert!(!uses[module].contains(medical), "{module} uses {medical}");
        }
    }
}

/// The rules do no input or output: only these crates are named in them.
#[test]
fn triage_does_no_io() {
    let io = [
        "tokio", "std::fs", "std::net", "std::env", "reqwest", "sqlx", "redis", "futures",
    ];
    for module in shared_modules() {
        if module.path.first().is_some_and(|first| first == "triage") {
            for used in &module.foreign {
                let path = used.join("::");
                let found = io.iter().find(|io| path.starts_with(**io));
                assert_eq!(found, None, "{} uses {path}", module.file);
            }
        }
    }
}

/// Valkey's wire values are read next to the scripts that make them.
#[test]
fn only_valkey_and_script_files_see_wire_values() {
    for module in shared_modules() {
        let name = module.path.last().map_or("", String::as_str);
        let is_room = module.path.first().is_some_and(|first| first == "valkey");
        let sees = module.foreign.iter().any(|used| used[0] == "redis");
        assert!(
            !sees || is_room || name == "script",
            "{} uses redis",
            module.file
        );
    }
}

/// Functions reach services through the shared crate: they depend on no client of one.
#[test]
fn functions_depend_on_no_service_client() {
    let manifest = std::fs::read_to_string(root().join("functions/Cargo.toml")).unwrap();
    let manifest: toml::Table = toml::from_str(&manifest).unwrap();
    for dependency in manifest["dependencies"].as_table().unwrap().keys() {
        let is_client = dependency.starts_with("aws-")
            || ["sqlx", "redis", "reqwest"].contains(&dependency.as_str());
        assert!(!is_client, "{dependency}");
    }
}
