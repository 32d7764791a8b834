//! People in the stack's user pool, and their tokens.

use anyhow::{Context, Result, bail};
use aws_sdk_cognitoidentityprovider::Client;
use aws_sdk_cognitoidentityprovider::types::{AttributeType, AuthFlowType, MessageActionType};
use clap::{Args, ValueEnum};

use crate::report;
use crate::stack::Stack;

/// Whose token is asked for; the person is created if need be.
#[derive(Args, Clone)]
pub struct Person {
    /// The tenant they belong to
    #[arg(long, default_value = "demo")]
    pub tenant: String,
    /// A name within it
    #[arg(long, default_value = "patient")]
    pub user: String,
    /// What they may do
    #[arg(long, value_enum, default_value_t = Role::Patient)]
    pub role: Role,
}

/// The groups of the user pool.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Role {
    /// `patient`
    Patient,
    /// `clinician`
    Clinician,
    /// `admin`
    Admin,
}

impl Role {
    const ALL: [Self; 3] = [Self::Patient, Self::Clinician, Self::Admin];

    const fn group(self) -> &'static str {
        match self {
            Self::Patient => "patient",
            Self::Clinician => "clinician",
            Self::Admin => "admin",
        }
    }
}

impl Person {
    /// One of the people of the demo tenant.
    pub fn demo(role: Role) -> Self {
        Self {
            tenant: "demo".to_owned(),
            user: role.group().to_owned(),
            role,
        }
    }

    /// The tenant is part of the name they sign in with, so that two tenants can have the same user.
    fn sign_in_name(&self) -> String {
        format!("{}@{}.example", self.user, self.tenant)
    }
}

/// `cargo xtask token`.
pub async fn print_token(stack: &Stack, person: &Person) -> Result<()> {
    report::say(token(stack, person).await?);
    Ok(())
}

/// A fresh ID token of a person, whom it creates or changes as need be.
pub async fn token(stack: &Stack, person: &Person) -> Result<String> {
    let valid = |text: &str| {
        !text.is_empty()
            && text
                .chars()
                .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || "-_".contains(c))
    };
    if !valid(&person.tenant) || !valid(&person.user) {
        bail!("tenants and users are written with a-z, 0-9, - and _");
    }
    let pool = stack.env("USER_POOL_ID")?;
    let client = Client::new(&stack.aws().await);
    let name = person.sign_in_name();
    create(&client, &pool, person)
        .await
        .context("the user pool cannot be reached; is the stack up? Try `cargo xtask up`")?;
    for role in Role::ALL {
        if role == person.role {
            client
                .admin_add_user_to_group()
                .user_pool_id(&pool)
                .username(&name)
                .group_name(role.group())
                .send()
                .await?;
        } else {
            let leave = client
                .admin_remove_user_from_group()
                .user_pool_id(&pool)
                .username(&name);
            leave.group_name(role.group()).send().await?;
        }
    }
    let password = format!("Aa1-{}", uuid::Uuid::new_v4());
    let set = client
        .admin_set_user_password()
        .user_pool_id(&pool)
        .username(&name);
    set.password(&password).permanent(true).send().await?;
    sign_in(
        &client,
        &pool,
        &stack.env("USER_POOL_CLIENT_ID")?,
        &name,
        &password,
    )
    .await
}

async fn create(client: &Client, pool: &str, person: &Person) -> Result<()> {
    let attribute =
        |name: &str, value: &str| AttributeType::builder().name(name).value(value).build();
    let created = client
        .admin_create_user()
        .user_pool_id(pool)
        .username(person.sign_in_name())
        .message_action(MessageActionType::Suppress)
        .user_attributes(attribute("email", &person.sign_in_name())?)
        .user_attributes(attribute("email_verified", "true")?)
        .user_attributes(attribute("custom:tenant_id", &person.tenant)?)
        .send()
        .await;
    match created.map_err(aws_sdk_cognitoidentityprovider::Error::from) {
        Ok(_) | Err(aws_sdk_cognitoidentityprovider::Error::UsernameExistsException(_)) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

async fn sign_in(
    client: &Client,
    pool: &str,
    app: &str,
    name: &str,
    password: &str,
) -> Result<String> {
    let signed_in = client
        .admin_initiate_auth()
        .user_pool_id(pool)
        .client_id(app)
        .auth_flow(AuthFlowType::AdminUserPasswordAuth)
        .auth_parameters("USERNAME", name)
        .auth_parameters("PASSWORD", password)
        .send()
        .await?;
    let tokens = signed_in
        .authentication_result()
        .context("the user pool asks for more than a password")?;
    Ok(tokens
        .id_token()
        .context("the user pool gave no ID token")?
        .to_owned())
}
