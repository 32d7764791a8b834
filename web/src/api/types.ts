import type { components, operations } from './schema';

/** The API's own types, by the names that the client calls them. */
type Schemas = components['schemas'];

export type Accepted = Schemas['Accepted'];
export type Answer = Schemas['Answer'];
export type Answered = Schemas['AnsweredView'];
export type Assessment = Schemas['Assessment'];
export type AuditEvent = Schemas['AuditEvent'];
export type Citation = Schemas['Citation'];
export type Circuit = Schemas['CircuitHealth'];
export type ComponentStatus = Schemas['ComponentStatus'];
export type Consultation = Schemas['ConsultationView'];
export type ConsultationStatus = Schemas['ConsultationStatus'];
export type ConsultationSummary = Schemas['ConsultationSummary'];
export type DoctorNote = Schemas['DoctorNote'];
export type DocumentRequest = Schemas['DocumentRequest'];
export type FoundPassage = Schemas['FoundPassage'];
export type HealthReport = Schemas['HealthReport'];
export type LimitView = Schemas['LimitView'];
export type ImportRequest = Schemas['ImportRequest'];
export type ImportResult = Schemas['ImportResult'];
export type Job = Schemas['JobView'];
export type ListedDocument = Schemas['ListedDocument'];
export type ListedUser = Schemas['ListedUser'];
export type Locale = Schemas['Locale'];
export type Me = Schemas['Me'];
export type Message = Schemas['MessageView'];
export type NewConsultation = Schemas['NewConsultation'];
export type NewReview = Schemas['NewReview'];
export type NewUser = Schemas['NewUser'];
export type Question = Schemas['QuestionView'];
export type PartLinks = Schemas['PartLinks'];
export type RedFlag = Schemas['RedFlagView'];
export type Redriven = Schemas['RedrivenView'];
export type RejectionReason = Schemas['RejectionReason'];
export type Review = Schemas['ReviewView'];
export type Role = Schemas['Role'];
export type SearchResult = Schemas['SearchResult'];
export type Sex = Schemas['Sex'];
export type TraceStep = Schemas['TraceStep'];
export type Turn = Schemas['TurnTrace'];
export type Upload = Schemas['UploadView'];
export type AcceptedUpload = Schemas['AcceptedUpload'];
export type UploadRequest = Schemas['UploadRequest'];
export type Urgency = Schemas['Urgency'];

/** What a list of consultations shows, in which order: all, the newest first, if left out. */
export type Listing = Pick<
  NonNullable<operations['listConsultations']['parameters']['query']>,
  'order' | 'reviewed' | 'urgency'
>;

/** One page of a list; `next_cursor` is absent on the last one. */
export interface Page<Item> {
  items: Item[];
  next_cursor?: string | null;
}
