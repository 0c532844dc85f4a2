//! In which encoding a list may be written.

use std::fmt;
use std::str::FromStr;

macro_rules! encodings {
    ($($(#[$doc:meta])* $name:ident => $text:literal),+ $(,)?) => {
        /// In which encoding the file of an import is written.
        #[derive(
            Debug, Clone, Copy, PartialEq, Eq, Hash, sea_orm::EnumIter, sea_orm::DeriveActiveEnum, serde::Serialize, serde::Deserialize,
            async_graphql::Enum,
        )]
        #[sea_orm(rs_type = "String", db_type = "Text")]
        #[graphql(name = "ImportEncoding")]
        pub enum FileEncoding {
            $($(#[$doc])* #[sea_orm(string_value = $text)] #[serde(rename = $text)] #[graphql(name = $text)] $name),+
        }

        impl FileEncoding {
            /// All that there are.
            const ALL: &[Self] = &[$(Self::$name),+];
        }

        impl fmt::Display for FileEncoding {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(match self { $(Self::$name => $text),+ })
            }
        }
    };
}

encodings! {
    /// What nearly all programs write.
    Utf8 => "UTF_8",
    /// What Excel calls Unicode text, and what PowerShell writes.
    Utf16 => "UTF_16",
    /// Central Europe, on Windows.
    Windows1250 => "WINDOWS_1250",
    /// Cyrillic, on Windows.
    Windows1251 => "WINDOWS_1251",
    /// Western Europe, on Windows; ISO 8859-1 is read by it as well.
    Windows1252 => "WINDOWS_1252",
    /// Greek, on Windows.
    Windows1253 => "WINDOWS_1253",
    /// Turkish, on Windows.
    Windows1254 => "WINDOWS_1254",
    /// The Baltic countries, on Windows.
    Windows1257 => "WINDOWS_1257",
    /// Russian, on older Unix systems and in older mails.
    Koi8R => "KOI8_R",
    /// Cyrillic, of DOS.
    Ibm866 => "IBM866",
}

impl FromStr for FileEncoding {
    type Err = String;

    /// The encoding of this name, in any spelling: `windows-1251` as well as `WINDOWS_1251`.
    fn from_str(text: &str) -> Result<Self, String> {
        let plain = |name: &str| name.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_lowercase();
        let found = Self::ALL.iter().find(|one| plain(&one.to_string()) == plain(text));
        found.copied().ok_or_else(|| {
            let all: Vec<String> =
                Self::ALL.iter().map(|one| one.to_string().to_lowercase().replace('_', "-")).collect();
            format!("there are {}", all.join(", "))
        })
    }
}

#[cfg(test)]
mod tests {
    use async_graphql::InputType;
    use sea_orm::ActiveEnum;

    use super::*;

    #[test]
    fn an_encoding_has_one_name_everywhere() {
        for one in FileEncoding::ALL {
            let name = one.to_string();
            assert_eq!((ActiveEnum::to_value(one), serde_json::json!(one)), (name.clone(), name.clone().into()));
            assert_eq!(InputType::to_value(one), async_graphql::Value::Enum(async_graphql::Name::new(&name)));
            assert_eq!(name.to_lowercase().replace('_', "-").parse(), Ok(*one));
        }
        assert!(
            "utf8".parse::<FileEncoding>().is_ok()
                && "cp1251".parse::<FileEncoding>().unwrap_err().contains("windows-1251")
        );
    }
}
