//! Ids and enums in columns of type `text`.
//!
//! An enum derives `sqlx::Encode` and `sqlx::Decode`, which name its variants, and becomes a column
//! by [`text_columns`]. It does not derive `sqlx::Type`: that declares the type by its name, whose
//! number sqlx looks up in the catalog before the first statement that binds one. On Lambda this
//! would be one more round trip for each new environment.
//!
//! The columns of pure modules stand here, since those modules know no database.

use sqlx::error::BoxDynError;
use sqlx::postgres::{PgValueRef, Postgres};
use sqlx::{Decode, Encode};

use crate::identity::{Role, TenantId, UserId};
use crate::locale::Locale;
use crate::triage::{Sex, Urgency};

/// Makes types that encode and decode themselves as text columns of type `text`.
macro_rules! text_columns {
    ($($column:ty),+ $(,)?) => {$(
        impl sqlx::Type<sqlx::Postgres> for $column {
            fn type_info() -> sqlx::postgres::PgTypeInfo {
                <str as sqlx::Type<sqlx::Postgres>>::type_info()
            }

            fn compatible(info: &sqlx::postgres::PgTypeInfo) -> bool {
                <str as sqlx::Type<sqlx::Postgres>>::compatible(info)
            }
        }

        impl sqlx::postgres::PgHasArrayType for $column {
            fn array_type_info() -> sqlx::postgres::PgTypeInfo {
                <&str as sqlx::postgres::PgHasArrayType>::array_type_info()
            }
        }
    )+};
}
pub(crate) use text_columns;

/// Makes ids encode themselves as they are. A text that is read is validated like any other.
macro_rules! validated_ids {
    ($($id:ty),+) => {$(
        impl Encode<'_, Postgres> for $id {
            fn encode_by_ref(
                &self,
                buffer: &mut <Postgres as sqlx::Database>::ArgumentBuffer,
            ) -> Result<sqlx::encode::IsNull, BoxDynError> {
                <&str as Encode<'_, Postgres>>::encode(self.as_str(), buffer)
            }
        }

        impl Decode<'_, Postgres> for $id {
            fn decode(value: PgValueRef<'_>) -> Result<Self, BoxDynError> {
                let text = <String as Decode<'_, Postgres>>::decode(value)?;
                Ok(Self::try_from(text)?)
            }
        }
    )+};
}

validated_ids!(TenantId, UserId);
text_columns!(TenantId, UserId, Role, Locale, Sex, Urgency);

#[cfg(test)]
mod tests {
    use sqlx::Type;

    use super::*;

    #[test]
    fn binding_an_enum_or_an_id_asks_no_catalog() {
        let text = <str as Type<Postgres>>::type_info();
        assert!(text.oid().is_some());
        assert_eq!(<Role as Type<Postgres>>::type_info().oid(), text.oid());
        assert_eq!(<UserId as Type<Postgres>>::type_info().oid(), text.oid());
    }
}
