//! How large a picture is asked for.

use crate::Refused;
use crate::limit::{PIXELS_MAX, SIDE_MAX, SIDE_MIN};

/// What is made where nothing is asked for.
pub const USUAL: (u16, u16) = (640, 480);

/// Width and height in pixels, as `640x480` says them.
///
/// # Errors
/// [`Refused`] unless it is two numbers of 16 to 1920 whose product is 1920x1080 at most.
pub fn read(text: &str) -> Result<(u16, u16), Refused> {
    let (width, height) = text.split_once('x').ok_or_else(refused)?;
    let (width, height) = (side(width).ok_or_else(refused)?, side(height).ok_or_else(refused)?);
    if u32::from(width) * u32::from(height) > PIXELS_MAX {
        return Err(refused());
    }
    Ok((width, height))
}

fn side(text: &str) -> Option<u16> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|side| digits && (SIDE_MIN..=SIDE_MAX).contains(side))
}

fn refused() -> Refused {
    Refused::new("Resolution", "must be {width}x{height}, each of 16 to 1920 pixels, and 1920x1080 pixels at most")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read() {
        let check = |text: &str, expected: Option<(u16, u16)>| {
            let read = read(text);
            assert_eq!(read.clone().ok(), expected, "{text}");
            assert!(read.is_ok() || read.is_err_and(|refused| refused.parameter == "Resolution"));
        };
        check("640x480", Some((640, 480)));
        check("16x16", Some((16, 16)));
        check("1280x720", Some((1280, 720)));
        check("1920x1080", Some((1920, 1080)));
        check("1080x1920", Some((1080, 1920)));
        check("1920x1081", None);
        check("1921x16", None);
        check("15x640", None);
        check("640X480", None);
        check("640x", None);
        check("x480", None);
        check("640x480x2", None);
        check("+640x480", None);
        check(" 640x480", None);
        check("99999x16", None);
        check("", None);
    }
}
