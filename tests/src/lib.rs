//! Nothing but a home for the tests in `tests/tests`: house rules, and the product as its users run it.
