//! What players must know of a whole file.

use std::time::Duration;

use super::boxes::{put as put_box, put_full, put_u16, put_u32, put_u64, put_zeros};
use super::table::{self, TICKS, Table};

/// What players must know (section 8.2) of a file of these tracks that began then, since 1970, and what `more` writes besides.
pub fn put(tables: &[Table], began: Duration, more: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
    let end = tables.iter().map(Table::end).max().unwrap_or_default();
    let mut told = Vec::new();
    put_box(&mut told, b"moov", |out| {
        put_full(out, b"mvhd", 1, 0, |out| {
            table::put_dates(out, began);
            put_u32(out, TICKS);
            put_u64(out, table::millis(end));
            put_u32(out, 0x1_0000);
            put_u16(out, 0x100);
            put_zeros(out, 10);
            table::put_matrix(out, 0);
            put_zeros(out, 24);
            put_u32(out, u32::try_from(tables.len() + 1).unwrap_or(u32::MAX));
        });
        (1..).zip(tables).for_each(|(number, table)| table.put(out, number, began));
        more(out);
    });
    told
}
