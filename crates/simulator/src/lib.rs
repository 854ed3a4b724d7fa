//! The simulated exchange: fill models, costs and a seeded market generator
