//! Diagnostics of `delivery.toml` beside those that every config has (`config::unknown-key` and its like).

/// A password stands in the file.
pub const PASSWORD_IN_FILE: &str = "delivery::password-in-file";
/// An address that no mail can go to.
pub const ADDRESS: &str = "delivery::address";
/// A connection without protection to another machine.
pub const PLAINTEXT: &str = "delivery::plaintext";
/// Login name and password do not come together.
pub const LOGIN: &str = "delivery::login";
/// Delivery is enabled and nobody is to get anything.
pub const NOBODY: &str = "delivery::nobody";
/// Two entries of one section for the same reader.
pub const DUPLICATE_RECIPIENT: &str = "delivery::duplicate-recipient";
/// An address of a page that is none.
pub const URL: &str = "delivery::url";
/// A pattern of experiment ids that cannot be read.
pub const PATTERN: &str = "delivery::pattern";
/// PDFs are to be linked and nothing says where they are.
pub const NO_BASE_URL: &str = "delivery::no-base-url";
/// An experiment whose owner has no address.
pub const OWNER_WITHOUT_ADDRESS: &str = "delivery::owner-without-address";
/// A reader who will never get anything.
pub const MATCHES_NOTHING: &str = "delivery::matches-nothing";

/// Every code of this room.
pub const ALL: &[&str] = &[
    PASSWORD_IN_FILE,
    ADDRESS,
    PLAINTEXT,
    LOGIN,
    NOBODY,
    DUPLICATE_RECIPIENT,
    URL,
    PATTERN,
    NO_BASE_URL,
    OWNER_WITHOUT_ADDRESS,
    MATCHES_NOTHING,
];
