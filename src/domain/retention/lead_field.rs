//! The fields of a lead that people write and lists bring, in one table: what each is called, and what may stand in it.

use serde::{Deserialize, Serialize};

use super::address;
use crate::text::{self, Bounds};
use crate::username;

/// How columns of email addresses are called.
const EMAILS: &[&str] = &[
    "email",
    "emailaddress",
    "mail",
    "mailaddress",
    "emailadresse",
    "mailadresse",
    "emailid",
    "почта",
    "электроннаяпочта",
    "адресэлектроннойпочты",
    "элпочта",
    "емейл",
    "имейл",
    "мейл",
    "мыло",
    "пошта",
    "електроннапошта",
    "correo",
    "correoelectronico",
    "correoelectrónico",
    "courriel",
    "adressemail",
    "adresseemail",
    "adresseelectronique",
    "eposta",
    "mejl",
    "emailcim",
    "indirizzoemail",
    "enderecodeemail",
];
/// How columns of phone numbers are called.
const PHONES: &[&str] = &[
    "phone",
    "phonenumber",
    "mobile",
    "mobilephone",
    "tel",
    "telephone",
    "telephonenumber",
    "mobilenumber",
    "mobilephonenumber",
    "phoneno",
    "cell",
    "cellphone",
    "cellphonenumber",
    "msisdn",
    "telefon",
    "telefonnummer",
    "telefonnr",
    "handy",
    "handynummer",
    "mobil",
    "mobilnummer",
    "mobiltelefon",
    "rufnummer",
    "телефон",
    "номертелефона",
    "мобильный",
    "мобильныйтелефон",
    "сотовый",
    "тел",
    "номертелефону",
    "telefono",
    "teléfono",
    "telefone",
    "téléphone",
    "celular",
    "cellulare",
    "movil",
    "móvil",
    "numerodetelefono",
];
/// How columns of given names are called.
const FIRST_NAMES: &[&str] = &["firstname", "givenname", "forename", "fname", "vorname", "имя", "prenom", "prénom"];
/// How columns of family names are called.
const LAST_NAMES: &[&str] = &[
    "lastname",
    "familyname",
    "surname",
    "lname",
    "nachname",
    "familienname",
    "фамилия",
    "прізвище",
    "apellido",
    "apellidos",
];
/// What columns of further addresses have in their names.
const FURTHER: [(Field, &[&str]); 3] = [
    (Field::Email, &["mail", "почта", "correo"]),
    (Field::Phone, &["phone", "mobil", "handy", "telefon", "телефон", "whatsapp", "cell", "teléfono", "téléphone"]),
    (Field::TelegramUsername, &["telegram"]),
];

/// Makes [`Field`] of a table: name in the API, column of the database, usual names in lists, check.
macro_rules! fields {
    ($($(#[$doc:meta])+ $field:ident: $name:literal, $column:literal, $usual:expr, $check:expr;)+) => {
        /// A field of a lead that people write and lists bring.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "camelCase")]
        pub enum Field {
            $($(#[$doc])+ $field,)+
        }

        impl Field {
            /// All of them.
            pub const ALL: [Self; [$($name),+].len()] = [$(Self::$field),+];

            /// The field as the API calls it: mistakes name it so.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$field => $name,)+ }
            }

            /// The field as the database and scripts call it.
            pub const fn column(self) -> &'static str {
                match self { $(Self::$field => $column,)+ }
            }

            /// How such a column is called where nobody says which one it is: in small letters, without what is neither
            /// letter nor digit.
            pub(super) const fn usual_names(self) -> &'static [&'static str] {
                match self { $(Self::$field => $usual,)+ }
            }

            /// What was written, in its stored form.
            ///
            /// # Errors
            /// A sentence that says what is wrong.
            pub fn check(self, written: &str) -> Result<String, String> {
                match self { $(Self::$field => $check(written),)+ }
            }
        }
    };
}

fields! {
    /// The email address.
    Email: "email", "email", EMAILS, address::email;
    /// The phone number.
    Phone: "phone", "phone", PHONES, address::phone;
    /// The given name.
    FirstName: "firstName", "first_name", FIRST_NAMES, name;
    /// The family name.
    LastName: "lastName", "last_name", LAST_NAMES, name;
    /// The id in another system.
    ExternalId: "externalId", "external_id", &["externalid", "externeid", "внешнийид", "внешнийid"], external_id;
    /// The name at Telegram.
    TelegramUsername: "telegramUsername", "telegram_username", &["telegramusername", "telegram", "telegramname", "telegramhandle", "телеграм", "телеграмм"], telegram_username;
    /// An IANA time zone.
    TimeZone: "timeZone", "time_zone", &["timezone", "tz", "zeitzone", "часовойпояс"], address::time_zone;
    /// A BCP 47 tag.
    Language: "language", "language", &["language", "lang", "sprache", "язык"], address::language;
    /// Where the lead came from: the only field that a lead is never without.
    Source: "source", "source", &["source", "quelle", "источник"], source;
    /// Notes.
    Notes: "notes", "notes", &["notes", "note", "notiz", "notizen", "заметки", "примечание"], notes;
}

impl Field {
    /// By what a lead is known: no two leads have the same of any of these.
    pub const KEYS: [Self; 3] = [Self::Email, Self::Phone, Self::ExternalId];

    /// What a lead that is there gets from whoever tells it, if it has none: its keys, and the name at Telegram. Of that one several
    /// leads may have the same, where something else says that they are two people.
    pub const COMPLETED: [Self; 4] = [Self::Email, Self::Phone, Self::ExternalId, Self::TelegramUsername];

    /// The field of which a column of this name, without what is neither letter nor digit, has further values, such as `email2`.
    pub(super) fn further(usual: &str) -> Option<Self> {
        FURTHER.iter().find(|(_, parts)| parts.iter().any(|part| usual.contains(part))).map(|(field, _)| *field)
    }

    /// What a person calls the field.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Phone => "phone number",
            field => field.name(),
        }
    }
}

fn name(written: &str) -> Result<String, String> {
    text::line(written, Bounds::NAME)
}

fn external_id(written: &str) -> Result<String, String> {
    text::line(written, Bounds::EXTERNAL_ID)
}

fn telegram_username(written: &str) -> Result<String, String> {
    Ok(username::normalise(written)?)
}

fn notes(written: &str) -> Result<String, String> {
    text::prose(written, Bounds::NOTES)
}

/// Where a lead came from, in capitals: what lists say can be saved by hand, too.
fn source(written: &str) -> Result<String, String> {
    Ok(text::line(written, Bounds::CATEGORY)?.to_uppercase())
}
