//! When a complaint needs no doctor. In doubt it does.

use std::collections::HashSet;
use std::sync::LazyLock;

use super::finding::Finding;
use super::picture::Picture;
use super::scope::Status;
use super::text::{Kind, Token};
use super::words::{Class, split_words};

/// Words that may stand beside a minor complaint without making it less minor.
const HARMLESS: &str = "i im ive he she we and or with for since from after when day days today yesterday morning \
    evening night last two three couple 1 2 3 ago by on my no not fever but still ok fine otherwise well well eating \
    drinking normal normally knee elbow finger ankle hand arm leg foot slightly mildly nose eyes itchy itch \
    walking playing garden outdoors season every spring a an the some just think got gets get in at it as usual \
    天两一二三昨今早晚上日前后脚踝膝盖手指腿脚臂我和但不没有发烧能吃喝正常精神好还可以其他都挺鼻眼睛痒了的在被走路蚊子咬包个到几个只是春季每年户外运动时有点";

/// Durations in days beyond which a minor complaint is no longer one.
const MAX_DAYS: u32 = 3;

static HARMLESS_WORDS: LazyLock<HashSet<&'static str>> =
    LazyLock::new(|| HARMLESS.split_whitespace().flat_map(split_words).collect());

/// Whether a complaint without red flags can be looked after at home.
pub(super) fn suffices(picture: &Picture, age: Option<u8>, tokens: &[Token<'_>]) -> bool {
    let grown = age.is_some_and(|age| (2..65).contains(&age));
    let risks = [
        Finding::Pregnant,
        Finding::Postpartum,
        Finding::Immunosuppressed,
        Finding::Anticoagulated,
    ];
    grown
        && picture.status(Finding::MinorComplaint) == Some(Status::Present)
        && !picture.suggests(Finding::Aggravating)
        && !picture.suggests(Finding::Fever)
        && !risks.iter().any(|risk| picture.suggests(*risk))
        && tokens
            .iter()
            .enumerate()
            .all(|(at, token)| picture.covers(at) || is_harmless(token))
        && !sprained_without_walking(tokens)
}

/// A sprain is minor only if the patient says that it bears weight.
fn sprained_without_walking(tokens: &[Token<'_>]) -> bool {
    let has = |words: &[&str]| tokens.iter().any(|token| words.contains(&token.text));
    let sprained = has(&["sprain", "sprained", "twisted", "rolled", "扭", "崴"]);
    sprained && !has(&["walk", "bear", "走", "负"])
}

fn is_harmless(token: &Token<'_>) -> bool {
    match token.kind {
        Kind::Number => token.text.parse::<u32>().is_ok_and(|days| days <= MAX_DAYS),
        Kind::Word | Kind::Han => {
            token.class.has(Class::FILLER) || HARMLESS_WORDS.contains(token.text)
        }
        _ => true,
    }
}
