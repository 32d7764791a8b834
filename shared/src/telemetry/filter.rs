//! Which events are logged: a level, or a list such as `info,wenzhen::jobs=debug`.
//!
//! By target and level alone: filters by span or field (`[{tenant=x}]=debug`) would bring an engine
//! of regular expressions into the binary.

use tracing_subscriber::filter::{LevelFilter, Targets};

use super::trace;

/// These libraries never log below `info`, even if the setting asks for it: their events there can
/// hold a whole request.
const CAPPED_LIBRARIES: [&str; 8] = [
    "lambda_runtime",
    "lambda_http",
    "hyper",
    "hyper_util",
    "reqwest",
    "aws_smithy_runtime",
    "aws_sdk_sqs",
    "sqlx",
];

/// The level without a setting, or with one that cannot be read.
const DEFAULT_LEVEL: LevelFilter = LevelFilter::INFO;

/// The filter that `setting` asks for, within the caps.
pub(super) fn log_targets(setting: &str) -> Targets {
    let requested = parse(setting).unwrap_or_else(|| Targets::new().with_default(DEFAULT_LEVEL));
    let default = requested.default_level().unwrap_or(LevelFilter::OFF);

    let libraries = CAPPED_LIBRARIES.map(|library| (library, default.min(LevelFilter::INFO)));
    let capped = requested.iter().map(|(target, level)| {
        let is_capped = CAPPED_LIBRARIES
            .iter()
            .any(|library| target.starts_with(library));
        if is_capped {
            (target, level.min(LevelFilter::INFO))
        } else {
            (target, level)
        }
    });

    // The setting's own level for a library comes last, and so replaces the default one.
    Targets::new()
        .with_default(default)
        .with_targets(libraries)
        .with_targets(capped.map(|(target, level)| (target.to_owned(), level)))
        .with_target(trace::TARGET, LevelFilter::OFF)
}

fn parse(setting: &str) -> Option<Targets> {
    let directives: Vec<_> = setting
        .split(',')
        .map(str::trim)
        .filter(|directive| !directive.is_empty())
        .collect();

    directives.join(",").parse().ok()
}

#[cfg(test)]
mod tests {
    use tracing::Level;

    use super::*;

    struct Case {
        setting: &'static str,
        target: &'static str,
        max_level: LevelFilter,
    }

    const LEVELS: [Level; 5] = [
        Level::ERROR,
        Level::WARN,
        Level::INFO,
        Level::DEBUG,
        Level::TRACE,
    ];

    const OFF: LevelFilter = LevelFilter::OFF;
    const ERROR: LevelFilter = LevelFilter::ERROR;
    const WARN: LevelFilter = LevelFilter::WARN;
    const INFO: LevelFilter = LevelFilter::INFO;
    const TRACE: LevelFilter = LevelFilter::TRACE;

    #[rustfmt::skip]
    const CASES: [Case; 14] = [
        Case { setting: "info", target: "wenzhen::jobs", max_level: INFO },
        Case { setting: "WARN", target: "wenzhen::jobs", max_level: WARN },
        Case { setting: "off", target: "wenzhen::jobs", max_level: OFF },
        Case { setting: "a=b=c", target: "wenzhen::jobs", max_level: INFO },
        Case { setting: "info, wenzhen::jobs=trace,", target: "wenzhen::jobs", max_level: TRACE },
        Case { setting: "info,wenzhen::jobs=trace", target: "wenzhen::http", max_level: INFO },
        Case { setting: "wenzhen=debug", target: "other", max_level: OFF },
        Case { setting: "trace", target: "lambda_runtime", max_level: INFO },
        Case { setting: "trace", target: "hyper_util::client", max_level: INFO },
        Case { setting: "sqlx::query=trace", target: "sqlx::query", max_level: INFO },
        Case { setting: "info,sqlx=error", target: "sqlx::query", max_level: ERROR },
        Case { setting: "error", target: "reqwest", max_level: ERROR },
        Case { setting: "info", target: trace::TARGET, max_level: OFF },
        Case { setting: "info", target: "wenzhen::trace_export", max_level: INFO },
    ];

    #[test]
    fn a_setting_decides_by_target_and_level() {
        for case in CASES {
            let filter = log_targets(case.setting);
            for level in LEVELS {
                let is_logged = filter.would_enable(case.target, &level);
                let expected = level <= case.max_level;
                assert_eq!(
                    is_logged, expected,
                    "{} {} {level}",
                    case.setting, case.target
                );
            }
        }
    }

    #[test]
    fn libraries_that_log_requests_are_capped_whatever_is_asked_for() {
        let filter = log_targets("trace");
        let shown = filter.to_string();
        assert!(shown.contains("lambda_runtime=info") && shown.contains("trace"));

        for library in CAPPED_LIBRARIES {
            assert!(filter.would_enable(library, &Level::INFO));
            assert!(!filter.would_enable(library, &Level::DEBUG));
        }
    }
}
