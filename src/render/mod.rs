//! Documents as files: every function here takes a document and gives bytes.

pub mod email;
pub mod html;
pub mod pdf;
