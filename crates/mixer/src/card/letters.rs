//! In what form and order the letters of a name are drawn: those of Arabic join, and what is read from the right begins at the right.

use unicode_bidi::{BidiInfo, Level};

/// Letters of the Arabic script in the forms that they have beside their neighbours (Unicode, "Arabic Presentation Forms"), as far as a
/// font has those. Vowel signs are left out.
pub(super) fn joined(text: &[char], has: impl Fn(char) -> bool) -> Vec<char> {
    let text: Vec<char> = text.iter().copied().filter(|c| !is_sign(*c)).collect();
    let (mut out, mut reaches, mut n) = (Vec::with_capacity(text.len()), false, 0);
    while let Some(c) = text.get(n).copied() {
        let next = text.get(n + 1).copied();
        if let Some(both) = next.filter(|_| c == LAM).and_then(lam_with).filter(|both| has(*both)) {
            out.push(form(both, reaches, false));
            (reaches, n) = (false, n + 2);
            continue;
        }
        let (joins, to_next) = (joining(c), next.and_then(joining).is_some());
        let goes_on = joins.is_some_and(|(_, both_sides)| both_sides) && to_next;
        let drawn = joins.map_or(c, |(first, _)| form(first, reaches, goes_on));
        out.push(if has(drawn) { drawn } else { c });
        (reaches, n) = (goes_on, n + 1);
    }
    out
}

/// The same from left to right (Unicode's bidirectional algorithm), brackets turned where they must be.
pub(super) fn in_visual_order(text: &[char]) -> Vec<char> {
    let line: String = text.iter().collect();
    let info = BidiInfo::new(&line, None);
    let Some(all) = info.paragraphs.first() else { return Vec::new() };
    let levels = info.reordered_levels_per_char(all, all.range.clone());
    let order = BidiInfo::reorder_visual(&levels);
    let letter = |n: usize| {
        let rtl = levels.get(n).is_some_and(Level::is_rtl);
        text.get(n).map(|c| if rtl { mirrored(*c) } else { *c })
    };
    order.into_iter().filter_map(letter).collect()
}

const LAM: char = '\u{644}';

/// Lam and one of the four alefs are one letter: its form alone.
fn lam_with(alef: char) -> Option<char> {
    Some(match alef {
        '\u{622}' => '\u{fef5}',
        '\u{623}' => '\u{fef7}',
        '\u{625}' => '\u{fef9}',
        '\u{627}' => '\u{fefb}',
        _ => return None,
    })
}

/// The forms of a letter follow one another: alone, at the end, at the beginning, in the middle.
fn form(alone: char, reached: bool, goes_on: bool) -> char {
    let step = u32::from(reached) + 2 * u32::from(goes_on);
    char::from_u32(u32::from(alone) + step).unwrap_or(alone)
}

/// A letter's form alone, and whether it joins the next one, as it does the one before. None for what never joins.
fn joining(c: char) -> Option<(char, bool)> {
    let at = LETTERS.iter().find(|(letter, _, _)| *letter == c)?;
    Some((at.1, at.2))
}

/// Arabic, and what Persian and Urdu have besides.
const LETTERS: [(char, char, bool); 48] = [
    ('\u{622}', '\u{fe81}', false),
    ('\u{623}', '\u{fe83}', false),
    ('\u{624}', '\u{fe85}', false),
    ('\u{625}', '\u{fe87}', false),
    ('\u{626}', '\u{fe89}', true),
    ('\u{627}', '\u{fe8d}', false),
    ('\u{628}', '\u{fe8f}', true),
    ('\u{629}', '\u{fe93}', false),
    ('\u{62a}', '\u{fe95}', true),
    ('\u{62b}', '\u{fe99}', true),
    ('\u{62c}', '\u{fe9d}', true),
    ('\u{62d}', '\u{fea1}', true),
    ('\u{62e}', '\u{fea5}', true),
    ('\u{62f}', '\u{fea9}', false),
    ('\u{630}', '\u{feab}', false),
    ('\u{631}', '\u{fead}', false),
    ('\u{632}', '\u{feaf}', false),
    ('\u{633}', '\u{feb1}', true),
    ('\u{634}', '\u{feb5}', true),
    ('\u{635}', '\u{feb9}', true),
    ('\u{636}', '\u{febd}', true),
    ('\u{637}', '\u{fec1}', true),
    ('\u{638}', '\u{fec5}', true),
    ('\u{639}', '\u{fec9}', true),
    ('\u{63a}', '\u{fecd}', true),
    ('\u{641}', '\u{fed1}', true),
    ('\u{642}', '\u{fed5}', true),
    ('\u{643}', '\u{fed9}', true),
    ('\u{644}', '\u{fedd}', true),
    ('\u{645}', '\u{fee1}', true),
    ('\u{646}', '\u{fee5}', true),
    ('\u{647}', '\u{fee9}', true),
    ('\u{648}', '\u{feed}', false),
    ('\u{649}', '\u{feef}', false),
    ('\u{64a}', '\u{fef1}', true),
    ('\u{679}', '\u{fb66}', true),
    ('\u{67e}', '\u{fb56}', true),
    ('\u{686}', '\u{fb7a}', true),
    ('\u{688}', '\u{fb88}', false),
    ('\u{691}', '\u{fb8c}', false),
    ('\u{698}', '\u{fb8a}', false),
    ('\u{6a9}', '\u{fb8e}', true),
    ('\u{6af}', '\u{fb92}', true),
    ('\u{6ba}', '\u{fb9e}', false),
    ('\u{6be}', '\u{fbaa}', true),
    ('\u{6c1}', '\u{fba6}', true),
    ('\u{6cc}', '\u{fbfc}', true),
    ('\u{6d2}', '\u{fbae}', false),
];

/// Signs above and below the letters of Hebrew and Arabic, which names are read without, and the stroke that only makes a word longer.
fn is_sign(c: char) -> bool {
    let hebrew = matches!(c, '\u{591}'..='\u{5bd}' | '\u{5bf}' | '\u{5c1}' | '\u{5c2}' | '\u{5c4}' | '\u{5c5}' | '\u{5c7}');
    hebrew || matches!(c, '\u{610}'..='\u{61a}' | '\u{640}' | '\u{64b}'..='\u{65f}' | '\u{670}' | '\u{6d6}'..='\u{6dc}')
}

fn mirrored(c: char) -> char {
    const PAIRS: [(char, char); 5] = [('(', ')'), ('[', ']'), ('{', '}'), ('<', '>'), ('«', '»')];
    let other = PAIRS.iter().find_map(|(one, two)| if c == *one { Some(*two) } else { (c == *two).then_some(*one) });
    other.unwrap_or(c)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_order(text: &str, drawn: &str) {
        let text: Vec<char> = text.chars().collect();
        assert_eq!(in_visual_order(&text).iter().collect::<String>(), drawn);
    }

    #[test]
    fn what_is_read_from_the_right_begins_there() {
        check_order("Anna", "Anna");
        check_order("", "");
        check_order("\u{5d0}\u{5d1}\u{5d2}", "\u{5d2}\u{5d1}\u{5d0}");
        check_order("Anna \u{5d0}\u{5d1}", "Anna \u{5d1}\u{5d0}");
        check_order("\u{5d0}\u{5d1} Anna", "Anna \u{5d1}\u{5d0}");
        check_order("\u{5d0}\u{5d1} 12", "12 \u{5d1}\u{5d0}");
        check_order("\u{5d0} (\u{5d1})", "(\u{5d1}) \u{5d0}");
        check_order("\u{5d0}\u{5d1}…", "…\u{5d1}\u{5d0}");
    }

    #[track_caller]
    fn check_joined(text: &str, drawn: &str) {
        let text: Vec<char> = text.chars().collect();
        assert_eq!(joined(&text, |_| true).iter().collect::<String>(), drawn, "{:?}", text.iter().collect::<String>());
    }

    #[test]
    fn arabic_letters_join_their_neighbours() {
        check_joined("Anna \u{5d0}", "Anna \u{5d0}");
        check_joined("\u{628}", "\u{fe8f}");
        // Salam: the lam and the alef are one.
        check_joined("\u{633}\u{644}\u{627}\u{645}", "\u{feb3}\u{fefc}\u{fee1}");
        // Muhammad, with its vowel signs.
        check_joined("\u{645}\u{64f}\u{62d}\u{64e}\u{645}\u{651}\u{62f}", "\u{fee3}\u{fea4}\u{fee4}\u{feaa}");
        // Two words, and letters that join nobody after them.
        check_joined("\u{646}\u{648}\u{631} \u{62f}", "\u{fee7}\u{feee}\u{fead} \u{fea9}");
        check_joined("\u{67e}\u{6cc}", "\u{fb58}\u{fbfd}");
        // Kept apart by what is not seen.
        check_joined("\u{628}\u{200c}\u{628}", "\u{fe8f}\u{200c}\u{fe8f}");
    }

    #[test]
    fn forms_that_a_font_lacks_stay_plain_letters() {
        let text = ['\u{644}', '\u{627}'];
        assert_eq!(joined(&text, |c| !('\u{fe70}'..='\u{feff}').contains(&c)), text);
    }
}
