//! The names of the answer's fields, as models write them.

use super::text::fold_name;

/// A field of the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Field {
    Summary,
    PossibleCauses,
    Urgency,
    RedFlags,
    RecommendedActions,
    Questions,
    RecommendedDepartment,
    ChiefComplaint,
    PresentIllness,
    PastHistory,
    Findings,
}

/// The longest key that is looked up, in bytes.
const MAX_KEY_BYTES: usize = 60;

/// The names, folded, of each field. A name that could mean two fields is in none.
const NAMES: [(Field, &[&str]); 11] = [
    (
        Field::Summary,
        &[
            "summary",
            "摘要",
            "总结",
            "總結",
            "概述",
            "概要",
            "小结",
            "病情摘要",
            "病情概述",
            "病情总结",
        ],
    ),
    (
        Field::PossibleCauses,
        &[
            "possiblecauses",
            "possiblecause",
            "causes",
            "可能原因",
            "可能的原因",
            "可能病因",
            "可能的病因",
            "病因",
        ],
    ),
    (
        Field::Urgency,
        &[
            "urgency",
            "urgencylevel",
            "紧急程度",
            "緊急程度",
            "紧急性",
            "紧急度",
            "紧急级别",
            "紧急等级",
            "紧迫程度",
            "就医紧急程度",
        ],
    ),
    (
        Field::RedFlags,
        &[
            "redflags",
            "redflag",
            "危险信号",
            "危險信號",
            "危险征兆",
            "危险征象",
            "危险体征",
            "警示信号",
            "警示症状",
            "红旗征",
            "红旗信号",
            "红旗征象",
        ],
    ),
    (
        Field::RecommendedActions,
        &[
            "recommendedactions",
            "recommendedaction",
            "recommendations",
            "actions",
            "建议",
            "建議",
            "建议措施",
            "建议行动",
            "推荐措施",
            "推荐行动",
            "处理建议",
            "就医建议",
            "行动建议",
        ],
    ),
    (
        Field::Questions,
        &[
            "questions",
            "question",
            "followupquestions",
            "问题",
            "問題",
            "追问",
            "提问",
            "追问问题",
            "后续问题",
            "需要询问的问题",
            "待询问问题",
        ],
    ),
    (
        Field::RecommendedDepartment,
        &[
            "recommendeddepartment",
            "department",
            "推荐科室",
            "建议科室",
            "就诊科室",
            "科室",
        ],
    ),
    (Field::ChiefComplaint, &["chiefcomplaint", "主诉"]),
    (
        Field::PresentIllness,
        &["presentillness", "historyofpresentillness", "现病史"],
    ),
    (Field::PastHistory, &["pasthistory", "既往史"]),
    (Field::Findings, &["findings", "阳性发现", "检查所见"]),
];

impl Field {
    /// The name that the schema gives it.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Summary => "summary",
            Self::PossibleCauses => "possible_causes",
            Self::Urgency => "urgency",
            Self::RedFlags => "red_flags",
            Self::RecommendedActions => "recommended_actions",
            Self::Questions => "questions",
            Self::RecommendedDepartment => "recommended_department",
            Self::ChiefComplaint => "chief_complaint",
            Self::PresentIllness => "present_illness",
            Self::PastHistory => "past_history",
            Self::Findings => "findings",
        }
    }

    /// The field that a key means, if it means one.
    pub(super) fn of_key(key: &str) -> Option<Self> {
        if key.len() > MAX_KEY_BYTES {
            return None;
        }

        let key = fold_name(key);
        let mut fields = NAMES.iter();
        let (field, _) = fields.find(|(_, names)| names.contains(&&*key))?;
        Some(*field)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_is_found_by_any_spelling_of_its_name() {
        let keys = [
            ("summary", Field::Summary),
            ("Summary", Field::Summary),
            ("possibleCauses", Field::PossibleCauses),
            ("possible-causes", Field::PossibleCauses),
            ("Possible Causes", Field::PossibleCauses),
            ("URGENCY", Field::Urgency),
            ("**red_flags**", Field::RedFlags),
            ("紧急程度", Field::Urgency),
            ("\u{feff}建议", Field::RecommendedActions),
        ];
        for (key, field) in keys {
            assert_eq!(Field::of_key(key), Some(field), "{key}");
        }

        for key in [
            "",
            "severity",
            "name",
            "text",
            "紧急",
            "信号",
            "not urgency",
        ] {
            assert_eq!(Field::of_key(key), None, "{key}");
        }
    }

    #[test]
    fn no_name_means_two_fields() {
        let mut names: Vec<_> = NAMES.iter().flat_map(|(_, names)| *names).collect();
        let count = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), count);

        for (field, names) in NAMES {
            for name in names {
                assert_eq!(fold_name(name), *name, "the table has folded names");
                assert_eq!(Field::of_key(name), Some(field), "{name}");
            }
        }
    }
}
