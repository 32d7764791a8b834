//! Which actions of IAM the operations of the SDKs need, and what they are about: the tables of
//! `calls.rs`.

/// An operation of an SDK, and the actions that IAM asks for.
pub(super) struct ActionRow {
    pub(super) service: &'static str,
    pub(super) operation: &'static str,
    pub(super) actions: &'static [&'static str],
}

const fn row(
    service: &'static str,
    operation: &'static str,
    actions: &'static [&'static str],
) -> ActionRow {
    ActionRow {
        service,
        operation,
        actions,
    }
}

/// Source: "Actions, resources, and condition keys for AWS services", service authorization
/// reference; for S3 "Required permissions for Amazon S3 API operations", Amazon S3 user guide.
pub(super) const ACTIONS: &[ActionRow] = &[
    row("sqs", "send_message", &["sqs:SendMessage"]),
    row("sqs", "send_message_batch", &["sqs:SendMessage"]),
    row("sqs", "get_queue_attributes", &["sqs:GetQueueAttributes"]),
    row(
        "sqs",
        "change_message_visibility_batch",
        &["sqs:ChangeMessageVisibility"],
    ),
    row("dynamodb", "query", &["dynamodb:Query"]),
    row("dynamodb", "get_item", &["dynamodb:GetItem"]),
    row("dynamodb", "put_item", &["dynamodb:PutItem"]),
    row("dynamodb", "update_item", &["dynamodb:UpdateItem"]),
    row("dynamodb", "delete_item", &["dynamodb:DeleteItem"]),
    row("dynamodb", "batch_write_item", &["dynamodb:BatchWriteItem"]),
    // Without the second one an object that is not there is a 403, and not a 404.
    row("s3", "get_object", &["s3:GetObject", "s3:ListBucket"]),
    row("s3", "head_object", &["s3:GetObject", "s3:ListBucket"]),
    row("s3", "put_object", &["s3:PutObject"]),
    row("s3", "copy_object", &["s3:GetObject", "s3:PutObject"]),
    row("s3", "delete_object", &["s3:DeleteObject"]),
    row("s3", "delete_objects", &["s3:DeleteObject"]),
    row("s3", "list_objects_v2", &["s3:ListBucket"]),
    row("s3", "create_multipart_upload", &["s3:PutObject"]),
    row("s3", "complete_multipart_upload", &["s3:PutObject"]),
    row("s3", "abort_multipart_upload", &["s3:AbortMultipartUpload"]),
    row(
        "s3",
        "list_multipart_uploads",
        &["s3:ListBucketMultipartUploads"],
    ),
    row("s3", "list_parts", &["s3:ListMultipartUploadParts"]),
    row(
        "cloudfront",
        "create_invalidation",
        &["cloudfront:CreateInvalidation"],
    ),
    row(
        "apigatewaymanagement",
        "post_to_connection",
        &["execute-api:ManageConnections"],
    ),
    row(
        "apigatewaymanagement",
        "delete_connection",
        &["execute-api:ManageConnections"],
    ),
    // Which secret it is depends on who reads it: SIGNERS_AND_READERS.
    row("secretsmanager", "get_secret_value", &[]),
];

/// What is signed here and made by others. Whoever uses it needs what its signer may.
pub(super) const SIGNED_ACTIONS: &[ActionRow] = &[
    row("s3", "get_object", &["s3:GetObject"]),
    row("s3", "upload_part", &["s3:PutObject"]),
];

/// A link that nobody opens: the bucket's address is taken out of it.
pub(super) const UNOPENED_LINK: &str = "UploadBucket::address";

/// The types that hold a client, and the things of the template that it is asked about.
pub(super) const HOLDERS: &[(&str, &[&str])] = &[
    ("Queue", &["JobsQueue", "DeadLetterQueue", "UploadsQueue"]),
    ("ScanQueue", &["ScanQueueArn"]),
    ("Transcripts", &["TranscriptsTable"]),
    ("Connections", &["ConnectionsTable"]),
    ("Bucket", &["ReportsBucket"]),
    ("UploadBucket", &["UploadsBucket"]),
    ("Invalidations", &["UploadsDistribution"]),
    ("Gateway", &["SocketApi"]),
    ("Secrets", &[]),
];

/// A method that needs a permission for what no SDK shows: it signs by itself, or it reads a secret
/// that is a thing of its own.
pub(super) struct MethodRow {
    pub(super) method: &'static str,
    /// Empty if another method that it takes has them, or if they are among [`OF_NEARLY_ALL`].
    pub(super) permissions: &'static [(&'static str, &'static str)],
}

pub(super) const SECRET: &str = "secretsmanager:GetSecretValue";

/// What nearly all functions may, since they ask Valkey and read settings before their own code
/// begins, where `xtask::calls` does not follow them (`bounds.rs` has who they are).
pub(super) const OF_NEARLY_ALL: [&str; 4] = [
    "CacheResource",
    "CacheUser",
    "CacheSecret",
    "SettingsSecret",
];

pub(super) const SIGNERS_AND_READERS: &[MethodRow] = &[
    MethodRow {
        method: "DatabaseLogin::token",
        permissions: &[
            ("rds-db:connect", "DatabaseResource"),
            (SECRET, "DatabaseSecret"),
        ],
    },
    MethodRow {
        method: "UploadBucket::post_form",
        permissions: &[("s3:PutObject", "UploadBucket")],
    },
    // Keys of models, embeddings and vector stores.
    MethodRow {
        method: "Endpoint::read_key",
        permissions: &[(SECRET, "SecretPrefix")],
    },
    MethodRow {
        method: "CdnSigner::sign_link",
        permissions: &[(SECRET, "SecretPrefix")],
    },
    MethodRow {
        method: "Scraper::is_caller",
        permissions: &[(SECRET, "MetricsTokenSecret")],
    },
    // The functions' user stands in the database's URL.
    MethodRow {
        method: "Migrations::resolve",
        permissions: &[(SECRET, "DatabaseSecret")],
    },
    MethodRow {
        method: "Migrations::credentials",
        permissions: &[
            (SECRET, "MigrationsSecretArn"),
            (SECRET, "FunctionsUserSecretArn"),
        ],
    },
    MethodRow {
        method: "TraceExporter::sign",
        permissions: &[("xray:PutSpans", "*"), ("xray:PutSpansForIndexing", "*")],
    },
    MethodRow {
        method: "TraceExporter::headers",
        permissions: &[(SECRET, "TracesSecret")],
    },
    MethodRow {
        method: "TraceExporter::rotated_headers",
        permissions: &[(SECRET, "TracesSecret")],
    },
    MethodRow {
        method: "CacheLogin::token",
        permissions: &[],
    },
    // The URLs of the database and of Valkey, whose logins have the permissions.
    MethodRow {
        method: "Target::endpoint",
        permissions: &[],
    },
    MethodRow {
        method: "SecretTarget::read",
        permissions: &[],
    },
    MethodRow {
        method: "Target::rotated",
        permissions: &[],
    },
    MethodRow {
        method: "Setup::stored_settings",
        permissions: &[],
    },
];
