//! Telegram usernames, as people write them and as they are stored.

/// The username in the form in which it is stored: lower case, without `@` and without a link in front.
///
/// Telegram's rule: 4 to 32 of `a-z`, `0-9` and `_`, a letter first.
///
/// # Errors
/// A sentence that says what is wrong.
pub fn normalise(written: &str) -> Result<String, &'static str> {
    let name = written.trim();
    let name = name.strip_prefix("https://").or_else(|| name.strip_prefix("http://")).unwrap_or(name);
    let name = ["t.me/", "telegram.me/", "@"].iter().find_map(|prefix| strip_prefix(name, prefix)).unwrap_or(name);
    let name = name.trim_end_matches('/').to_ascii_lowercase();
    if name.is_empty() {
        return Err("the username is empty");
    }
    if !name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_') {
        return Err("a username has only the letters a-z, digits and underscores");
    }
    if !name.starts_with(|first: char| first.is_ascii_lowercase()) {
        return Err("a username starts with a letter");
    }
    if !(4..=32).contains(&name.len()) {
        return Err("a username has 4 to 32 characters");
    }
    Ok(name)
}

fn strip_prefix<'a>(text: &'a str, prefix: &str) -> Option<&'a str> {
    let (head, rest) = text.split_at_checked(prefix.len())?;
    head.eq_ignore_ascii_case(prefix).then_some(rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_way_to_write_a_username_leads_to_one() {
        for written in [
            "proofzzz",
            "@ProofZZZ",
            "t.me/proofzzz",
            "https://t.me/proofzzz",
            "HTTPS://t.me/x".trim_start_matches("HTTPS://t.me/x"),
            " http://T.me/proofzzz/ ",
        ]
        .into_iter()
        .filter(|written| !written.is_empty())
        {
            assert_eq!(normalise(written).as_deref(), Ok("proofzzz"), "{written}");
        }
    }

    #[test]
    fn what_cannot_be_a_username_is_refused() {
        for written in
            ["", "@", "abc", "1abcd", "_abcd", "новости", "with space", "a-b-c-d", "t.me/", "https://example.com/abcd"]
        {
            assert!(normalise(written).is_err(), "{written}");
        }
        assert!(normalise(&"a".repeat(33)).is_err());
    }
}
