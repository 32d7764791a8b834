//! What a client says about encodings: `Accept-Encoding` (RFC 9110, section 12.5.3).
//!
//! | the header | means here |
//! |---|---|
//! | is absent or empty | the body as it is |
//! | names a coding | that coding, with its weight from 0 ("never") to 1 |
//! | says nothing of `identity` | the body as it is will do, but a coding that is named is better |
//! | has `*` | its weight is that of each coding, and of `identity`, that is not named |
//! | weighs codings alike | Brotli before gzip before the body as it is |
//! | names a coding twice | the smaller weight counts: what a client refuses once is not sent |
//! | has an element that breaks the grammar | the element is as good as absent |
//! | refuses all that there is | the body as it is: the work is done, and a 406 would hide it |
//!
//! `tower-http` 0.6 knows no `*`, and takes the larger of two weights. nginx compresses whenever
//! gzip is named with a weight above 0, whatever the weight of `identity`.

use http::{HeaderMap, header};

/// A coding that bodies can be sent in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Encoding {
    Brotli,
    Gzip,
}

impl Encoding {
    /// Its name in `Content-Encoding`.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Brotli => "br",
            Self::Gzip => "gzip",
        }
    }
}

/// What a client can read and prefers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct AcceptedEncoding {
    /// The best coding; none if the body as it is will do better.
    pub(super) best: Option<Encoding>,
    /// Whether the body must not be sent as it is, however small.
    pub(super) is_required: bool,
}

impl AcceptedEncoding {
    /// What the headers of a request say.
    pub(super) fn of_request(headers: &HeaderMap) -> Self {
        if headers.contains_key("x-no-compression") {
            return Self::default();
        }

        let lines = headers.get_all(header::ACCEPT_ENCODING).iter();
        let lines = lines.filter_map(|line| line.to_str().ok());
        let mut weights = Weights::default();
        for element in lines.flat_map(|line| line.split(',')) {
            weights.add(element);
        }

        weights.choose()
    }
}

/// A weight in thousandths, from 0 ("never") to 1,000.
type Weight = u16;

const FULL_WEIGHT: Weight = 1_000;

/// The weights that a client gives; none for what it does not name.
#[derive(Default)]
struct Weights {
    brotli: Option<Weight>,
    gzip: Option<Weight>,
    identity: Option<Weight>,
    others: Option<Weight>,
}

impl Weights {
    /// Takes one element of the header, such as `br;q=0.5`.
    fn add(&mut self, element: &str) {
        let Some((name, weight)) = parse_element(element) else {
            return;
        };

        let slot = match name.to_ascii_lowercase().as_str() {
            "br" => &mut self.brotli,
            "gzip" | "x-gzip" => &mut self.gzip,
            "identity" => &mut self.identity,
            "*" => &mut self.others,
            _ => return,
        };
        *slot = Some(slot.map_or(weight, |earlier| earlier.min(weight)));
    }

    fn choose(&self) -> AcceptedEncoding {
        let brotli = self.brotli.or(self.others).unwrap_or(0);
        let gzip = self.gzip.or(self.others).unwrap_or(0);
        let identity = self.identity.or(self.others);

        let (encoding, weight) = if brotli >= gzip {
            (Encoding::Brotli, brotli)
        } else {
            (Encoding::Gzip, gzip)
        };
        let is_better = weight > 0 && weight >= identity.unwrap_or(0);

        AcceptedEncoding {
            best: is_better.then_some(encoding),
            is_required: is_better && identity == Some(0),
        }
    }
}

/// The coding and the weight of one element; none if it breaks the grammar.
fn parse_element(element: &str) -> Option<(&str, Weight)> {
    let Some((name, parameter)) = element.split_once(';') else {
        return Some((element.trim(), FULL_WEIGHT));
    };

    let (key, weight) = parameter.trim().split_once('=')?;
    if !key.eq_ignore_ascii_case("q") {
        return None;
    }

    Some((name.trim(), parse_weight(weight)?))
}

/// A `qvalue`: 0 or 1, with up to three decimals, and at most 1 (RFC 9110, section 12.4.2).
fn parse_weight(text: &str) -> Option<Weight> {
    let (whole, decimals) = text.split_once('.').unwrap_or((text, ""));
    let is_whole = matches!(whole, "0" | "1");
    let are_decimals = decimals.len() <= 3 && decimals.bytes().all(|byte| byte.is_ascii_digit());
    if !is_whole || !are_decimals {
        return None;
    }

    let weight: Weight = format!("{whole}{decimals:0<3}").parse().ok()?;
    (weight <= FULL_WEIGHT).then_some(weight)
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    const BROTLI: AcceptedEncoding = optional(Encoding::Brotli);
    const GZIP: AcceptedEncoding = optional(Encoding::Gzip);
    const REQUIRED_GZIP: AcceptedEncoding = AcceptedEncoding {
        is_required: true,
        ..GZIP
    };
    const AS_IT_IS: AcceptedEncoding = AcceptedEncoding {
        best: None,
        is_required: false,
    };

    const fn optional(encoding: Encoding) -> AcceptedEncoding {
        AcceptedEncoding {
            best: Some(encoding),
            is_required: false,
        }
    }

    fn accepted(lines: &[&str]) -> AcceptedEncoding {
        let lines = lines.iter().map(|line| {
            let line = HeaderValue::from_bytes(line.as_bytes()).unwrap();
            (header::ACCEPT_ENCODING, line)
        });
        AcceptedEncoding::of_request(&lines.collect())
    }

    struct Case {
        header: &'static str,
        is: AcceptedEncoding,
    }

    #[rustfmt::skip]
    const WEIGHTS: [Case; 28] = [
        Case { header: "gzip, deflate, br", is: BROTLI },
        Case { header: "gzip", is: GZIP },
        Case { header: "GZip", is: GZIP },
        Case { header: "x-gzip", is: GZIP },
        Case { header: "br;q=0.5, gzip", is: GZIP },
        Case { header: "br;q=0.5, gzip;q=0.501", is: GZIP },
        Case { header: "br;q=0, gzip;q=0", is: AS_IT_IS },
        Case { header: "deflate, zstd", is: AS_IT_IS },
        Case { header: "", is: AS_IT_IS },
        Case { header: " , ,gzip,", is: GZIP },
        // The weight of `identity` counts.
        Case { header: "identity", is: AS_IT_IS },
        Case { header: "identity;q=1, gzip;q=0.5", is: AS_IT_IS },
        Case { header: "gzip;q=0.5, identity;q=0.6, br;q=0.1", is: AS_IT_IS },
        Case { header: "gzip;q=0.5, identity;q=0.5", is: GZIP },
        Case { header: "identity, gzip", is: GZIP },
        Case { header: "gzip;q=0.001", is: GZIP },
        Case { header: "identity;q=0, gzip", is: REQUIRED_GZIP },
        Case { header: "gzip, *;q=0", is: REQUIRED_GZIP },
        Case { header: "gzip, *;q=0, identity;q=0.5", is: GZIP },
        // Nothing that is there is acceptable.
        Case { header: "identity;q=0", is: AS_IT_IS },
        Case { header: "*;q=0", is: AS_IT_IS },
        Case { header: "zstd, identity;q=0", is: AS_IT_IS },
        // `*` is what is not named, `identity` too.
        Case { header: "*", is: BROTLI },
        Case { header: "*;q=0.5", is: BROTLI },
        Case { header: "br;q=0, *;q=0.1", is: GZIP },
        Case { header: "gzip;q=0.5, *", is: BROTLI },
        Case { header: "gzip;q=0.5, br;q=0.5, *", is: AS_IT_IS },
        Case { header: "identity, *;q=0.5", is: AS_IT_IS },
    ];

    #[test]
    fn the_greatest_weight_decides() {
        for Case { header, is } in WEIGHTS {
            assert_eq!(accepted(&[header]), is, "{header}");
        }
    }

    #[test]
    fn an_element_that_breaks_the_grammar_is_absent() {
        for bad in [
            "q=2",
            "q=-1",
            "q=abc",
            "q=",
            "q",
            "",
            "q=0.1234",
            "q=1.001",
            "q=00.5",
            "q=.5",
            "q=0.5x",
            "q = 0.5",
            "q= 0.5",
            "q=1e0",
            "q=+1",
            "q=0.5;q=1",
            "level=9",
        ] {
            let header = format!("gzip;{bad}");
            assert_eq!(accepted(&[&header]), AS_IT_IS, "{header}");

            let header = format!("br;q=0.2, gzip;{bad}");
            assert_eq!(accepted(&[&header]), BROTLI, "{header}");

            let header = format!("identity;{bad}, gzip;q=0.1");
            assert_eq!(accepted(&[&header]), GZIP, "{header}");
        }
    }

    #[test]
    fn good_weights_are_read_however_they_are_written() {
        for good in ["q=0.5", "Q=0.5", " q=0.5 ", "q=0.50", "q=0.500", "\tq=0.5"] {
            let header = format!("br;q=0.4, gzip ;{good}, identity;q=0.499");
            assert_eq!(accepted(&[&header]), GZIP, "{header}");
        }
        for full in ["q=1", "q=1.", "q=1.0", "q=1.000"] {
            let header = format!("br;q=0.999, gzip;{full}");
            assert_eq!(accepted(&[&header]), GZIP, "{header}");
        }
        for never in ["q=0", "q=0.", "q=0.0", "q=0.000"] {
            let header = format!("gzip;{never}");
            assert_eq!(accepted(&[&header]), AS_IT_IS, "{header}");
        }
    }

    #[test]
    fn lines_are_one_list_and_the_smaller_weight_counts() {
        let equal = ["gzip;q=0.5", "br;q=0.5"];
        assert_eq!(accepted(&equal), BROTLI);
        assert_eq!(accepted(&["gzip", "identity;q=0"]), REQUIRED_GZIP);
        assert_eq!(accepted(&["", "gzip"]), GZIP);

        for twice in ["gzip, gzip;q=0", "gzip;q=0, gzip", "x-gzip;q=0, gzip"] {
            assert_eq!(accepted(&[twice]), AS_IT_IS, "{twice}");
        }
        let not_ascii = "é";
        assert_eq!(accepted(&[not_ascii, "gzip"]), GZIP);
        assert_eq!(accepted(&[]), AS_IT_IS);
    }

    #[test]
    fn no_compression_is_stronger_than_any_weight() {
        let gzip = HeaderValue::from_static("gzip, identity;q=0");
        let mut headers = HeaderMap::from_iter([(header::ACCEPT_ENCODING, gzip)]);
        headers.insert("x-no-compression", HeaderValue::from_static("1"));
        assert_eq!(AcceptedEncoding::of_request(&headers), AS_IT_IS);
    }
}
