//! Whether there is room for a recording to begin.

use media::limit::RECORD_SPACE_BEGIN_BYTES;

use super::Shelf;

impl Shelf {
    /// How many bytes are missing for a recording to begin; none: there is room, or nobody knows, and then writing shows it.
    pub async fn missing_bytes(&self) -> Option<u64> {
        let files = self.files().clone();
        let disk = tokio::task::spawn_blocking(move || files.space()).await;
        disk.ok().and_then(Result::ok).and_then(|disk| missing(disk.free))
    }
}

/// Says so to whoever wanted to record.
#[must_use]
pub fn words(missing: u64) -> String {
    format!(
        "The disk for recordings is too full: {RECORD_SPACE_BEGIN_BYTES} bytes must be free for one to begin, and {missing} of them are \
         missing. Delete recordings, or give Kennel a folder on a larger disk."
    )
}

fn missing(free: u64) -> Option<u64> {
    RECORD_SPACE_BEGIN_BYTES.checked_sub(free).filter(|missing| *missing > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_is_counted() {
        assert_eq!(missing(RECORD_SPACE_BEGIN_BYTES - 4_321), Some(4_321));
        assert_eq!([missing(RECORD_SPACE_BEGIN_BYTES), missing(u64::MAX)], [None; 2]);
        assert!(words(4_321).contains(" 4321 of them"));
    }
}
