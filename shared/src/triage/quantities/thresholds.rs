//! From which value on a vital sign is a finding, by age.
//!
//! Sources, named in the table by their letter:
//!
//! - N: Royal College of Physicians, National Early Warning Score (NEWS) 2, 2017.
//! - C: 急诊预检分诊专家共识组, "急诊预检分诊专家共识", 中华急诊医学杂志 27 (2018): levels 1 to 3.
//! - A: Whelton et al., 2017 ACC/AHA guideline on high blood pressure; ACOG Practice Bulletin 222
//!   for pregnancy (140/90, severe from 160/110).
//! - B: British Thoracic Society guideline for oxygen use, 2017: 94 % and more, or 88 to 92 % with
//!   a chronic lung disease; NHS advice on home oximeters (92 % and less: ambulance).
//! - P: NICE NG143 and WHO IMCI, fast breathing and pulse of children by age.
//! - G: ADA Standards of Care, glycaemic emergencies: below 3.0 mmol/L; JBDS, hyperosmolar state.
//! - T: NHS, hypothermia (below 35 °C); level 1 of C above 41 °C.

use std::ops::RangeInclusive;

use super::measures::Measure;
use super::vital_sign::VitalSign;
use crate::triage::finding::Finding;

/// The side of the bound that a value of the finding lies on.
#[derive(Debug, Clone, Copy)]
enum Bound {
    AtLeast(u32),
    AtMost(u32),
}

impl Bound {
    fn admits(self, tenths: u32) -> bool {
        match self {
            Self::AtLeast(bound) => tenths >= bound,
            Self::AtMost(bound) => tenths <= bound,
        }
    }
}

struct Threshold {
    sign: VitalSign,
    /// Ages in completed years.
    ages: RangeInclusive<u8>,
    /// In tenths of the sign's unit.
    bound: Bound,
    finding: Finding,
}

const fn threshold(
    sign: VitalSign,
    ages: RangeInclusive<u8>,
    bound: Bound,
    finding: Finding,
) -> Threshold {
    Threshold {
        sign,
        ages,
        bound,
        finding,
    }
}

const ALL: RangeInclusive<u8> = 0..=u8::MAX;
const INFANTS: RangeInclusive<u8> = 0..=0;
const TODDLERS: RangeInclusive<u8> = 1..=4;
const SCHOOLCHILDREN: RangeInclusive<u8> = 5..=11;
const GROWN: RangeInclusive<u8> = 12..=u8::MAX;

const THRESHOLDS: &[Threshold] = &[
    // Upper pressure: N, C; A for the highest.
    threshold(
        VitalSign::Pressure,
        GROWN,
        Bound::AtMost(799),
        Finding::VeryLowPressure,
    ),
    threshold(
        VitalSign::Pressure,
        GROWN,
        Bound::AtMost(900),
        Finding::LowPressure,
    ),
    threshold(
        VitalSign::Pressure,
        TODDLERS,
        Bound::AtMost(700),
        Finding::VeryLowPressure,
    ),
    threshold(
        VitalSign::Pressure,
        SCHOOLCHILDREN,
        Bound::AtMost(750),
        Finding::VeryLowPressure,
    ),
    threshold(
        VitalSign::Pressure,
        ALL,
        Bound::AtLeast(1400),
        Finding::Pressure140,
    ),
    threshold(
        VitalSign::Pressure,
        ALL,
        Bound::AtLeast(1600),
        Finding::Pressure160,
    ),
    threshold(
        VitalSign::Pressure,
        ALL,
        Bound::AtLeast(1800),
        Finding::VeryHighPressure,
    ),
    threshold(
        VitalSign::Pressure,
        ALL,
        Bound::AtLeast(2010),
        Finding::ExtremePressure,
    ),
    threshold(
        VitalSign::LowerPressure,
        ALL,
        Bound::AtLeast(900),
        Finding::Pressure140,
    ),
    threshold(
        VitalSign::LowerPressure,
        ALL,
        Bound::AtLeast(1100),
        Finding::Pressure160,
    ),
    threshold(
        VitalSign::LowerPressure,
        ALL,
        Bound::AtLeast(1200),
        Finding::VeryHighPressure,
    ),
    threshold(
        VitalSign::LowerPressure,
        ALL,
        Bound::AtLeast(1400),
        Finding::ExtremePressure,
    ),
    // Oxygen: B.
    threshold(
        VitalSign::OxygenSaturation,
        ALL,
        Bound::AtMost(949),
        Finding::OxygenBelow95,
    ),
    threshold(
        VitalSign::OxygenSaturation,
        ALL,
        Bound::AtMost(920),
        Finding::OxygenBelow93,
    ),
    threshold(
        VitalSign::OxygenSaturation,
        ALL,
        Bound::AtMost(879),
        Finding::OxygenBelow88,
    ),
    // Pulse: N and C for those grown, P for children.
    threshold(
        VitalSign::Pulse,
        GROWN,
        Bound::AtLeast(1200),
        Finding::FastPulse,
    ),
    threshold(
        VitalSign::Pulse,
        GROWN,
        Bound::AtLeast(1310),
        Finding::VeryFastPulse,
    ),
    threshold(
        VitalSign::Pulse,
        GROWN,
        Bound::AtLeast(1510),
        Finding::ExtremePulse,
    ),
    threshold(
        VitalSign::Pulse,
        SCHOOLCHILDREN,
        Bound::AtLeast(1400),
        Finding::VeryFastPulse,
    ),
    threshold(
        VitalSign::Pulse,
        SCHOOLCHILDREN,
        Bound::AtLeast(1800),
        Finding::ExtremePulse,
    ),
    threshold(
        VitalSign::Pulse,
        TODDLERS,
        Bound::AtLeast(1500),
        Finding::VeryFastPulse,
    ),
    threshold(
        VitalSign::Pulse,
        TODDLERS,
        Bound::AtLeast(1900),
        Finding::ExtremePulse,
    ),
    threshold(
        VitalSign::Pulse,
        INFANTS,
        Bound::AtLeast(1700),
        Finding::VeryFastPulse,
    ),
    threshold(
        VitalSign::Pulse,
        INFANTS,
        Bound::AtLeast(2200),
        Finding::ExtremePulse,
    ),
    threshold(
        VitalSign::Pulse,
        ALL,
        Bound::AtMost(500),
        Finding::SlowPulse,
    ),
    threshold(
        VitalSign::Pulse,
        ALL,
        Bound::AtMost(399),
        Finding::ExtremePulse,
    ),
    // Breathing: N for those grown, P for children.
    threshold(
        VitalSign::Breathing,
        GROWN,
        Bound::AtLeast(250),
        Finding::FastBreathing,
    ),
    threshold(
        VitalSign::Breathing,
        GROWN,
        Bound::AtLeast(300),
        Finding::VeryFastBreathing,
    ),
    threshold(
        VitalSign::Breathing,
        SCHOOLCHILDREN,
        Bound::AtLeast(300),
        Finding::FastBreathing,
    ),
    threshold(
        VitalSign::Breathing,
        SCHOOLCHILDREN,
        Bound::AtLeast(400),
        Finding::VeryFastBreathing,
    ),
    threshold(
        VitalSign::Breathing,
        TODDLERS,
        Bound::AtLeast(400),
        Finding::FastBreathing,
    ),
    threshold(
        VitalSign::Breathing,
        TODDLERS,
        Bound::AtLeast(500),
        Finding::VeryFastBreathing,
    ),
    threshold(
        VitalSign::Breathing,
        INFANTS,
        Bound::AtLeast(500),
        Finding::FastBreathing,
    ),
    threshold(
        VitalSign::Breathing,
        INFANTS,
        Bound::AtLeast(600),
        Finding::VeryFastBreathing,
    ),
    threshold(
        VitalSign::Breathing,
        ALL,
        Bound::AtMost(80),
        Finding::VeryFastBreathing,
    ),
    // Glucose: G.
    threshold(
        VitalSign::Glucose,
        ALL,
        Bound::AtMost(39),
        Finding::LowGlucose,
    ),
    threshold(
        VitalSign::Glucose,
        ALL,
        Bound::AtMost(30),
        Finding::VeryLowGlucose,
    ),
    threshold(
        VitalSign::Glucose,
        ALL,
        Bound::AtLeast(139),
        Finding::RaisedGlucose,
    ),
    threshold(
        VitalSign::Glucose,
        ALL,
        Bound::AtLeast(167),
        Finding::HighGlucose,
    ),
    threshold(
        VitalSign::Glucose,
        ALL,
        Bound::AtLeast(250),
        Finding::VeryHighGlucose,
    ),
    // Glasgow Coma Scale: NICE NG232.
    threshold(
        VitalSign::ComaScale,
        ALL,
        Bound::AtMost(140),
        Finding::LowComaScale,
    ),
];

/// The findings of a value, the milder ones with the worse: a worse value never shows less.
pub(super) fn findings_of(measure: &Measure, age: Option<u8>) -> impl Iterator<Item = Finding> {
    let Measure { sign, tenths, .. } = *measure;
    // A text that tells no age is an adult's: children are named.
    let age = age.unwrap_or(u8::MAX);

    THRESHOLDS
        .iter()
        .filter(move |threshold| {
            threshold.sign == sign
                && threshold.ages.contains(&age)
                && threshold.bound.admits(tenths)
        })
        .map(|threshold| threshold.finding)
}
