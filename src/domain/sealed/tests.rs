//! What opens a sealed secret, and what does not.

use proptest::prelude::*;

use super::*;

const HERE: SecretPlace = SecretPlace { table: "telegram_accounts", column: "auth_key", row: Uuid::from_u128(1) };

fn vault(byte: u8) -> Vault {
    Vault::new(&SecretKey::new([byte; 32]))
}

#[test]
fn it_opens_where_it_was_sealed_and_nowhere_else() {
    let sealed = vault(7).seal(HERE, b"secret");
    assert_eq!(vault(7).open(HERE, &sealed).unwrap().expose_secret(), b"secret");
    let elsewhere = [
        SecretPlace { row: Uuid::from_u128(2), ..HERE },
        SecretPlace { column: "api_hash", ..HERE },
        SecretPlace { table: "integration_configs", ..HERE },
        // The same letters, cut elsewhere.
        SecretPlace { table: "telegram_accountsa", column: "uth_key", ..HERE },
    ];
    for place in elsewhere {
        assert_eq!(vault(7).open(place, &sealed).unwrap_err(), Unopened::Damaged, "{place:?}");
    }
    assert_eq!(vault(8).open(HERE, &sealed).unwrap_err(), Unopened::OtherKey);
    for text in ["", "1", "1.2", "2.a.b", "1..", "é.é.é"] {
        assert!(vault(7).open(HERE, &Sealed(text.into())).is_err(), "{text}");
    }
}

#[test]
fn a_key_that_is_being_replaced_still_opens_what_it_sealed() {
    let (old, new) = (SecretKey::new([7; 32]), SecretKey::new([8; 32]));
    let sealed = Vault::new(&old).seal_text(HERE, &"secret".into());
    let both = Vault::new(&new).after(&old);
    assert_eq!(both.open_text(HERE, &sealed).unwrap().expose_secret(), "secret");
    let again = both.seal_text(HERE, &"secret".into());
    assert_eq!((again.key_id(), both.key_id()), (both.key_id(), Vault::new(&new).key_id()));
    assert_ne!(again.key_id(), sealed.key_id());
    assert_eq!(Vault::new(&old).open(HERE, &again).unwrap_err(), Unopened::OtherKey);
    // The id in front is authenticated too: an attacker who swaps it gains nothing.
    let swapped = Sealed(again.0.replace(again.key_id(), sealed.key_id()));
    assert_eq!(both.open(HERE, &swapped).unwrap_err(), Unopened::Damaged);
}

#[test]
fn nothing_of_it_shows() {
    let sealed = vault(7).seal_text(HERE, &"a secret".into());
    let shown = format!("{sealed:?} {:?} {:?}", vault(7), vault(7).open_text(HERE, &sealed));
    assert!(!shown.contains("a secret") && !shown.contains(sealed.0.split('.').nth(2).unwrap()), "{shown}");
    assert_ne!(sealed, vault(7).seal_text(HERE, &"a secret".into()), "each sealing has a nonce of its own");
}

proptest! {
    #[test]
    fn any_secret_opens_again_and_any_flipped_bit_is_refused(
        secret in proptest::collection::vec(any::<u8>(), 0..400),
        at in any::<prop::sample::Index>(),
        bit in 0..8_u8,
    ) {
        let sealed = vault(7).seal(HERE, &secret);
        let opened = vault(7).open(HERE, &sealed).unwrap();
        prop_assert_eq!(opened.expose_secret(), &secret[..]);
        let (head, body) = sealed.0.rsplit_once('.').unwrap();
        let mut body = URL_SAFE_NO_PAD.decode(body).unwrap();
        let at = at.index(body.len());
        body[at] ^= 1 << bit;
        let flipped = Sealed(format!("{head}.{}", URL_SAFE_NO_PAD.encode(&body)));
        prop_assert_eq!(vault(7).open(HERE, &flipped).unwrap_err(), Unopened::Damaged);
        let cut = Sealed(format!("{head}.{}", URL_SAFE_NO_PAD.encode(&body[..at])));
        prop_assert_eq!(vault(7).open(HERE, &cut).unwrap_err(), Unopened::Damaged);
    }

    #[test]
    fn nonsense_is_refused_without_a_panic(text in ".{0,80}") {
        prop_assert!(vault(7).open(HERE, &Sealed(text)).is_err());
    }
}
