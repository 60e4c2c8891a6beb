//! A drawing as text (SVG 1.1), readable on light and on dark pages.

/// Colours by what they stand for: first on light pages, then on dark ones.
const COLOURS: [(&str, &str, &str); 6] = [
    ("page", "#ffffff", "#15181d"),
    ("ink", "#1d2330", "#e6e9ef"),
    ("quiet", "#59616f", "#a3acbb"),
    ("rule", "#d5d9e0", "#3a414d"),
    ("first", "#1f5fbf", "#7fb2ff"),
    ("second", "#b04a00", "#ffad66"),
];

/// What a drawing's servers are drawn with, in turn.
pub const SERVERS: [&str; 2] = ["first", "second"];

/// Where a text stands: begins, has its middle or ends.
#[derive(Clone, Copy, Debug)]
pub enum Anchor {
    /// It begins there.
    Start,
    /// Its middle is there.
    Middle,
    /// It ends there.
    End,
}

/// A drawing that grows.
pub struct Svg {
    width: f64,
    height: f64,
    title: String,
    body: String,
}

impl Svg {
    /// An empty one of this size, in pixels.
    pub fn new(width: f64, height: f64, title: &str) -> Self {
        Svg { width, height, title: title.to_owned(), body: String::new() }
    }

    /// A line in the colour of this name.
    pub fn line(&mut self, (x1, y1): (f64, f64), (x2, y2): (f64, f64), colour: &str, thick: f64) {
        self.body +=
            &format!(r#"<line class="s-{colour}" x1="{x1:.1}" y1="{y1:.1}" x2="{x2:.1}" y2="{y2:.1}" stroke-width="{thick}"/>"#);
        self.body.push('\n');
    }

    /// A rectangle.
    pub fn bar(&mut self, (x, y): (f64, f64), (width, height): (f64, f64), colour: &str) {
        self.body += &format!(r#"<rect class="f-{colour}" x="{x:.1}" y="{y:.1}" width="{width:.1}" height="{height:.1}"/>"#);
        self.body.push('\n');
    }

    /// A mark: of each server another shape, so that no colour is needed to tell them apart.
    pub fn mark(&mut self, (x, y): (f64, f64), server: usize) {
        let colour = SERVERS[server % SERVERS.len()];
        if server == 0 {
            self.body += &format!(r#"<circle class="f-{colour}" cx="{x:.1}" cy="{y:.1}" r="4.5"/>"#);
            self.body.push('\n');
        } else {
            self.bar((x - 4.0, y - 4.0), (8.0, 8.0), colour);
        }
    }

    /// A text in this size.
    pub fn text(&mut self, (x, y): (f64, f64), anchor: Anchor, colour: &str, size: f64, text: &str) {
        let anchor = match anchor {
            Anchor::Start => "start",
            Anchor::Middle => "middle",
            Anchor::End => "end",
        };
        let text = escape(text);
        self.body +=
            &format!(r#"<text class="f-{colour}" x="{x:.1}" y="{y:.1}" text-anchor="{anchor}" font-size="{size}">{text}</text>"#);
        self.body.push('\n');
    }

    /// The whole.
    pub fn finish(self) -> String {
        let Svg { width, height, title, body } = self;
        let rules = |dark: bool| -> String {
            let rule = |(name, on_light, on_dark): &(&str, &str, &str)| {
                let colour = if dark { on_dark } else { on_light };
                format!(".f-{name}{{fill:{colour}}}.s-{name}{{stroke:{colour}}}")
            };
            COLOURS.iter().map(rule).collect()
        };
        let style = format!("{}@media(prefers-color-scheme:dark){{{}}}", rules(false), rules(true));
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" height=\"{height}\" role=\"img\" \
             font-family=\"system-ui,sans-serif\">\n<title>{}</title>\n<style>{style}</style>\n\
             <rect class=\"f-page\" width=\"{width}\" height=\"{height}\"/>\n{body}</svg>\n",
            escape(&title)
        )
    }
}

fn escape(text: &str) -> String {
    // Other control characters than these are none in XML.
    let text: String = text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect();
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_not_taken_for_marks() {
        let mut svg = Svg::new(10.0, 10.0, "a & b");
        svg.text((1.0, 2.0), Anchor::End, "ink", 12.0, "1 < 2");
        let text = svg.finish();
        assert!(text.contains("<title>a &amp; b</title>") && text.contains(">1 &lt; 2</text>"), "{text}");
    }

    #[test]
    fn every_colour_is_there_for_light_and_for_dark_pages() {
        let text = Svg::new(10.0, 10.0, "t").finish();
        for (name, light, dark) in COLOURS {
            assert!(text.contains(&format!(".f-{name}{{fill:{light}}}")), "{name}");
            assert!(text.contains(&format!(".f-{name}{{fill:{dark}}}")), "{name}");
        }
    }

    /// How much lighter one is than the other, by the rules for readable pages (WCAG 2.2, 1.4.3 and 1.4.11).
    fn contrast(one: &str, other: &str) -> f64 {
        let light = |colour: &str| {
            let value = |at: usize| {
                let byte = u8::from_str_radix(&colour[at..at + 2], 16).expect("a colour");
                let share = f64::from(byte) / 255.0;
                if share <= 0.040_45 { share / 12.92 } else { ((share + 0.055) / 1.055).powf(2.4) }
            };
            0.2126 * value(1) + 0.7152 * value(3) + 0.0722 * value(5) + 0.05
        };
        let (one, other) = (light(one), light(other));
        one.max(other) / one.min(other)
    }

    #[test]
    fn what_is_to_be_read_can_be_read() {
        let (_, light_page, dark_page) = COLOURS[0];
        for (name, light, dark) in COLOURS.iter().filter(|(name, ..)| !["page", "rule"].contains(name)) {
            let least = contrast(light, light_page).min(contrast(dark, dark_page));
            assert!(least >= 4.5, "{name}: {least:.1}");
        }
    }
}
