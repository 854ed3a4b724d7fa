//! Request bodies: JSON of bounded size, depth and time (S7).

use std::time::Duration;

use axum::extract::{FromRequest, Request};
use serde::de::DeserializeOwned;

use crate::problem::Problem;

/// Most bytes of a body.
const MOST: usize = 64 * 1024;
/// Deepest nesting of a body.
const DEPTH: usize = 32;
/// How long a body may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// A body that was read; an empty one is an empty object.
#[derive(Debug)]
pub(crate) struct Body<T>(pub(crate) T);

impl<T: DeserializeOwned, S: Sync> FromRequest<S> for Body<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        let read = axum::body::to_bytes(request.into_body(), MOST);
        let bytes = match tokio::time::timeout(PATIENCE, read).await {
            Ok(Ok(bytes)) => bytes,
            Ok(Err(_)) => return Err(Problem::too_large()),
            Err(_) => return Err(Problem::too_slow()),
        };
        let bytes: &[u8] = if bytes.is_empty() { b"{}" } else { &bytes };
        if depth(bytes) > DEPTH {
            return Err(Problem::bad(format!("the JSON is nested more than {DEPTH} deep (S7)")));
        }
        let read = serde_json::from_slice(bytes);
        read.map(Self).map_err(|error| Problem::bad(format!("the body: {error}")))
    }
}

/// Returns how deep brackets outside of texts are nested.
fn depth(json: &[u8]) -> usize {
    let (mut deepest, mut open, mut in_text, mut escaped) = (0_usize, 0_usize, false, false);
    for byte in json {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_text => escaped = true,
            b'"' => in_text = !in_text,
            b'{' | b'[' if !in_text => {
                open += 1;
                deepest = deepest.max(open);
            }
            b'}' | b']' if !in_text => open = open.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn depth_counts_brackets_outside_of_texts() {
        for (json, expected) in
            [("1", 0), ("{}", 1), (r#"{"a":[1,{"b":2}]}"#, 3), (r#"["[[[", "\"[["]"#, 1), ("]]", 0)]
        {
            assert_eq!(depth(json.as_bytes()), expected, "{json}");
        }
    }
}
