//! Keeps secrets out of logs and errors (I18, S9): the second line, behind types that do not print
//! themselves.
//!
//! Invariant: what was registered, and whatever has the form of a token or a bearer credential, is
//! never written.

use std::borrow::Cow;
use std::sync::{PoisonError, RwLock};

/// Texts that must not appear anywhere.
static REGISTERED: RwLock<Vec<String>> = RwLock::new(Vec::new());

/// What stands in the place of a secret.
const MASK: &str = "***";
/// Texts shorter than this are no secrets: masking them would mask half of every line.
const SHORTEST: usize = 8;
/// Digits of a token behind its prefix.
const TOKEN_DIGITS: usize = 64;

/// Registers a secret from here on.
pub(crate) fn register(secret: &str) {
    let secret = secret.trim();
    if secret.len() < SHORTEST {
        return;
    }
    let mut registered = REGISTERED.write().unwrap_or_else(PoisonError::into_inner);
    if registered.iter().all(|known| known != secret) {
        registered.push(secret.to_owned());
    }
}

/// Returns the text without secrets.
pub(crate) fn scrub(text: &str) -> Cow<'_, str> {
    let mut clean = Cow::Borrowed(text);
    for secret in REGISTERED.read().unwrap_or_else(PoisonError::into_inner).iter() {
        if clean.contains(secret.as_str()) {
            clean = Cow::Owned(clean.replace(secret.as_str(), MASK));
        }
    }
    for (prefix, hides) in
        [("bw_", token as fn(&str) -> usize), ("Bearer ", word), ("bearer ", word)]
    {
        if clean.contains(prefix) {
            clean = Cow::Owned(mask_after(&clean, prefix, hides));
        }
    }
    clean
}

/// Masks what follows a prefix as far as `hides` says.
fn mask_after(text: &str, prefix: &str, hides: fn(&str) -> usize) -> String {
    let mut clean = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(place) = rest.find(prefix) {
        let (before, after) = rest.split_at(place + prefix.len());
        clean.push_str(before);
        let hidden = hides(after);
        if hidden > 0 {
            clean.push_str(MASK);
        }
        rest = after.get(hidden..).unwrap_or_default();
    }
    clean.push_str(rest);
    clean
}

/// How many bytes of a token's digits begin the text: all of them, or nothing where they are too
/// few to be one.
fn token(text: &str) -> usize {
    let digits = text.bytes().take_while(u8::is_ascii_hexdigit).count();
    if digits >= TOKEN_DIGITS / 4 { digits.min(TOKEN_DIGITS) } else { 0 }
}

/// How many bytes the word has that begins the text.
fn word(text: &str) -> usize {
    text.bytes().take_while(|b| b.is_ascii_graphic() && !matches!(b, b'"' | b'\'' | b',')).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// I18: tokens and credentials by their form, other secrets because they were registered.
    #[test]
    fn secrets_are_masked() {
        let token = format!("bw_{}", "0123456789abcdef".repeat(4));
        for (text, clean) in [
            (format!("token {token} refused"), "token bw_*** refused".to_owned()),
            (format!("{token}{token}"), "bw_***bw_***".to_owned()),
            (format!("a part {}", &token[..30]), "a part bw_***".to_owned()),
            (
                "Authorization: Bearer abc.def-1\r\n".to_owned(),
                "Authorization: Bearer ***\r\n".to_owned(),
            ),
            ("bw_12 is a name".to_owned(), "bw_12 is a name".to_owned()),
            ("nothing".to_owned(), "nothing".to_owned()),
        ] {
            assert_eq!(scrub(&text), clean);
        }
        register("AKFZ-secret-key-1");
        register("short");
        assert_eq!(scrub("key=AKFZ-secret-key-1, short"), "key=***, short");
    }
}
