//! A new key for what is stored.

use ::service::Services;
use ::service::broadcast::telegram_account as service;
use ::service::secrets::{Report, rotate};
use domain::sealed::{Unopened, Vault};
use domain::secret_key::{Keys, SecretKey, ShortLived};
use sea_orm::ConnectionTrait;
use storage::broadcast::telegram_account::{Entity, Model};
use storage::shelf::SHELVES;

use super::{added, start};
use crate::harness::telegram::TelegramServer;
use crate::harness::{KEY, secret_key};

async fn accounts(on: &Services) -> Vec<Model> {
    Entity::all_by_age().all(on.db.reader()).await.unwrap()
}

#[tokio::test]
async fn everything_is_sealed_anew_also_after_an_interruption() {
    let telegram = TelegramServer::start(3).await;
    let (herald, admin) = start(&telegram).await;
    for number in 0..3 {
        added(&admin, &telegram, number).await;
    }
    let old = herald.services().clone();
    let key = SecretKey::new([9; 32]);
    let keys = Keys { short_lived: ShortLived::of(&key), lasting: old.keys.lasting.clone() };
    let both = Services { vault: Vault::new(&key).after(&secret_key(KEY)), keys: keys.clone(), ..old.clone() };
    let new = Services { vault: Vault::new(&key), keys, ..old.clone() };

    // It was interrupted after the first row; and one row is somebody else's, copied.
    let rows = accounts(&old).await;
    let (place, first) = (Model::auth_key_place(rows[0].id), &rows[0].auth_key);
    let anew = both.vault.seal(place, secrecy::ExposeSecret::expose_secret(&old.vault.open(place, first).unwrap()));
    let write = async |n: usize, text: &str| {
        let backend = old.db.reader().get_database_backend();
        let values = [text.into(), rows[n].id.into()];
        let sql = "UPDATE telegram_accounts SET auth_key = $1 WHERE id = $2";
        old.db.reader().execute_raw(sea_orm::Statement::from_sql_and_values(backend, sql, values)).await.unwrap();
    };
    write(0, &anew.0).await;
    write(2, &first.0).await;

    assert_eq!(rotate(&both).await.unwrap(), Report { sealed: 2, unopened: 1 }, "an account, and the key that lasts");
    let rotated = accounts(&old).await;
    for (number, row) in rotated.iter().take(2).enumerate() {
        assert_eq!(service::credentials(&new, row).unwrap().key, telegram.credentials(number).key);
        let place = Model::auth_key_place(row.id);
        assert_eq!(old.vault.open(place, &row.auth_key).unwrap_err(), Unopened::OtherKey);
    }
    assert_eq!(rotated[2].auth_key.0, first.0, "what can't be opened is left as it is");
    assert_eq!(rotated[1].auth_key_hash, service::key_hash(&new.keys.lasting, &telegram.credentials(1).key[..]));
    assert_eq!(rotate(&both).await.unwrap(), Report { sealed: 0, unopened: 1 });
}

#[tokio::test]
async fn each_sealed_column_has_its_shelf() {
    // A column of the type is written `Sealed` in its row: each such file's table must be on a shelf.
    let mut tables = Vec::new();
    for folder in ["src/storage/broadcast", "src/storage/retention", "src/storage/access"] {
        for file in std::fs::read_dir(folder).unwrap() {
            let path = file.unwrap().path();
            if !path.is_file() {
                continue;
            }
            let text = std::fs::read_to_string(&path).unwrap();
            let name = text.split("table_name = \"").nth(1).and_then(|rest| rest.split('"').next());
            let columns =
                text.lines().filter(|line| line.contains(": Sealed,") || line.contains("Option<Sealed>")).count();
            if let (Some(name), true) = (name, columns > 0) {
                let shelf = SHELVES.iter().find(|shelf| shelf.table == name);
                assert_eq!(shelf.map(|shelf| shelf.columns.len()), Some(columns), "{name}");
                tables.push(name.to_owned());
            }
        }
    }
    assert!(tables.contains(&"telegram_accounts".to_owned()), "{tables:?}");
}
