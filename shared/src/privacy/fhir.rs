//! A consultation as a FHIR R4 `Bundle` (<https://hl7.org/fhir/R4/>).
//!
//! | resource | what it holds |
//! |---|---|
//! | `Patient` | the account's id and the sex that was stated; no name: the row has none |
//! | `Encounter` | when, how urgent, and the complaint as its reason |
//! | `Observation` | the age and the history that were stated |
//! | `Condition` | the complaint, and each danger sign that the rules found present; unconfirmed |
//! | `DocumentReference` | the conversation, the report with the assessment, each file |
//!
//! What a model takes for possible causes is no `Condition`, and no condition has a category: a
//! system that reads the bundle might file it as a diagnosis. Nor is a sign that is over or not
//! sure. All of them stand in the report.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use uuid::Uuid;

use crate::consultations::{Consultation, ConsultationStatus, MessageView};
use crate::error::Error;
use crate::identity::TenantId;
use crate::triage::{FlagStatus, Sex, Urgency};
use crate::uploads::UploadView;

/// Identifiers of ours, by what they name.
const CONSULTATIONS: &str = "urn:wenzhen:consultation";
const RED_FLAGS: &str = "urn:wenzhen:red-flag";

/// What a bundle is made of.
pub(super) struct FhirRecord<'r> {
    pub(super) tenant: &'r TenantId,
    pub(super) consultation: &'r Consultation,
    pub(super) messages: &'r [MessageView],
    pub(super) attachments: &'r [UploadView],
    /// In Markdown; none while there is no assessment.
    pub(super) report: Option<&'r str>,
}

/// The resources of one bundle.
#[derive(Default)]
struct Entries(Vec<Value>);

/// What each resource refers to.
struct About {
    patient: Value,
    encounter: Value,
    recorded_at: String,
    /// Whether the patient themself has stated it.
    is_own_word: bool,
}

impl FhirRecord<'_> {
    /// The bundle. It is a `collection`: no document of a clinician.
    pub(super) fn into_bundle(self, now: OffsetDateTime) -> Result<Value, Error> {
        let consultation = self.consultation;
        let mut entries = Entries::default();
        let patient = entries.add(self.patient_id(), self.patient());
        let encounter = entries.add(self.id_of("encounter"), self.encounter(&patient)?);
        let about = About {
            patient,
            encounter,
            recorded_at: instant(consultation.created_at)?,
            is_own_word: consultation.by_patient,
        };

        if let Some(age) = consultation.age {
            entries.add(self.id_of("age"), about.age(age));
        }
        if let Some(history) = &consultation.history {
            entries.add(self.id_of("history"), about.history(history));
        }
        let complaint = about.condition(&json!({ "text": consultation.symptoms }), true);
        entries.add(self.id_of("complaint"), complaint);
        self.add_red_flags(&mut entries, &about);
        self.add_documents(&mut entries, &about)?;

        Ok(json!({
            "resourceType": "Bundle",
            "type": "collection",
            "identifier": { "system": CONSULTATIONS, "value": consultation.id },
            "timestamp": instant(now)?,
            "entry": entries.0,
        }))
    }

    /// The id of one of its resources, which every export gives it.
    fn id_of(&self, name: &str) -> Uuid {
        id_of(&["consultation", &self.consultation.id.to_string(), name])
    }

    /// The same in every export of one person's. Whom a clinician has entered a consultation for is
    /// not known: each such is a person by itself.
    fn patient_id(&self) -> Uuid {
        if self.consultation.by_patient {
            let user = self.consultation.user_id.as_str();
            id_of(&["user", self.tenant.as_str(), user])
        } else {
            self.id_of("patient")
        }
    }

    fn patient(&self) -> Value {
        let gender = match self.consultation.sex {
            Some(Sex::Female) => "female",
            Some(Sex::Male) => "male",
            Some(Sex::Other) => "other",
            None => "unknown",
        };
        let identifier = if self.consultation.by_patient {
            let system = format!("urn:wenzhen:{}:user", self.tenant.as_str());
            json!({ "system": system, "value": self.consultation.user_id })
        } else {
            json!({ "system": CONSULTATIONS, "value": self.consultation.id })
        };
        json!({ "resourceType": "Patient", "identifier": [identifier], "gender": gender })
    }

    fn encounter(&self, patient: &Value) -> Result<Value, Error> {
        let consultation = self.consultation;
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

    /// The danger signs that are there by the patient's words.
    fn add_red_flags(&self, entries: &mut Entries, about: &About) {
        let flags = self.consultation.triage.red_flags.iter();
        for flag in flags.filter(|flag| flag.status == FlagStatus::Present) {
            let label = flag.label(self.consultation.locale).unwrap_or(&flag.code);
            let code = json!({
                "coding": [{ "system": RED_FLAGS, "code": flag.code, "display": label }],
                "text": label,
            });
            let id = self.id_of(&format!("red-flag {}", flag.code));
            entries.add(id, about.condition(&code, false));
        }
    }

    fn add_documents(&self, entries: &mut Entries, about: &About) -> Result<(), Error> {
        let updated_at = instant(self.consultation.updated_at)?;
        let conversation = serde_json::to_string(self.messages).map_err(Error::internal)?;
        let document = about.document(
            "Conversation",
            "application/json",
            &conversation,
            &updated_at,
        );
        entries.add(self.id_of("conversation"), document);
        if let Some(report) = self.report {
            let markdown = "text/markdown; charset=utf-8";
            let document = about.document("Report", markdown, report, &updated_at);
            entries.add(self.id_of("report"), document);
        }
        for file in self.attachments {
            let attachment = json!({
                "contentType": file.content_type.as_str(),
                "title": file.file_name,
                "size": file.size,
                "url": file.link.as_ref().map(|link| &link.url),
                "creation": instant(file.created_at)?,
            });
            let created_at = instant(file.created_at)?;
            let document = about.file_document("Attachment", &attachment, &created_at);
            entries.add(self.id_of(&format!("attachment {}", file.id)), document);
        }
        Ok(())
    }
}

impl Entries {
    /// Adds a resource, and returns how others refer to it.
    fn add(&mut self, id: Uuid, mut resource: Value) -> Value {
        if let Value::Object(fields) = &mut resource {
            fields.insert("id".to_owned(), json!(id));
        }
        let address = format!("urn:uuid:{id}");
        let entry = json!({ "fullUrl": address, "resource": resource });
        self.0.push(entry);
        json!({ "reference": address })
    }
}

impl About {
    /// Something that was told, and nobody has confirmed. The patient asserts what are their own
    /// words, and not what rules have found in them.
    fn condition(&self, code: &Value, is_told: bool) -> Value {
        let system = "http://terminology.hl7.org/CodeSystem/condition-ver-status";
        let mut condition = json!({
            "resourceType": "Condition",
            "verificationStatus": { "coding": [{ "system": system, "code": "unconfirmed" }] },
            "code": code,
            "subject": self.patient,
            "encounter": self.encounter,
            "recordedDate": self.recorded_at,
        });
        if let Value::Object(fields) = &mut condition
            && is_told
            && self.is_own_word
        {
            fields.insert("asserter".to_owned(), self.patient.clone());
        }
        condition
    }

    fn age(&self, years: u8) -> Value {
        let value = json!({
            "value": years, "unit": "years", "system": "http://unitsofmeasure.org", "code": "a",
        });
        self.observation("30525-0", "Age", "valueQuantity", &value)
    }

    fn history(&self, words: &str) -> Value {
        let display = "History of Past illness Narrative";
        self.observation("11348-0", display, "valueString", &json!(words))
    }

    /// What was stated, by its LOINC code.
    fn observation(&self, code: &str, display: &str, value_name: &str, value: &Value) -> Value {
        let system = "http://loinc.org";
        json!({
            "resourceType": "Observation",
            "status": "final",
            "code": { "coding": [{ "system": system, "code": code, "display": display }] },
            "subject": self.patient,
            "encounter": self.encounter,
            "effectiveDateTime": self.recorded_at,
            value_name: value,
        })
    }

    fn document(&self, title: &str, content_type: &str, text: &str, date: &str) -> Value {
        let attachment = json!({
            "contentType": content_type,
            "title": title,
            "size": text.len(),
            "data": STANDARD.encode(text),
        });
        self.file_document(title, &attachment, date)
    }

    fn file_document(&self, kind: &str, attachment: &Value, date: &str) -> Value {
        json!({
            "resourceType": "DocumentReference",
            "status": "current",
            "type": { "text": kind },
            "subject": self.patient,
            "date": date,
            "content": [{ "attachment": attachment }],
            "context": { "encounter": [self.encounter] },
        })
    }
}

/// An id that is made from names: a `UUIDv8` (RFC 9562) of the first bits of their SHA-256.
fn id_of(names: &[&str]) -> Uuid {
    let digest: [u8; 32] = Sha256::digest(names.join("\n")).into();
    let mut bytes = [0; 16];
    bytes
        .iter_mut()
        .zip(digest)
        .for_each(|(to, from)| *to = from);
    uuid::Builder::from_custom_bytes(bytes).into_uuid()
}

/// A FHIR `instant`, to the millisecond.
fn instant(time: OffsetDateTime) -> Result<String, Error> {
    let millisecond = time.millisecond();
    let time = time
        .replace_millisecond(millisecond)
        .map_err(Error::internal)?;
    time.format(&Rfc3339).map_err(Error::internal)
}
