//! Signing in: numbers, codes, and the second step, whose proofs (SRP) are reckoned here by the other side's formulas.

use grammers_tl_types::functions::{account, auth};
use grammers_tl_types::{Cursor, Deserializable, Identifiable, enums, types};
use hmac::{Hmac, KeyInit, Mac};
use num_bigint::BigUint;
use sha2::{Digest, Sha256, Sha512};

use super::answers::{Answer, Known, myself};
use super::book::Book;
use super::words::Words;

/// The safe prime that Telegram uses.
const PRIME: &str = "C71CAEB9C6B1C9048E6C522F70F13F73980D40238E3E21C14934D037563D930F48198A0AA7C14058229493D22530F4DBFA336F6E0AC9\
25139543AED44CCE7C3720FD51F69458705AC68CD4FE6B6B13ABDC9746512969328454F18FAF8C595F642477FE96BB2A941D5BCD1D4AC8CC49880708FA9B\
378E3C4F3A9060BEE67CF9A4A4A695811051907E162753B56B0F6B410DBA74D8A84B2A14B3144E0EF1284754FD17ED950D5965B4B9DD46582DB1178D169C\
6BC465B0D6FF9CA3928FEF5B9AE4E418FC15E83EBEA0F87FA9FF5EED70050DED2849F47BF959D956850CE929851F0D8115F635B105EE2E4E15D04B2454BF\
6F4FADF034B10403119CD8E3B92FCC5B";
const GENERATOR: u32 = 3;
const SALT1: [u8; 8] = *b"one salt";
const SALT2: [u8; 8] = *b"the next";

/// How an account is signed in.
pub struct Door {
    /// Digits only.
    pub phone: String,
    pub code: String,
    pub lock: Option<Lock>,
}

/// The password of the second step.
pub struct Lock {
    pub hint: String,
    /// g to the power of the password's hash: all that the server knows of it.
    verifier: BigUint,
    /// The number and the secret of what is asked for just now; each is good once.
    asked: Option<(i64, BigUint)>,
}

impl Lock {
    pub fn new(password: &str, hint: &str) -> Self {
        let x = BigUint::from_bytes_be(&password_hash(password.as_bytes()));
        Self { hint: hint.into(), verifier: BigUint::from(GENERATOR).modpow(&x, &prime()), asked: None }
    }

    /// `account.password`: B = k v + g^b.
    fn ask(&mut self) -> enums::account::Password {
        let (id, secret) = (rand::random(), BigUint::from_bytes_be(&rand::random::<[u8; 32]>()));
        let theirs = self.public(&secret);
        self.asked = Some((id, secret));
        let by = types::PasswordKdfAlgoSha256Sha256Pbkdf2Hmacsha512iter100000Sha256ModPow {
            salt1: SALT1.to_vec(),
            salt2: SALT2.to_vec(),
            g: GENERATOR.cast_signed(),
            p: prime().to_bytes_be(),
        };
        let asked = types::account::Password {
            has_recovery: false,
            has_secure_values: false,
            has_password: true,
            current_algo: Some(by.into()),
            srp_b: Some(padded(&theirs)),
            srp_id: Some(id),
            hint: Some(self.hint.clone()),
            email_unconfirmed_pattern: None,
            new_algo: enums::PasswordKdfAlgo::Unknown,
            new_secure_algo: enums::SecurePasswordKdfAlgo::Unknown,
            secure_random: vec![7; 256],
            pending_reset_date: None,
            login_email_pattern: None,
        };
        asked.into()
    }

    fn public(&self, secret: &BigUint) -> BigUint {
        let (p, g) = (prime(), BigUint::from(GENERATOR));
        let k = BigUint::from_bytes_be(&hash(&[&padded(&p), &padded(&g)]));
        (k * &self.verifier + g.modpow(secret, &p)) % &p
    }

    /// Whether somebody knows the password: M1 = H(H(p) xor H(g) | H(salt1) | H(salt2) | A | B | H(S)).
    fn opens(&mut self, proof: &types::InputCheckPasswordSrp) -> bool {
        let Some((id, secret)) = self.asked.take() else { return false };
        let prime = prime();
        let theirs = BigUint::from_bytes_be(&proof.a);
        if id != proof.srp_id || theirs == BigUint::ZERO || theirs >= prime {
            return false;
        }
        let (a, b) = (padded(&theirs), padded(&self.public(&secret)));
        let mix = BigUint::from_bytes_be(&hash(&[&a, &b]));
        let shared = (theirs * self.verifier.modpow(&mix, &prime)).modpow(&secret, &prime);
        let (of_prime, of_generator) = (hash(&[&padded(&prime)]), hash(&[&padded(&BigUint::from(GENERATOR))]));
        let mixed: Vec<u8> = of_prime.iter().zip(of_generator).map(|(one, other)| one ^ other).collect();
        let parts: [&[u8]; 6] = [&mixed, &hash(&[&SALT1]), &hash(&[&SALT2]), &a, &b, &hash(&[&padded(&shared)])];
        proof.m1 == hash(&parts)
    }
}

/// A request of somebody who signs in or out, with the name of its method.
pub fn read(constructor: u32, cursor: &mut Cursor) -> Option<(&'static str, Known)> {
    Some(match constructor {
        auth::SendCode::CONSTRUCTOR_ID => {
            ("auth.sendCode", Known::SendCode(auth::SendCode::deserialize(cursor).unwrap()))
        }
        auth::SignIn::CONSTRUCTOR_ID => ("auth.signIn", Known::SignIn(auth::SignIn::deserialize(cursor).unwrap())),
        account::GetPassword::CONSTRUCTOR_ID => ("account.getPassword", Known::GetPassword),
        auth::CheckPassword::CONSTRUCTOR_ID => {
            ("auth.checkPassword", Known::CheckPassword(auth::CheckPassword::deserialize(cursor).unwrap()))
        }
        auth::LogOut::CONSTRUCTOR_ID => ("auth.logOut", Known::LogOut),
        _ => return None,
    })
}

/// A code is sent to whatever number.
pub fn send_code(book: &mut Book, account: usize, call: &auth::SendCode) -> Answer {
    assert_eq!((call.api_id, call.api_hash.len()), (1, 32));
    if call.phone_number.len() < 8 {
        return Err("PHONE_NUMBER_INVALID");
    }
    let code = book.accounts[account].door.as_ref().map_or(5, |door| door.code.len());
    let sent = types::auth::SentCode {
        r#type: types::auth::SentCodeTypeSms { length: i32::try_from(code).unwrap() }.into(),
        phone_code_hash: format!("sent to {}", call.phone_number),
        next_type: None,
        timeout: None,
    };
    Ok(Words::default().put(&enums::auth::SentCode::Code(sent)))
}

pub fn sign_in(book: &mut Book, account: usize, call: &auth::SignIn) -> Answer {
    assert_eq!(call.phone_code_hash, format!("sent to {}", call.phone_number));
    let Some(door) = &book.accounts[account].door else { return Err("PHONE_NUMBER_UNOCCUPIED") };
    if call.phone_code.as_ref() != Some(&door.code) {
        return Err("PHONE_CODE_INVALID");
    }
    if call.phone_number != door.phone {
        return Ok(Words::new(types::auth::AuthorizationSignUpRequired::CONSTRUCTOR_ID).put(&0_u32));
    }
    if door.lock.is_some() {
        return Err("SESSION_PASSWORD_NEEDED");
    }
    Ok(let_in(book, account))
}

pub fn ask_for_password(book: &mut Book, account: usize) -> Answer {
    let lock = book.accounts[account].door.as_mut().and_then(|door| door.lock.as_mut());
    Ok(Words::default().put(&lock.ok_or("AUTH_KEY_UNREGISTERED")?.ask()))
}

pub fn check_password(book: &mut Book, account: usize, call: &auth::CheckPassword) -> Answer {
    let enums::InputCheckPasswordSrp::Srp(proof) = &call.password else { return Err("PASSWORD_HASH_INVALID") };
    let lock = book.accounts[account].door.as_mut().and_then(|door| door.lock.as_mut());
    if !lock.ok_or("AUTH_KEY_UNREGISTERED")?.opens(proof) {
        return Err("PASSWORD_HASH_INVALID");
    }
    Ok(let_in(book, account))
}

pub fn log_out(book: &mut Book, account: usize) -> Words {
    book.accounts[account].is_signed_in = false;
    Words::new(types::auth::LoggedOut::CONSTRUCTOR_ID).put(&0_u32)
}

fn let_in(book: &mut Book, account: usize) -> Words {
    book.accounts[account].is_signed_in = true;
    Words::new(types::auth::Authorization::CONSTRUCTOR_ID).put(&0_u32).raw(&myself(book, account))
}

fn prime() -> BigUint {
    BigUint::parse_bytes(PRIME.as_bytes(), 16).unwrap()
}

fn padded(number: &BigUint) -> Vec<u8> {
    let bytes = number.to_bytes_be();
    [vec![0; 256 - bytes.len()], bytes].concat()
}

fn hash(parts: &[&[u8]]) -> Vec<u8> {
    parts.iter().fold(Sha256::new(), Digest::chain_update).finalize().to_vec()
}

/// x = SH(pbkdf2(sha512, SH(SH(password, salt1), salt2), salt1, 100000), salt2).
fn password_hash(password: &[u8]) -> Vec<u8> {
    let salted = |data: &[u8], salt: &[u8]| hash(&[salt, data, salt]);
    let first = salted(&salted(password, &SALT1), &SALT2);
    let keyed = Hmac::<Sha512>::new_from_slice(&first).unwrap();
    let round = |data: &[u8]| keyed.clone().chain_update(data).finalize().into_bytes();
    let mut last = round(&[&SALT1[..], &[0, 0, 0, 1]].concat());
    let mut sum = last;
    for _ in 1..100_000 {
        last = round(&last);
        sum.iter_mut().zip(last).for_each(|(sum, byte)| *sum ^= byte);
    }
    salted(&sum, &SALT2)
}
