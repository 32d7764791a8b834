//! The words by which a text names a vital sign.

use std::sync::LazyLock;

use foldhash::{HashMap, HashMapExt};

use crate::triage::tokens::{Token, TokenKind, text_at};

/// A quantity of the body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum VitalSign {
    /// In mmHg; the lower one may follow.
    Pressure,
    /// In mmHg.
    LowerPressure,
    /// In per cent.
    OxygenSaturation,
    /// Beats a minute.
    Pulse,
    /// Breaths a minute.
    Breathing,
    /// In mmol/L or mg/dL.
    Glucose,
    /// Glasgow Coma Scale, 3 to 15.
    ComaScale,
}

/// A name of a vital sign: its words as the tokeniser cuts them, parted by spaces.
type CueName = (&'static str, VitalSign);

/// Of several that fit the longest counts.
const CUES: &[CueName] = &[
    ("blood pressure", VitalSign::Pressure),
    ("systolic", VitalSign::Pressure),
    ("sbp", VitalSign::Pressure),
    ("bp", VitalSign::Pressure),
    ("b / p", VitalSign::Pressure),
    ("top number", VitalSign::Pressure),
    ("upper number", VitalSign::Pressure),
    ("血 压", VitalSign::Pressure),
    ("收 缩 压", VitalSign::Pressure),
    ("高 压", VitalSign::Pressure),
    ("上 压", VitalSign::Pressure),
    ("diastolic", VitalSign::LowerPressure),
    ("bottom number", VitalSign::LowerPressure),
    ("lower number", VitalSign::LowerPressure),
    ("舒 张 压", VitalSign::LowerPressure),
    ("低 压", VitalSign::LowerPressure),
    ("下 压", VitalSign::LowerPressure),
    ("pulse oximeter", VitalSign::OxygenSaturation),
    ("pulse oximetry", VitalSign::OxygenSaturation),
    ("pulse ox", VitalSign::OxygenSaturation),
    ("oximeter", VitalSign::OxygenSaturation),
    ("oxygen saturation", VitalSign::OxygenSaturation),
    ("oxygen saturations", VitalSign::OxygenSaturation),
    ("oxygen level", VitalSign::OxygenSaturation),
    ("oxygen levels", VitalSign::OxygenSaturation),
    ("o 2 sats", VitalSign::OxygenSaturation),
    ("o 2 sat", VitalSign::OxygenSaturation),
    ("o 2", VitalSign::OxygenSaturation),
    ("sp o 2", VitalSign::OxygenSaturation),
    ("spo 2", VitalSign::OxygenSaturation),
    ("sao 2", VitalSign::OxygenSaturation),
    ("saturation", VitalSign::OxygenSaturation),
    ("saturations", VitalSign::OxygenSaturation),
    ("sats", VitalSign::OxygenSaturation),
    ("sat", VitalSign::OxygenSaturation),
    ("satting", VitalSign::OxygenSaturation),
    ("saturating", VitalSign::OxygenSaturation),
    ("oxygen", VitalSign::OxygenSaturation),
    ("血 氧", VitalSign::OxygenSaturation),
    ("指 脉 氧", VitalSign::OxygenSaturation),
    ("指 氧", VitalSign::OxygenSaturation),
    ("氧 合", VitalSign::OxygenSaturation),
    ("氧 饱 和 度", VitalSign::OxygenSaturation),
    ("饱 和 度", VitalSign::OxygenSaturation),
    ("heart rate", VitalSign::Pulse),
    ("heart beat", VitalSign::Pulse),
    ("heartbeat", VitalSign::Pulse),
    ("heart", VitalSign::Pulse),
    ("pulse rate", VitalSign::Pulse),
    ("pulse", VitalSign::Pulse),
    ("hr", VitalSign::Pulse),
    ("心 率", VitalSign::Pulse),
    ("心 跳", VitalSign::Pulse),
    ("脉 搏", VitalSign::Pulse),
    ("脉 率", VitalSign::Pulse),
    ("respiratory rate", VitalSign::Breathing),
    ("resp rate", VitalSign::Breathing),
    ("breathing rate", VitalSign::Breathing),
    ("respirations", VitalSign::Breathing),
    ("respiration", VitalSign::Breathing),
    ("resps", VitalSign::Breathing),
    ("resp", VitalSign::Breathing),
    ("rr", VitalSign::Breathing),
    ("breathing", VitalSign::Breathing),
    ("breaths", VitalSign::Breathing),
    ("breathes", VitalSign::Breathing),
    ("呼 吸 频 率", VitalSign::Breathing),
    ("呼 吸", VitalSign::Breathing),
    ("喘 气", VitalSign::Breathing),
    ("blood sugar", VitalSign::Glucose),
    ("blood sugars", VitalSign::Glucose),
    ("blood glucose", VitalSign::Glucose),
    ("glucose", VitalSign::Glucose),
    ("sugar", VitalSign::Glucose),
    ("sugars", VitalSign::Glucose),
    ("bgl", VitalSign::Glucose),
    ("bg", VitalSign::Glucose),
    ("bm", VitalSign::Glucose),
    ("cbg", VitalSign::Glucose),
    ("fingerstick", VitalSign::Glucose),
    ("血 糖", VitalSign::Glucose),
    ("glasgow coma scale", VitalSign::ComaScale),
    ("glasgow", VitalSign::ComaScale),
    ("gcs", VitalSign::ComaScale),
];

/// A name of a vital sign in a text.
#[derive(Debug, Clone, Copy)]
pub(super) struct VitalCue {
    pub(super) sign: VitalSign,
    /// Position of the token behind the name.
    pub(super) end: usize,
}

/// A name, cut into its words.
#[derive(Debug)]
struct CueWords {
    words: Vec<&'static str>,
    sign: VitalSign,
}

/// The names by their first word.
static CUES_BY_WORD: LazyLock<HashMap<&'static str, Vec<CueWords>>> = LazyLock::new(|| {
    let mut cues: HashMap<&'static str, Vec<CueWords>> = HashMap::new();

    for (name, sign) in CUES {
        let words: Vec<&'static str> = name.split(' ').collect();
        let Some(first) = words.first() else {
            continue;
        };
        let sign = *sign;
        cues.entry(first)
            .or_default()
            .push(CueWords { words, sign });
    }
    cues
});

/// The longest name of a vital sign that stands at `at`.
pub(super) fn cue_at(tokens: &[Token<'_>], at: usize) -> Option<VitalCue> {
    // "3 hr 54": the third hour of a test.
    let before = at.checked_sub(1).and_then(|before| tokens.get(before));
    let follows_number = before.is_some_and(|token| token.kind == TokenKind::Number);
    if text_at(tokens, at) == "hr" && follows_number {
        return None;
    }

    let begins_alike = CUES_BY_WORD.get(text_at(tokens, at))?.iter();
    let found = begins_alike.filter(|cue| {
        let mut words = cue.words.iter().enumerate();
        words.all(|(number, word)| text_at(tokens, at + number) == *word)
    });
    let longest = found.max_by_key(|cue| cue.words.len())?;
    Some(VitalCue {
        sign: longest.sign,
        end: at + longest.words.len(),
    })
}
