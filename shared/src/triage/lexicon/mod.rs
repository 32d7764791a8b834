//! Findings and the words for them, in both languages.

use std::sync::LazyLock;

use super::pattern::{Found, PatternSet};
use super::text::Token;

mod acute;
mod background;
mod body;
mod general;

/// The words for one finding; see [`super::pattern`] for the pattern language.
pub(super) struct Lexeme {
    pub(super) sign: Sign,
    pub(super) zh: &'static [&'static str],
    pub(super) en: &'static [&'static str],
}

const fn lexeme(sign: Sign, zh: &'static [&'static str], en: &'static [&'static str]) -> Lexeme {
    Lexeme { sign, zh, en }
}

macro_rules! signs {
    ($($name:ident),* $(,)?) => {
        /// A finding that a text can state, leave open, deny, or not mention.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(super) enum Sign { $($name),* }

        impl Sign {
            /// How many there are.
            pub(super) const COUNT: usize = [$(stringify!($name)),*].len();
        }
    };
}

signs! {
    // Heart, lungs, vessels.
    ChestPain, ChestPressure, Radiation, Sweating, Breathless, SevereBreathless, BlueLips, Choking,
    HeartAttack, Faint, CoughBlood, LegSwelling, CardiacArrest, ColdPaleLimb, PainOnBreathing,
    // Allergy.
    AirwaySwelling, AllergicTrigger, Hives, AnaphylaxisNamed,
    // Nerves, head, eyes.
    Unconscious, FaceDroop, LimbWeakness, SlurredSpeech, StrokeNamed, VisionLoss, Thunderclap, Headache,
    Seizure, LongSeizure, StiffNeck, Rash, NonBlanching, MeningitisNamed, Confusion, SaddleNumbness,
    Incontinence, BackPain, LegWeakness, EyePainSevere, HeadInjury,
    // Abdomen, urinary tract.
    AbdominalPain, SevereAbdominalPain, RigidAbdomen, VomitBlood, BlackStool, RectalBleeding,
    Vomiting, TesticularPain, UrinaryRetention,
    // Pregnancy and after.
    VaginalBleeding, LessFetalMovement, VisualDisturbance, FaceHandSwelling, UpperAbdominalPain,
    HeavyBleeding, FoulDischarge, MissedPeriod,
    // Infection, children.
    Fever, HighFever, Rigors, MottledSkin, SepsisNamed, NoUrine, UnableToDrink, Lethargic,
    LabouredChildBreathing, Newborn, Infant, Child,
    // Mind, poisons, metabolism, environment.
    Suicidal, SelfHarm, Overdose, Poisoning, CarbonMonoxide, HyperglycaemiaSigns, FruityBreath,
    HighSugar, LowSugar, HeatExposure, HeatStroke, SevereBurn, ElectricShock, SnakeBite, AnimalBite,
    // Background.
    Pregnant, Postpartum, Immunosuppressed, Anticoagulant, Diabetes, HeartDisease, Healthy,
    // Minor complaints, and what speaks against them.
    MinorComplaint, Aggravating,
}

impl Sign {
    /// Whether the finding is a lasting state, for which "history of" means yes.
    pub(super) fn is_background(self) -> bool {
        matches!(
            self,
            Self::Pregnant
                | Self::Postpartum
                | Self::Immunosuppressed
                | Self::Anticoagulant
                | Self::Diabetes
                | Self::HeartDisease
                | Self::Healthy
        )
    }
}

/// Every lexeme of every area.
pub(super) fn lexemes() -> impl Iterator<Item = &'static Lexeme> {
    [acute::LEXEMES, body::LEXEMES, general::LEXEMES, background::LEXEMES].into_iter().flatten()
}

static PATTERNS: LazyLock<PatternSet<Sign>> = LazyLock::new(|| {
    let sources = lexemes()
        .flat_map(|lexeme| lexeme.zh.iter().chain(lexeme.en).map(|pattern| (lexeme.sign, *pattern)));
    PatternSet::compile(sources)
});

/// Every mention of a finding, in the order of the text.
pub(super) fn mentions(tokens: &[Token<'_>]) -> Vec<Found<Sign>> {
    PATTERNS.find(tokens)
}
