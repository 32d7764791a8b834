//! Secrets in the stack's Secrets Manager.

use aws_sdk_secretsmanager::Client;
use uuid::Uuid;

use super::STACK;

/// A secret of a test's own.
pub struct StoredSecret {
    client: Client,
    pub name: String,
}

impl StoredSecret {
    pub async fn create(value: &str) -> Self {
        let secret = Self {
            client: Client::new(&STACK.aws().await),
            name: format!("test-{}", Uuid::new_v4().simple()),
        };

        let create = secret.client.create_secret().name(&secret.name);
        create.secret_string(value).send().await.unwrap();
        secret
    }

    /// Gives it another value.
    pub async fn rotate(&self, value: &str) {
        let put = self.client.put_secret_value().secret_id(&self.name);
        put.secret_string(value).send().await.unwrap();
    }

    /// What a setting says that refers to it.
    pub fn reference(&self) -> String {
        format!("secret:{}", self.name)
    }
}
