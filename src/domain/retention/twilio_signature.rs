//! `X-Twilio-Signature`: whether a request is Twilio's, by what only the two of us know.
//!
//! The signed text is the URL as Twilio called it, followed by each form value behind its name, names and values sorted,
//! repetitions of a pair left out. A JSON body is not in it: the URL has its hash.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;
use sha2::{Digest, Sha256};

/// A request that claims to be Twilio's.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// The URL that Twilio was given, with the query that it used, not decoded; without a fragment.
    pub url: &'a str,
    /// The form's pairs, decoded; empty for a body that is none.
    pub form: &'a [(String, String)],
    /// The body as it came.
    pub body: &'a [u8],
    /// The header `X-Twilio-Signature`.
    pub signature: &'a str,
    /// The header `X-Twilio-Webhooks-Signature-Settings`, if it came.
    pub settings: Option<&'a str>,
}

/// Whether the request was signed with `key`: the auth token, or the secret of the shared key that it names.
pub fn holds(request: &Request<'_>, key: &str) -> bool {
    let Some(is_sha256) = algorithm(request.settings) else { return false };
    if let Some(expected) = body_hash(request.url)
        && !expected.eq_ignore_ascii_case(&hex(&Sha256::digest(request.body)))
    {
        return false;
    }
    let Ok(signature) = STANDARD.decode(request.signature.trim()) else { return false };
    // Twilio signs sometimes with and sometimes without the standard port.
    spellings(request.url).iter().any(|url| {
        let text = text(url, request.form);
        // `verify_slice` takes the same time wherever the difference is.
        if is_sha256 {
            let mac = Hmac::<Sha256>::new_from_slice(key.as_bytes()).expect("HMAC takes keys of any length");
            mac.chain_update(text).verify_slice(&signature).is_ok()
        } else {
            let mac = Hmac::<Sha1>::new_from_slice(key.as_bytes()).expect("HMAC takes keys of any length");
            mac.chain_update(text).verify_slice(&signature).is_ok()
        }
    })
}

/// Whether the algorithm is SHA-256; None for an algorithm that is unknown.
fn algorithm(settings: Option<&str>) -> Option<bool> {
    let pairs = settings.unwrap_or_default().split(',').filter_map(|pair| pair.trim().split_once('='));
    let mut named = pairs.filter(|(name, _)| *name == "algorithm").map(|(_, algorithm)| algorithm);
    match named.next() {
        None | Some("HMAC_SHA1") => Some(false),
        Some("HMAC_SHA256") => Some(true),
        Some(_) => None,
    }
}

fn body_hash(url: &str) -> Option<&str> {
    let (_, query) = url.split_once('?')?;
    query.split('&').find_map(|pair| pair.strip_prefix("bodySHA256="))
}

fn text(url: &str, form: &[(String, String)]) -> String {
    let mut pairs: Vec<_> = if body_hash(url).is_some() { Vec::new() } else { form.iter().collect() };
    pairs.sort_unstable();
    pairs.dedup();
    pairs.iter().fold(url.to_owned(), |text, (name, value)| text + name + value)
}

/// The URL as it is, and with or without the port that its scheme implies.
fn spellings(url: &str) -> Vec<String> {
    let mut all = vec![url.to_owned()];
    let Some((scheme, rest)) = url.split_once("://") else { return all };
    let port = if scheme == "https" { ":443" } else { ":80" };
    let end = rest.find(['/', '?']).unwrap_or(rest.len());
    let (host, path) = rest.split_at(end);
    if let Some(host) = host.strip_suffix(port) {
        all.push(format!("{scheme}://{host}{path}"));
    } else if !host.rsplit(']').next().is_some_and(|tail| tail.contains(':')) {
        all.push(format!("{scheme}://{host}{port}{path}"));
    }
    all
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::new(), |mut digits, byte| {
        write!(digits, "{byte:02x}").expect("a string takes all");
        digits
    })
}

#[cfg(test)]
mod tests {
    use serde_json::Value as Json;

    use super::*;

    /// Made with Twilio's official libraries.
    const VECTORS: &str = include_str!("../../../tests/vectors/twilio_signature.json");

    fn check(vector: &Json, change: impl Fn(&mut String, &mut Vec<(String, String)>, &mut String)) -> bool {
        let text = |name: &str| vector[name].as_str().unwrap_or_default().to_owned();
        let form = vector["params"].as_object().cloned().unwrap_or_default();
        let mut form: Vec<_> =
            form.into_iter().map(|(name, value)| (name, value.as_str().unwrap().to_owned())).collect();
        let (mut url, mut body) = (text("url"), text("body"));
        change(&mut url, &mut form, &mut body);
        let settings = vector["algorithm"].as_str().map(|algorithm| format!("key=SK1,algorithm={algorithm}"));
        let (signature, settings) = (text("signature"), settings.as_deref());
        let request = Request { url: &url, form: &form, body: body.as_bytes(), signature: &signature, settings };
        holds(&request, &text("token"))
    }

    #[test]
    fn the_official_signatures_hold_and_nothing_else_does() {
        let vectors: Vec<Json> = serde_json::from_str(VECTORS).unwrap();
        assert!(vectors.len() >= 6);
        for vector in &vectors {
            let note = &vector["note"];
            assert!(check(vector, |_, _, _| {}), "{note}");
            assert!(check(vector, |_, form, _| form.extend(form.clone())), "{note}: repeated pairs count once");
            assert!(!check(vector, |url, _, _| url.push('x')), "{note}: another URL");
            if vector.get("body").is_some() {
                assert!(!check(vector, |_, _, body| body.push(' ')), "{note}: another body");
            } else {
                assert!(!check(vector, |_, form, _| form.push(("A".into(), "b".into()))), "{note}: another value");
            }
        }
    }

    #[test]
    fn the_standard_port_may_be_told_or_not() {
        let vectors: Vec<Json> = serde_json::from_str(VECTORS).unwrap();
        assert!(check(&vectors[0], |url, _, _| *url = url.replace("mycompany.com/", "mycompany.com:443/")));
        assert!(!check(&vectors[0], |url, _, _| *url = url.replace("mycompany.com/", "mycompany.com:444/")));
    }

    #[test]
    fn an_unknown_algorithm_and_nonsense_are_refused() {
        let request = |signature, settings| Request { url: "https://a/", form: &[], body: b"", signature, settings };
        assert!(!holds(&request("", None), "12345"));
        assert!(!holds(&request("%%%", None), "12345"));
        assert!(!holds(&request("AAAA", Some("key=a,algorithm=HMAC_MD5")), "12345"));
    }
}
