//! Limits as an admin is shown them.

use serde::Serialize;

use super::limit::{Limit, LimitScope};
use crate::config::{Algorithm, ConfigError, LimitSettings};

/// One limit, with the operator's changes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, schemars::JsonSchema)]
pub struct LimitView {
    name: &'static str,
    /// Whose calls it counts together.
    scope: LimitScope,
    /// So many in each window: calls, or what the limit counts instead (`tokens`, seconds of
    /// `wait`).
    limit: u64,
    window_seconds: u64,
    /// How many at once, if it fills evenly; else it is never more than `limit` in any window.
    burst: Option<u64>,
}

/// Those of these limits that have a rate.
pub fn views(limits: &[Limit], settings: &LimitSettings) -> Result<Vec<LimitView>, ConfigError> {
    let mut views = Vec::new();
    for limit in limits {
        let Some(limit) = limit.with_settings(settings)? else {
            continue;
        };
        let rate = limit.rate;
        views.push(LimitView {
            name: limit.name,
            scope: limit.scope,
            limit: rate.limit,
            window_seconds: rate.window.div_ceil(1_000_000),
            burst: match rate.algorithm {
                Algorithm::TokenBucket { burst } => Some(burst),
                Algorithm::SlidingWindow => None,
            },
        });
    }
    Ok(views)
}

#[cfg(test)]
mod tests {
    use super::super::limit::{ADDRESS, TENANT, USER};
    use super::*;

    #[test]
    fn limits_are_shown_as_the_operator_has_set_them() {
        let settings = LimitSettings::parse(r#"{"user": {"limit": 7, "window": 10}}"#).unwrap();
        let views = views(&[ADDRESS, USER, TENANT], &settings).unwrap();

        let names: Vec<_> = views.iter().map(|view| view.name).collect();
        assert_eq!(names, ["address", "user"], "`tenant` is not set");
        assert_eq!((views[0].limit, views[0].burst), (100, Some(200)));
        let user = (views[1].limit, views[1].window_seconds, views[1].burst);
        assert_eq!(user, (7, 10, None));
    }
}
