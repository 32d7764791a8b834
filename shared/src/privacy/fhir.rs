//! A consultation as a FHIR R4 `Bundle` (<https://hl7.org/fhir/R4/>).
//!
//! | resource | what it holds |
//! |---|---|
//! | `Patient` | the account's id and the sex that was stated; no name: the row has none |
//! | `Encounter` | when, how urgent, and the complaint as its reason |
//! | `Observation` | the age that was stated |
//! | `Condition` | what the patient stated: the complaint, the history, each danger sign in their words. All of them unconfirmed |
//! | `DocumentReference` | the conversation, and the report with the assessment |
//!
//! What a model takes for possible causes is no `Condition`: a system that reads the bundle might
//! file it as a diagnosis. It stands in the report.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use uuid::Uuid;

use crate::consultations::{Consultation, ConsultationStatus, MessageView};
use crate::error::Error;
use crate::triage::{FlagStatus, RedFlag, Sex, Urgency};

/// Identifiers of ours, by what they name.
const USERS: &str = "urn:wenzhen:user";
const CONSULTATIONS: &str = "urn:wenzhen:consultation";
const RED_FLAGS: &str = "urn:wenzhen:red-flag";

/// The resources of one bundle, each with an id that another export gives it too.
struct Entries {
    consultation: Uuid,
    entries: Vec<Value>,
}

/// The bundle. It is a `collection`: no document of a clinician.
pub(super) fn bundle(
    consultation: &Consultation,
    messages: &[MessageView],
    report: Option<&str>,
    now: OffsetDateTime,
) -> Result<Value, Error> {
    let mut entries = Entries {
        consultation: consultation.id,
        entries: Vec::new(),
    };
    let patient = entries.add(patient(consultation));
    let encounter = entries.add(encounter(consultation, &patient)?);
    let about = About {
        patient,
        encounter,
        recorded_at: instant(consultation.created_at)?,
    };

    entries.add_age(consultation, &about);
    entries.add(about.condition("encounter-diagnosis", &consultation.symptoms, None));
    if let Some(history) = &consultation.history {
        entries.add(about.condition("problem-list-item", history, None));
    }
    for flag in &consultation.triage.red_flags {
        let label = flag.label(consultation.locale).unwrap_or(&flag.code);
        entries.add(about.condition("encounter-diagnosis", label, Some(flag)));
    }

    let conversation = conversation_text(messages)?;
    entries.add(about.document("Conversation", "application/json", &conversation));
    if let Some(report) = report {
        entries.add(about.document("Report", "text/markdown; charset=utf-8", report));
    }

    Ok(json!({
        "resourceType": "Bundle",
        "type": "collection",
        "identifier": { "system": CONSULTATIONS, "value": consultation.id },
        "timestamp": instant(now)?,
        "entry": entries.entries,
    }))
}

impl Entries {
    /// Adds a resource, and returns how others refer to it.
    fn add(&mut self, resource: Value) -> Value {
        let number = self.entries.len() as u128;
        let id = Uuid::from_u128(self.consultation.as_u128().wrapping_add(number));
        let address = format!("urn:uuid:{id}");

        let resource = with(resource, "id", json!(id));
        let entry = json!({ "fullUrl": address, "resource": resource });
        self.entries.push(entry);
        json!({ "reference": address })
    }

    fn add_age(&mut self, consultation: &Consultation, about: &About) {
        let Some(age) = consultation.age else {
            return;
        };
        self.add(json!({
            "resourceType": "Observation",
            "status": "final",
            "code": { "coding": [
                { "system": "http://loinc.org", "code": "30525-0", "display": "Age" },
            ] },
            "subject": about.patient,
            "encounter": about.encounter,
            "effectiveDateTime": about.recorded_at,
            "valueQuantity": {
                "value": age,
                "unit": "years",
                "system": "http://unitsofmeasure.org",
                "code": "a",
            },
        }));
    }
}

/// What each resource refers to.
struct About {
    patient: Value,
    encounter: Value,
    recorded_at: String,
}

impl About {
    /// Something that the patient stated. A danger sign that they were not sure of is provisional.
    fn condition(&self, category: &str, text: &str, flag: Option<&RedFlag>) -> Value {
        let is_uncertain = flag.is_some_and(|flag| flag.status == FlagStatus::Uncertain);
        let verification = if is_uncertain {
            "provisional"
        } else {
            "unconfirmed"
        };
        let code = match flag {
            Some(flag) => json!({
                "coding": [{ "system": RED_FLAGS, "code": flag.code, "display": text }],
                "text": text,
            }),
            None => json!({ "text": text }),
        };

        json!({
            "resourceType": "Condition",
            "clinicalStatus": coding("condition-clinical", "active"),
            "verificationStatus": coding("condition-ver-status", verification),
            "category": [coding("condition-category", category)],
            "code": code,
            "subject": self.patient,
            "encounter": self.encounter,
            "recordedDate": self.recorded_at,
            "asserter": self.patient,
        })
    }

    fn document(&self, title: &str, content_type: &str, text: &str) -> Value {
        json!({
            "resourceType": "DocumentReference",
            "status": "current",
            "type": { "text": title },
            "subject": self.patient,
            "date": self.recorded_at,
            "content": [{ "attachment": {
                "contentType": content_type,
                "title": title,
                "size": text.len(),
                "data": STANDARD.encode(text),
            } }],
            "context": { "encounter": [self.encounter] },
        })
    }
}

fn patient(consultation: &Consultation) -> Value {
    let gender = match consultation.sex {
        Some(Sex::Female) => "female",
        Some(Sex::Male) => "male",
        Some(Sex::Other) => "other",
        None => "unknown",
    };
    json!({
        "resourceType": "Patient",
        "identifier": [{ "system": USERS, "value": consultation.user_id }],
        "gender": gender,
    })
}

fn encounter(consultation: &Consultation, patient: &Value) -> Result<Value, Error> {
    let status = match consultation.status {
        ConsultationStatus::Processing => "in-progress",
        ConsultationStatus::Completed | ConsultationStatus::Failed => "finished",
        ConsultationStatus::Cancelled => "cancelled",
    };
    let priority = match consultation.urgency {
        Urgency::Emergency => "EM",
        Urgency::Urgent => "UR",
        Urgency::Routine | Urgency::SelfCare => "R",
    };
    let start = instant(consultation.created_at)?;
    let period = match consultation.status {
        ConsultationStatus::Processing => json!({ "start": start }),
        _ => json!({ "start": start, "end": instant(consultation.updated_at)? }),
    };

    Ok(json!({
        "resourceType": "Encounter",
        "identifier": [{ "system": CONSULTATIONS, "value": consultation.id }],
        "status": status,
        "class": {
            "system": "http://terminology.hl7.org/CodeSystem/v3-ActCode",
            "code": "VR",
            "display": "virtual",
        },
        "priority": { "coding": [{
            "system": "http://terminology.hl7.org/CodeSystem/v3-ActPriority",
            "code": priority,
        }] },
        "subject": patient,
        "period": period,
        "reasonCode": [{ "text": consultation.symptoms }],
    }))
}

/// A resource with one more field.
fn with(mut resource: Value, name: &str, value: Value) -> Value {
    if let Value::Object(fields) = &mut resource {
        fields.insert(name.to_owned(), value);
    }
    resource
}

/// A code of a system of HL7's own.
fn coding(system: &str, code: &str) -> Value {
    let system = format!("http://terminology.hl7.org/CodeSystem/{system}");
    json!({ "coding": [{ "system": system, "code": code }] })
}

/// A FHIR `instant`, to the millisecond.
fn instant(time: OffsetDateTime) -> Result<String, Error> {
    let millisecond = time.millisecond();
    let time = time
        .replace_millisecond(millisecond)
        .map_err(Error::internal)?;
    time.format(&Rfc3339).map_err(Error::internal)
}

fn conversation_text(messages: &[MessageView]) -> Result<String, Error> {
    serde_json::to_string(messages).map_err(Error::internal)
}
