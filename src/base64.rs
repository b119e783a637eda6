//! lbase64's four functions.
