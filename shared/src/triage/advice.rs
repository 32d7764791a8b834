//! Texts that the patient is shown besides the red flags.

use super::urgency::Urgency;
use crate::locale::Locale;

/// The next step for a patient of this urgency.
#[must_use]
pub fn advice(urgency: Urgency, locale: Locale) -> &'static str {
    match locale {
        Locale::Zh => advice_zh(urgency),
        Locale::En => advice_en(urgency),
    }
}

fn advice_zh(urgency: Urgency) -> &'static str {
    match urgency {
        Urgency::Emergency => {
            "您描述的情况可能危及生命。请立即拨打120或前往最近的急诊科，\
             不要自行驾车，也不要等待线上回复。"
        }
        Urgency::Urgent => {
            "请在今天之内就医（急诊或当日门诊）。\
             如果症状加重或出现新的不适，请立即拨打120。"
        }
        Urgency::Routine => "请在近几天内预约门诊就诊。如果症状加重或出现新的症状，请尽快就医。",
        Urgency::SelfCare => {
            "目前可以先在家休息和自我护理。如果几天内没有好转，或症状加重，请就医。"
        }
    }
}

fn advice_en(urgency: Urgency) -> &'static str {
    match urgency {
        Urgency::Emergency => {
            "What you describe may be life-threatening. Call your local emergency number (120, \
             112, 911 or 999) or go to the nearest emergency department now. Do not drive \
             yourself and do not wait for an online reply."
        }
        Urgency::Urgent => {
            "Get medical care today, at an urgent care clinic or an emergency department. If you \
             get worse or new symptoms appear, call your local emergency number (120, 112, 911 \
             or 999)."
        }
        Urgency::Routine => {
            "Make an appointment with a doctor in the next few days. If you get worse or new \
             symptoms appear, seek care sooner."
        }
        Urgency::SelfCare => {
            "You can look after this at home for now. If it has not improved within a few days, \
             or gets worse, see a doctor."
        }
    }
}

/// Where a patient of this urgency goes, if nothing more is known.
#[must_use]
pub const fn department(urgency: Urgency, locale: Locale) -> &'static str {
    match (urgency, locale) {
        (Urgency::Emergency, Locale::Zh) => "急诊科",
        (Urgency::Urgent, Locale::Zh) => "急诊科或当日门诊",
        (Urgency::Routine | Urgency::SelfCare, Locale::Zh) => "全科医学科",
        (Urgency::Emergency, Locale::En) => "Emergency department",
        (Urgency::Urgent, Locale::En) => "Urgent care or emergency department",
        (Urgency::Routine | Urgency::SelfCare, Locale::En) => "General practice",
    }
}

/// Says that the answer replaces no doctor.
#[must_use]
pub fn disclaimer(locale: Locale) -> &'static str {
    match locale {
        Locale::Zh => {
            "以上内容仅供参考，不构成医学诊断，也不能代替医生面诊。\
             如有紧急情况，请立即拨打120。"
        }
        Locale::En => {
            "This is general information, not a diagnosis, and does not replace an examination \
             by a doctor. In an emergency, call your local emergency number (120, 112, 911 or \
             999)."
        }
    }
}
