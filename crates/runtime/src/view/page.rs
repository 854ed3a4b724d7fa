//! Pages of long lists: newest first, with a cursor that stays right while the list grows.

use serde::Serialize;

/// Most rows of one page (S7).
pub const MAX_PAGE: usize = 1_000;

/// A part of a list.
#[derive(Clone, PartialEq, Debug, Serialize, utoipa::ToSchema)]
pub struct Page<T> {
    /// The rows, newest first.
    pub items: Vec<T>,
    /// What to ask for to get the next older rows; null at the end.
    pub next_cursor: Option<String>,
}

impl<T: Clone> Page<T> {
    /// Takes at most `limit` rows with a key below `before` from a list that is given newest first.
    ///
    /// `key` is unique and falls along the list, so that rows that come meanwhile move nothing.
    pub fn of<'a>(
        rows: impl Iterator<Item = &'a T>,
        key: impl Fn(&T) -> u64,
        before: Option<u64>,
        limit: usize,
    ) -> Self
    where
        T: 'a,
    {
        let limit = limit.clamp(1, MAX_PAGE);
        let mut older = rows.filter(|row| before.is_none_or(|before| key(row) < before));
        let items: Vec<T> = older.by_ref().take(limit).cloned().collect();
        let more = older.next().is_some();
        let next_cursor = items.last().filter(|_| more).map(|row| key(row).to_string());
        Self { items, next_cursor }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Contract.md 6: pages follow one another without a row twice or missing, also when rows come
    /// in between.
    #[test]
    fn pages_follow_one_another() {
        let mut rows: Vec<u64> = (1..=10).collect();
        let page = |rows: &[u64], before| Page::of(rows.iter().rev(), |&row| row, before, 4);
        let first = page(&rows, None);
        assert_eq!((first.items, first.next_cursor.as_deref()), (vec![10, 9, 8, 7], Some("7")));
        rows.push(11);
        let second = page(&rows, Some(7));
        assert_eq!((second.items, second.next_cursor.as_deref()), (vec![6, 5, 4, 3], Some("3")));
        let last = page(&rows, Some(3));
        assert_eq!((last.items, last.next_cursor), (vec![2, 1], None));
        assert_eq!(page(&[], None).items, [0; 0]);
    }
}
