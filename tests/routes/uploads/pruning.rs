//! Uploads that were not finished, and those that were rejected, are pruned in their time.

use std::collections::BTreeSet;

use uuid::Uuid;
use wenzhen::uploads::store::prune_unfinished;

use crate::support::{new_tenant, own_database};

/// A day for what is awaited, a week for what a scanner has and for what was rejected. What may
/// have files is noted, so that they are removed; what is ready stays.
#[tokio::test]
async fn an_upload_is_pruned_when_its_time_is_over() {
    let (mut own, tenant) = (own_database().await, new_tenant());
    let mut expected = (BTreeSet::new(), BTreeSet::new());
    for (state, age, is_pruned, is_noted) in [
        ("pending", "23 hours", false, false),
        ("pending", "25 hours", true, true),
        ("scanning", "6 days", false, false),
        ("scanning", "8 days", true, true),
        ("rejected", "6 days", false, false),
        ("rejected", "8 days", true, false),
        ("ready", "400 days", false, false),
    ] {
        let id = Uuid::now_v7();
        let insert = "INSERT INTO uploads (tenant_id, id, user_id, file_name, content_type, size,
                                           state, created_at)
                      VALUES ($1, $2, 'user-1', 'x.txt', 'text/plain', 1, $3,
                              now() - $4::text::interval)";
        sqlx::query(insert)
            .bind(&tenant)
            .bind(id)
            .bind(state)
            .bind(age)
            .execute(&mut own.connection)
            .await
            .unwrap();
        if !is_pruned {
            expected.0.insert(id);
        }
        if is_noted {
            expected.1.insert(id);
        }
    }

    assert_eq!(prune_unfinished(&mut own.connection).await.unwrap(), 3);
    assert_eq!(prune_unfinished(&mut own.connection).await.unwrap(), 0);
    let kept: Vec<Uuid> = sqlx::query_scalar("SELECT id FROM uploads")
        .fetch_all(&mut own.connection)
        .await
        .unwrap();
    let noted: Vec<Uuid> = sqlx::query_scalar("SELECT upload_id FROM removed_uploads")
        .fetch_all(&mut own.connection)
        .await
        .unwrap();
    let found = (kept.into_iter().collect(), noted.into_iter().collect());
    assert_eq!(found, expected);
    own.remove().await;
}
