//! Proving that a password is known without telling it: Telegram's form of SRP, <https://core.telegram.org/api/srp>.

use grammers_client::tl::{enums, types};
use grammers_crypto::two_factor_auth::{calculate_2fa, check_p_and_g};

use domain::delivery::Fault;

/// Bytes of the numbers that are reckoned with.
const WIDTH: usize = 256;

/// The proof, good once, for what `account.getPassword` has asked for. It takes about a second: not for a thread that others
/// wait for.
///
/// # Errors
/// What was asked for would give the password away, or is not understood.
pub(super) fn proof(asked: &types::account::Password, password: &[u8]) -> Result<enums::InputCheckPasswordSrp, Fault> {
    use enums::PasswordKdfAlgo::Sha256Sha256Pbkdf2Hmacsha512iter100000Sha256ModPow as Known;
    let unsafe_numbers = || Fault::rpc(400, "SRP_PARAMETERS_INVALID");
    let (Some(Known(by)), Some(theirs), Some(srp_id)) = (&asked.current_algo, &asked.srp_b, asked.srp_id) else {
        return Err(Fault::rpc(400, "SRP_ALGORITHM_UNKNOWN"));
    };
    // Whoever chose these numbers could find the password by them, unless they are a safe prime and what goes with it. The
    // library panics at others.
    let fits = by.p.len() == WIDTH && (2..=7).contains(&by.g) && is_between(theirs, &by.p);
    if !fits || !check_p_and_g(&by.p, &by.g) {
        return Err(unsafe_numbers());
    }
    // Telegram offers a random number; one's own is sure to be.
    let own: [u8; WIDTH] = std::array::from_fn(|_| rand::random());
    let (m1, a) = calculate_2fa(&by.salt1, &by.salt2, &by.p, &by.g, theirs.clone(), own.to_vec(), password);
    Ok(types::InputCheckPasswordSrp { srp_id, a: a.to_vec(), m1: m1.to_vec() }.into())
}

/// Whether a number is above 1 and below `p`.
fn is_between(number: &[u8], p: &[u8]) -> bool {
    let significant = |number: &[u8]| {
        let zeros = number.iter().take_while(|byte| **byte == 0).count();
        number[zeros..].to_vec()
    };
    let (number, p) = (significant(number), significant(p));
    number.len() <= WIDTH && number[..] > [1][..] && (number.len(), &number) < (p.len(), &p)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_that_would_give_the_password_away_are_refused() {
        let asked = |p: Vec<u8>, g: i32, theirs: Vec<u8>| types::account::Password {
            has_recovery: false,
            has_secure_values: false,
            has_password: true,
            current_algo: Some(
                types::PasswordKdfAlgoSha256Sha256Pbkdf2Hmacsha512iter100000Sha256ModPow {
                    salt1: vec![1],
                    salt2: vec![2],
                    g,
                    p,
                }
                .into(),
            ),
            srp_b: Some(theirs),
            srp_id: Some(1),
            hint: None,
            email_unconfirmed_pattern: None,
            new_algo: enums::PasswordKdfAlgo::Unknown,
            new_secure_algo: enums::SecurePasswordKdfAlgo::Unknown,
            secure_random: Vec::new(),
            pending_reset_date: None,
            login_email_pattern: None,
        };
        let refused =
            |asked| proof(&asked, b"password").is_err_and(|fault| fault.to_string() == "SRP_PARAMETERS_INVALID");
        let composite = vec![0xff; WIDTH];
        assert!(refused(asked(composite.clone(), 3, vec![5])), "no prime");
        assert!(refused(asked(vec![47], 3, vec![5])), "too short");
        assert!(refused(asked(composite.clone(), 9, vec![5])), "no such generator");
        assert!(refused(asked(composite.clone(), 3, vec![0; WIDTH])), "zero");
        assert!(refused(asked(composite.clone(), 3, composite.clone())), "not below the prime");
        assert!(refused(asked(composite, 3, vec![1; WIDTH + 1])), "too long");
    }

    #[test]
    fn numbers_are_compared_as_numbers() {
        assert!(is_between(&[0, 0, 5], &[0, 1, 0]));
        assert!(is_between(&[2], &[3]) && is_between(&[1, 0], &[1, 1]));
        assert!(
            !is_between(&[1], &[9]) && !is_between(&[0], &[9]) && !is_between(&[9], &[9]) && !is_between(&[1, 0], &[9])
        );
    }
}
