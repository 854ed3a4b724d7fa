//! The paper broker: an account and a book of its own, durable before each answer (journal.md 18).
