//! Reads files whose paths come from outside.

use std::fs;
use std::path::Path;

use crate::text::printable;

/// Reads a file of at most `max_bytes`. Does not block.
///
/// # Errors
/// A text that says what is wrong with the file. It contains the path.
pub fn read(path: &Path, max_bytes: u64) -> Result<Vec<u8>, String> {
    let name = printable(&path.display().to_string());
    let cannot_be_read = |problem| format!("cannot be read: {name}: {problem}");
    // Checked before the file is opened, because opening a pipe may block. Reading one of the
    // kernel's files may block too, but their size is 0.
    let metadata = fs::metadata(path).map_err(cannot_be_read)?;
    if metadata.is_dir() {
        return Err(format!("is a directory, not a file: {name}"));
    }
    if !metadata.is_file() {
        return Err(format!("is not a regular file: {name}"));
    }
    match metadata.len() {
        0 => Err(format!("is empty: {name}")),
        length if length > max_bytes => {
            Err(format!("is larger than {} MiB: {name}", max_bytes >> 20))
        }
        _ => fs::read(path).map_err(cannot_be_read),
    }
}
