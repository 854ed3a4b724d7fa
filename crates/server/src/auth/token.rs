//! The text of a token: `bw_` and 256 random bits in hexadecimal (S4).

use std::fmt;

use ring::digest;
use ring::rand::{SecureRandom, SystemRandom};

use super::error::AuthError;

/// What every token begins with, so that one is recognised where it should not be.
pub(super) const PREFIX: &str = "bw_";

/// Days for which a token is valid unless another number is asked for.
pub const DEFAULT_DAYS: u16 = 30;
/// Most days for which a token may be valid (S4).
pub const MAX_DAYS: u16 = 90;

const BYTES: usize = 32;

/// The text of a token; printing it for debugging shows nothing (I18).
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Makes a new one.
    ///
    /// # Errors
    /// The operating system gives no random numbers.
    pub fn random() -> Result<Self, AuthError> {
        let mut bytes = [0; BYTES];
        SystemRandom::new().fill(&mut bytes).map_err(|_| AuthError::NoRandom)?;
        let digits = bytes.iter().map(|byte| format!("{byte:02x}"));
        Ok(Self(PREFIX.to_owned() + &digits.collect::<String>()))
    }

    /// Takes a text that has the form of a token; `None` for any other.
    pub fn read(text: &str) -> Option<Self> {
        let digits = text.strip_prefix(PREFIX)?;
        let lower_hex = |b: u8| b.is_ascii_digit() || (b'a'..=b'f').contains(&b);
        let well_formed = digits.len() == 2 * BYTES && digits.bytes().all(lower_hex);
        well_formed.then(|| Self(text.to_owned()))
    }

    /// Returns the text, to be shown once or sent.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Returns the hash under which it is stored. 256 random bits need no salt and no slow hash.
    pub(super) fn hash(&self) -> TokenHash {
        let digest = digest::digest(&digest::SHA256, self.0.as_bytes());
        let mut hash = [0; 32];
        hash.copy_from_slice(digest.as_ref());
        hash
    }
}

/// SHA-256 of a token's text.
pub(super) type TokenHash = [u8; 32];

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// S4, I18: 256 bits behind a prefix, never the same, not shown by accident.
    #[test]
    fn tokens_have_their_form() {
        let (a, b) = (Secret::random().unwrap(), Secret::random().unwrap());
        assert_ne!(a, b);
        assert_eq!(a.expose().len(), 3 + 64);
        assert_eq!(Secret::read(a.expose()), Some(a.clone()));
        assert_eq!(format!("{a:?}"), "***");
        for bad in ["", "bw_", "bw_12", &a.expose().to_uppercase(), &format!("{}0", a.expose())] {
            assert_eq!(Secret::read(bad), None, "{bad}");
        }
    }
}
