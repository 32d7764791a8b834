//! The knowledge base that comes with the project: `infra/knowledge/<language>/<name>.md`.

pub mod vectors;

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use sqlx::Connection;
use sqlx::postgres::PgConnection;
use wenzhen::ai::ServiceCall;
use wenzhen::aws::Secrets;
use wenzhen::config::{DatabaseAuth, DatabaseSettings, EmbeddingSettings, ServiceUrl};
use wenzhen::deadline::Deadline;
use wenzhen::knowledge::copies::{self, Copied};
use wenzhen::knowledge::index::{Filled, PassageScope};
use wenzhen::knowledge::{NewDocument, Owner, Source, VectorIndex, index, store};
use wenzhen::locale::Locale;
use wenzhen::postgres::Database;

use crate::report::{Step, say};
use crate::stack::Stack;
use crate::{services, settings};

/// What stands around the head of a document.
const FENCE: &str = "---";

/// The longest that making the vectors of one batch of passages may take.
const BATCH_TIMEOUT: Duration = Duration::from_mins(2);

/// Each so many documents copied, their number is printed.
const NOTED_COPIES: usize = 50;

/// The longest that copying all vectors may take.
const COPY_TIMEOUT: Duration = Duration::from_hours(12);

/// Writes every document as a shared one of the stack's database, and gives its passages vectors if
/// there is a model for it.
pub async fn load(stack: &Stack, embeddings: Option<EmbeddingSettings>) -> Result<()> {
    let database_url = services::database_url(stack)?;
    load_into(stack, &database_url).await?;
    let Some(embeddings) = embeddings else {
        return Ok(());
    };

    let vector_index = new_index(embeddings).await?;
    let model = vector_index.embedder().model();
    let mut database = connect(&database_url).await?;
    if !index::adopt_model(&mut database, model).await? {
        index::reset(&mut database, model).await?;
    }
    vectors::restore(stack, &mut database, model).await?;
    match fill_index(&database_url, &vector_index).await {
        Ok(0) => {}
        Ok(_) => vectors::save(stack, &mut database, model).await?,
        // The stack is of use without: documents are found by their words.
        Err(error) => say(format!(
            "\nNot all passages have vectors ({error}): `cargo xtask up` tries again."
        )),
    }
    // Likewise: searches ask the database.
    if let Err(error) = copy_vectors(&database_url, &vector_index).await {
        say(format!(
            "\nNot all vectors are copied ({error}): `cargo xtask up` tries again."
        ));
    }
    Ok(())
}

/// Makes the index that of the configured model, unless it is, and gives each passage a vector that
/// has none. It can be broken off and run again.
pub async fn reindex(database_url: &str, embeddings: &str) -> Result<()> {
    let advice = "EMBEDDINGS is wrong; see docs/knowledge.md";
    let embeddings = EmbeddingSettings::parse(embeddings).context(advice)?;
    embeddings
        .check_transport(&settings::allowed_plaintext()?)
        .context(advice)?;
    let vector_index = new_index(embeddings).await?;
    let model = vector_index.embedder().model();
    let mut database = connect(database_url).await?;

    if !index::adopt_model(&mut database, model).await? {
        let step = Step::begin("Emptying the index of another model's vectors");
        index::reset(&mut database, model).await?;
        step.end("done");
    }
    fill_index(database_url, &vector_index).await?;
    copy_vectors(database_url, &vector_index).await
}

async fn new_index(settings: EmbeddingSettings) -> Result<VectorIndex> {
    let secrets = Arc::new(Secrets::new(&wenzhen::aws::sdk_config().await));
    Ok(VectorIndex::new(settings, None, &secrets)?)
}

async fn new_database(database_url: &str) -> Result<Database> {
    let url: ServiceUrl = database_url.parse().map_err(anyhow::Error::msg)?;
    let auth = DatabaseAuth::Url;
    Ok(Database::new(&DatabaseSettings { url, auth }).await?)
}

async fn connect(database_url: &str) -> Result<PgConnection> {
    let connected = PgConnection::connect(database_url).await;
    connected.context("the database cannot be reached")
}

async fn fill_index(database_url: &str, vector_index: &VectorIndex) -> Result<usize> {
    let database = new_database(database_url).await?;
    let embedder = vector_index.embedder();
    let step = Step::begin("Vectors of passages");
    let call = || ServiceCall::of_operator(Deadline::after(BATCH_TIMEOUT));
    let report = |filled: Filled| {
        step.note(&filled.made.to_string());
        true
    };
    let scope = PassageScope::All;
    let filled = index::fill_missing(&database, scope, embedder, call, report).await?;

    let model = &embedder.model().name;
    let Filled { made, left } = filled;
    step.end(&match (made, left) {
        (0, 0) => format!("there ({model})"),
        (made, 0) => format!("{made} made ({model})"),
        (made, left) => format!("{made} made, {left} left ({model})"),
    });
    ensure!(
        left == 0 || made > 0,
        "the embedding model does not answer; see its log"
    );
    Ok(made)
}

/// Brings the vector store up to date, if there is one. Searches ask the database until it is.
async fn copy_vectors(database_url: &str, vector_index: &VectorIndex) -> Result<()> {
    let database = new_database(database_url).await?;
    let step = vector_index
        .store()
        .map(|_| Step::begin("Copies of vectors"));
    let report = |copied: Copied| {
        let is_told = copied.copied.is_multiple_of(NOTED_COPIES);
        if let Some(step) = step.as_ref().filter(|_| is_told) {
            step.note(&copied.copied.to_string());
        }
        true
    };
    let (scope, deadline) = (PassageScope::All, Deadline::after(COPY_TIMEOUT));
    let call = ServiceCall::of_operator;
    copies::adopt_store(&database, vector_index, call, deadline).await?;
    let copy = copies::copy_outdated(&database, scope, vector_index, call, deadline, report);
    let copied = copy.await?;

    if let Some(step) = step {
        step.end(&match (copied.copied, copied.left) {
            (0, 0) => "there".to_owned(),
            (copied, 0) => format!("{copied} documents copied"),
            (copied, left) => format!("{copied} documents copied, {left} left"),
        });
    }
    ensure!(
        copied.left == 0,
        "the vector store did not take all documents; see its log"
    );
    Ok(())
}

/// Writes every document as a shared one; what has not changed is left alone.
pub async fn load_into(stack: &Stack, database_url: &str) -> Result<()> {
    let step = Step::begin("Knowledge base");
    let documents = read_documents(&stack.root.join("infra/knowledge"))?;
    let mut database = connect(database_url).await?;

    let mut written = 0;
    for document in &documents {
        let is_new = store::replace(&mut database, Owner::Shared, document).await?;
        written += usize::from(is_new);
    }

    step.end(&format!("{} documents, {written} written", documents.len()));
    Ok(())
}

/// The documents of all languages, by name.
pub fn read_documents(folder: &Path) -> Result<Vec<NewDocument>> {
    let mut documents = Vec::new();

    for language in [Locale::En, Locale::Zh] {
        let folder = folder.join(language.as_str());
        let entries = fs::read_dir(&folder)
            .with_context(|| format!("no documents in {}", folder.display()))?;
        let mut paths = entries
            .map(|entry| Ok(entry?.path()))
            .collect::<Result<Vec<_>>>()?;
        paths.sort();

        for path in paths {
            let text = fs::read_to_string(&path)?;
            let name = path.file_stem().unwrap_or_default().to_string_lossy();
            let reference = format!("{}/{name}", language.as_str());
            let document = read_document(reference, language, &text);
            documents.push(document.with_context(|| path.display().to_string())?);
        }
    }
    Ok(documents)
}

/// A document with its head: `title`, `source`, `url`, and what patients call it (`also`).
fn read_document(reference: String, language: Locale, text: &str) -> Result<NewDocument> {
    let head_and_body = text.strip_prefix(FENCE).and_then(|rest| {
        let (head, body) = rest.split_once("\n---\n")?;
        Some((head, body.trim()))
    });
    let Some((head, body)) = head_and_body else {
        bail!("it has no head between two lines of {FENCE}");
    };

    let value = |wanted: &str| {
        let mut lines = head.lines().filter_map(|line| line.split_once(':'));
        let found = lines.find(|(key, _)| key.trim() == wanted);
        let value = found.map(|(_, value)| value.trim().to_owned());
        value.with_context(|| format!("its head has no {wanted}"))
    };
    Ok(NewDocument {
        reference,
        language,
        title: value("title")?,
        also: value("also")?,
        source: Source {
            title: value("source")?,
            url: value("url")?,
        },
        content: body.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_is_read_with_its_head() {
        let text = "---\ntitle: A: b\nsource: NHS: A\nurl: https://example.org/\nalso: x; y\n---\n\
            \n## H\n\nText.\n";

        let document = read_document("en/a".to_owned(), Locale::En, text).unwrap();
        assert_eq!(document.title, "A: b");
        assert_eq!(document.source.url, "https://example.org/");
        assert_eq!(document.content, "## H\n\nText.");
    }

    #[test]
    fn a_document_without_a_source_is_refused() {
        let text = "---\ntitle: A\nalso: x\n---\n\nText.\n";

        let error = read_document("en/a".to_owned(), Locale::En, text).unwrap_err();
        assert!(error.to_string().contains("source"), "{error}");
    }
}
