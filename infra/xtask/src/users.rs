//! People in the stack's user pool, and their tokens.

use anyhow::{Context, Result, bail};
use aws_sdk_cognitoidentityprovider::types::{AttributeType, AuthFlowType, MessageActionType};
use aws_sdk_cognitoidentityprovider::{Client, Error};
use clap::{Args, ValueEnum};

use crate::stack::Stack;
use crate::{report, services, tools};

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
    /// Every role.
    pub const ALL: [Self; 3] = [Self::Patient, Self::Clinician, Self::Admin];

    /// The group's name.
    pub const fn group_name(self) -> &'static str {
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
            user: role.group_name().to_owned(),
            role,
        }
    }

    /// The tenant is part of the name they sign in with, so that two tenants can have the same
    /// user.
    pub fn sign_in_name(&self) -> String {
        format!("{}@{}.example", self.user, self.tenant)
    }

    fn check_names(&self) -> Result<()> {
        let is_allowed =
            |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '_';
        for name in [&self.tenant, &self.user] {
            if name.is_empty() || !name.chars().all(is_allowed) {
                bail!("tenants and users are written with a-z, 0-9, - and _");
            }
        }

        Ok(())
    }
}

/// `cargo xtask token`.
pub async fn print_token(stack: &Stack, person: &Person) -> Result<()> {
    report::say(token(stack, person).await?);
    Ok(())
}

/// A fresh ID token of a person, who is created or changed as need be.
pub async fn token(stack: &Stack, person: &Person) -> Result<String> {
    let password = create(stack, person).await?;
    let pool = UserPool::of(stack).await?;
    pool.sign_in(person, password).await
}

/// Creates a person, or changes them as need be, and returns their password. It is the same each
/// time, so that a token for the command line signs nobody out of the web client.
pub async fn create(stack: &Stack, person: &Person) -> Result<String> {
    person.check_names()?;
    let pool = UserPool::of(stack).await?;

    pool.create_user(person)
        .await
        .context("the user pool cannot be reached; is the stack up? Try `cargo xtask up`")?;
    pool.assign_role(person).await?;

    let password = password_of(stack, person)?;
    pool.set_password(person, &password).await?;
    Ok(password)
}

/// Of the stack's own secret and the name: nobody can tell it who cannot read the stack's files.
fn password_of(stack: &Stack, person: &Person) -> Result<String> {
    let secret = services::secret(stack)?;
    let hash = tools::sha256(format!("{secret} {}", person.sign_in_name()).as_bytes());
    let digits: String = hash.chars().take(32).collect();
    Ok(format!("Aa1-{digits}"))
}

/// The stack's user pool.
struct UserPool {
    client: Client,
    id: String,
    app_client_id: String,
}

impl UserPool {
    async fn of(stack: &Stack) -> Result<Self> {
        Ok(Self {
            client: Client::new(&stack.aws().await),
            id: stack.env("USER_POOL_ID")?,
            app_client_id: stack.env("USER_POOL_CLIENT_ID")?,
        })
    }

    /// Creates the user, unless there is one of that name.
    async fn create_user(&self, person: &Person) -> Result<()> {
        let name = person.sign_in_name();
        let created = self
            .client
            .admin_create_user()
            .user_pool_id(&self.id)
            .username(&name)
            .message_action(MessageActionType::Suppress)
            .user_attributes(attribute("email", &name)?)
            .user_attributes(attribute("email_verified", "true")?)
            .user_attributes(attribute("custom:tenant_id", &person.tenant)?)
            .send()
            .await;

        match created.map_err(Error::from) {
            Ok(_) | Err(Error::UsernameExistsException(_)) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Puts the user into the group of their role, and into no other.
    async fn assign_role(&self, person: &Person) -> Result<()> {
        for role in Role::ALL {
            if role == person.role {
                self.join_group(person, role).await?;
            } else {
                self.leave_group(person, role).await?;
            }
        }

        Ok(())
    }

    async fn join_group(&self, person: &Person, role: Role) -> Result<()> {
        self.client
            .admin_add_user_to_group()
            .user_pool_id(&self.id)
            .username(person.sign_in_name())
            .group_name(role.group_name())
            .send()
            .await?;

        Ok(())
    }

    async fn leave_group(&self, person: &Person, role: Role) -> Result<()> {
        self.client
            .admin_remove_user_from_group()
            .user_pool_id(&self.id)
            .username(person.sign_in_name())
            .group_name(role.group_name())
            .send()
            .await?;

        Ok(())
    }

    async fn set_password(&self, person: &Person, password: &str) -> Result<()> {
        self.client
            .admin_set_user_password()
            .user_pool_id(&self.id)
            .username(person.sign_in_name())
            .password(password)
            .permanent(true)
            .send()
            .await?;

        Ok(())
    }

    /// Returns the user's ID token.
    async fn sign_in(&self, person: &Person, password: String) -> Result<String> {
        let signed_in = self
            .client
            .admin_initiate_auth()
            .user_pool_id(&self.id)
            .client_id(&self.app_client_id)
            .auth_flow(AuthFlowType::AdminUserPasswordAuth)
            .auth_parameters("USERNAME", person.sign_in_name())
            .auth_parameters("PASSWORD", password)
            .send()
            .await?;

        let tokens = signed_in
            .authentication_result()
            .context("the user pool asks for more than a password")?;
        let id_token = tokens
            .id_token()
            .context("the user pool gave no ID token")?;

        Ok(id_token.to_owned())
    }
}

fn attribute(name: &str, value: &str) -> Result<AttributeType> {
    let attribute = AttributeType::builder().name(name).value(value);
    Ok(attribute.build()?)
}
