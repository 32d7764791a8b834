//! All metrics: how events are called in CloudWatch and series in Prometheus, and what they mean.

/// One metric of the fleet.
pub struct Metric {
    /// Its name in CloudWatch; empty for those that CloudWatch has from AWS' own services.
    pub event: &'static str,
    /// Its name in Prometheus.
    pub name: &'static str,
    /// What it counts.
    pub help: &'static str,
    /// Its labels, in their order.
    pub labels: &'static [&'static str],
    /// The upper bounds of a histogram's buckets but the last; none for a counter.
    pub buckets: &'static [u64],
}

const fn counter(
    event: &'static str,
    name: &'static str,
    labels: &'static [&'static str],
    help: &'static str,
) -> Metric {
    Metric {
        event,
        name,
        help,
        labels,
        buckets: &[],
    }
}

/// Milliseconds of an HTTP call.
const CALL_BUCKETS: &[u64] = &[10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000];

/// Milliseconds of a model's answer or a job.
const WORK_BUCKETS: &[u64] = &[
    100, 250, 500, 1_000, 2_500, 5_000, 10_000, 30_000, 60_000, 120_000,
];

/// Calls of routes.
pub static HTTP_REQUESTS: Metric = counter(
    "",
    "http_requests_total",
    &["method", "path", "status"],
    "Calls that a function answered, by the route's template",
);

/// What a canary looks at. In CloudWatch it is by the function's version too.
pub static FUNCTION_FAILURES: Metric = counter(
    "FunctionFailed",
    "function_failures_total",
    &["function"],
    "Answers with a 5xx, and batches of which messages have to come again",
);

/// How long calls take.
pub static HTTP_REQUEST_DURATION: Metric = Metric {
    event: "",
    name: "http_request_duration_ms",
    help: "From a call's arrival in its function to its answer, or to the start of a stream",
    labels: &["method", "path"],
    buckets: CALL_BUCKETS,
};

/// Requests to providers.
pub static AI_CALLS: Metric = counter(
    "",
    "ai_calls_total",
    &["provider", "model", "status"],
    "Requests to a tier's provider: ok, or the kind of the fault",
);

/// How long jobs run.
pub static JOB_DURATION: Metric = Metric {
    event: "",
    name: "job_duration_ms",
    help: "How long runs of jobs took",
    labels: &["kind"],
    buckets: WORK_BUCKETS,
};

/// Triage's verdicts.
pub static TRIAGE_VERDICTS: Metric = counter(
    "",
    "triage_verdicts_total",
    &["urgency"],
    "Verdicts of the rules on complaints that were sent",
);

/// Messages of jobs.
pub static OUTBOX_SENT: Metric = counter(
    "",
    "outbox_sent_total",
    &[],
    "Messages that were sent from the outbox",
);

/// Environments.
pub static COLD_STARTS: Metric = counter(
    "",
    "cold_starts_total",
    &["function"],
    "Execution environments that were started",
);

/// Those of which events are counted by name, in the order of the modules that count them.
static COUNTED: &[Metric] = &[
    counter(
        "LimitRefused",
        "limit_refusals_total",
        &["limit"],
        "Calls that a limit refused",
    ),
    counter(
        "LimiterAlone",
        "limiter_alone_total",
        &["mode"],
        "Calls whose limits were decided without Valkey",
    ),
    counter(
        "CacheRead",
        "cache_reads_total",
        &["kind", "level"],
        "Reads through the cache, by the level that had the value",
    ),
    counter(
        "ValkeyGone",
        "valkey_gone_total",
        &[],
        "Times that an environment lost Valkey",
    ),
    counter(
        "BreakerAlone",
        "breaker_alone_total",
        &["circuit"],
        "Reports that a circuit kept to one environment, without Valkey",
    ),
    counter(
        "CircuitChanged",
        "circuit_changes_total",
        &["circuit", "to"],
        "Changes of a circuit's phase",
    ),
    counter(
        "ClientBarred",
        "clients_barred_total",
        &["circuit", "kind"],
        "Tenants and users that a circuit began to leave out",
    ),
    counter(
        "AiFault",
        "ai_faults_total",
        &["tier", "fault"],
        "Faults of models",
    ),
    counter(
        "EmbeddingFault",
        "embedding_faults_total",
        &["tier", "fault"],
        "Faults of embedding models",
    ),
    counter(
        "VectorStoreFault",
        "vector_store_faults_total",
        &["tier", "fault"],
        "Faults of the vector store",
    ),
    counter(
        "RerankFault",
        "rerank_faults_total",
        &["tier", "fault"],
        "Faults of rerankers",
    ),
    counter(
        "RepairTurn",
        "repair_turns_total",
        &["tier", "outcome"],
        "Answers that a model was asked to mend",
    ),
    counter(
        "ToolSession",
        "tool_sessions_total",
        &["tier", "outcome"],
        "Conversations with a model that may call tools",
    ),
    counter(
        "ToolMistake",
        "tool_mistakes_total",
        &["tier", "reason"],
        "Calls of tools that were wrong",
    ),
    counter(
        "StreamResumed",
        "streams_resumed_total",
        &["tier", "outcome"],
        "Streams that a tier was asked to go on with",
    ),
    counter(
        "PromptTokens",
        "prompt_tokens_total",
        &["tier"],
        "Tokens that models read",
    ),
    counter(
        "CachedPromptTokens",
        "cached_prompt_tokens_total",
        &["tier"],
        "Of those, tokens that a provider had cached",
    ),
    counter(
        "CompletionTokens",
        "completion_tokens_total",
        &["tier"],
        "Tokens that models wrote",
    ),
    counter(
        "AnswerRepair",
        "answer_repairs_total",
        &["kind"],
        "Assessments that could be read after a repair",
    ),
    counter(
        "CitationKept",
        "citations_kept_total",
        &[],
        "Citations of passages that a model was given",
    ),
    counter(
        "CitationDropped",
        "citations_dropped_total",
        &[],
        "Citations of what a model was not given",
    ),
    counter(
        "AttachmentUnread",
        "attachments_unread_total",
        &[],
        "Attachments that could not be read for a model",
    ),
    counter(
        "PastConsultations",
        "past_consultations_total",
        &["outcome"],
        "Looks into a patient's earlier consultations",
    ),
    counter(
        "GuidanceSearch",
        "guidance_searches_total",
        &["outcome"],
        "Searches for passages before a model is asked",
    ),
    counter(
        "KnowledgeSearch",
        "knowledge_searches_total",
        &["outcome"],
        "Searches of the knowledge base: whole, or why not",
    ),
    counter(
        "KnowledgeRerank",
        "knowledge_reranks_total",
        &["outcome"],
        "Results that a reranker was asked to order",
    ),
    counter(
        "VectorStoreSearch",
        "vector_store_searches_total",
        &["outcome"],
        "Searches of the vector store",
    ),
    counter(
        "VectorStoreBehind",
        "vector_store_behind_total",
        &[],
        "Times that the vector store was found behind",
    ),
    counter(
        "DocumentWithoutVectors",
        "documents_without_vectors_total",
        &["reason"],
        "Documents that were kept without vectors",
    ),
    counter(
        "JobCompleted",
        "jobs_completed_total",
        &["kind"],
        "Jobs that were completed",
    ),
    counter(
        "JobFailed",
        "jobs_failed_total",
        &["kind"],
        "Jobs that have failed for good",
    ),
    counter(
        "JobRetried",
        "jobs_retried_total",
        &["kind"],
        "Runs of jobs that failed and come again",
    ),
    counter(
        "JobDeferred",
        "jobs_deferred_total",
        &["kind"],
        "Runs of jobs that were put off until a model is there",
    ),
    counter(
        "JobCancelled",
        "jobs_cancelled_total",
        &["kind"],
        "Jobs that were cancelled",
    ),
    counter(
        "JobMessageUnreadable",
        "job_messages_unreadable_total",
        &[],
        "Messages that no parser understood",
    ),
    counter(
        "JobMessageQuarantined",
        "job_messages_quarantined_total",
        &[],
        "Messages that were put into quarantine",
    ),
    counter(
        "OutboxFailed",
        "outbox_failed_total",
        &[],
        "Messages that the queue did not take",
    ),
    counter(
        "TraceExport",
        "trace_exports_total",
        &["outcome"],
        "Requests with spans to the service that takes them",
    ),
    counter(
        "ReaderCall",
        "reader_calls_total",
        &["outcome"],
        "Reads that were sent to a reader of the database",
    ),
    counter(
        "UploadVerified",
        "uploads_verified_total",
        &["outcome"],
        "Uploads that were verified: kept, or why not",
    ),
    counter(
        "UploadMessageUnreadable",
        "upload_messages_unreadable_total",
        &[],
        "Messages of the uploads' queue that could not be read",
    ),
    counter(
        "UploadRemovalFailed",
        "upload_removals_failed_total",
        &[],
        "Files that have to be removed later",
    ),
    counter(
        "PdfTextRead",
        "pdf_texts_read_total",
        &["outcome"],
        "PDFs whose text was read",
    ),
    counter(
        "PushFailed",
        "pushes_failed_total",
        &["reason"],
        "Pushes to followers that failed",
    ),
    counter(
        "ConnectionGone",
        "connections_gone_total",
        &[],
        "Followers that were gone when something was pushed",
    ),
    counter(
        "ConnectionExpired",
        "connections_expired_total",
        &[],
        "Connections that were ended with their token",
    ),
    counter(
        "AccessUnchecked",
        "access_unchecked_total",
        &[],
        "Calls whose caller's access could not be checked",
    ),
    counter(
        "AccessPublishFailed",
        "access_publishes_failed_total",
        &[],
        "Changes of access that could not be published",
    ),
    counter(
        "RetentionBehind",
        "retention_behind_total",
        &[],
        "Nights on which old records were left",
    ),
    counter(
        "RetentionFailed",
        "retention_failed_total",
        &[],
        "Tenants whose old records could not be erased",
    ),
];

/// The metric of which events are counted by this name.
pub(super) fn find(event: &str) -> Option<&'static Metric> {
    COUNTED.iter().find(|metric| metric.event == event)
}

/// All metrics.
pub fn all() -> impl Iterator<Item = &'static Metric> {
    let by_themselves = [
        &HTTP_REQUESTS,
        &HTTP_REQUEST_DURATION,
        &FUNCTION_FAILURES,
        &AI_CALLS,
        &JOB_DURATION,
        &TRIAGE_VERDICTS,
        &OUTBOX_SENT,
        &COLD_STARTS,
    ];
    by_themselves.into_iter().chain(COUNTED)
}
