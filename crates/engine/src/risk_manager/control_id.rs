//! The ids of the controls in safety.md section 2.

use std::fmt;

/// A control: `C01` to `C42`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct ControlId(pub u8);

impl ControlId {
    /// How many controls there are.
    pub const COUNT: u8 = 42;

    /// Returns all ids in order.
    pub fn all() -> impl Iterator<Item = Self> {
        (1..=Self::COUNT).map(Self)
    }

    /// Reads an id such as `C07`; `None` when there is no such control.
    pub fn from_name(name: &str) -> Option<Self> {
        let number = name.strip_prefix('C').filter(|digits| digits.len() == 2)?.parse().ok()?;
        (1..=Self::COUNT).contains(&number).then_some(Self(number))
    }
}

impl fmt::Display for ControlId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "C{:02}", self.0)
    }
}

impl model::record::Value for ControlId {
    fn put(&self, tag: u32, writer: &mut model::record::Writer) {
        self.0.put(tag, writer);
    }

    fn get(
        &mut self,
        field: &model::record::Field<'_>,
    ) -> Option<Result<(), model::record::DecodeError>> {
        self.0.get(field)
    }
}
