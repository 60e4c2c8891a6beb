//! Whether what is asked for is among what was recorded: a film that is black, or silent, is made only of what was so.

use std::collections::BTreeSet;

use compose::Order;
use compose::sources::{Pattern, SourceNames, Sources};
use store::{RecordedKind, RecordingRow};

use super::limit::NAMES_TOLD_MAX;
use super::material;

/// What is asked for and is not there, though there is some of its kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Misfit {
    /// Sound, or pictures.
    pub sound: bool,
    /// By which names it is asked for, separated by commas.
    pub asked: String,
    /// What there is, in quotes, separated by commas; of many the first.
    pub there: String,
}

impl Misfit {
    /// Why a composition cannot be made, for whoever asked for it by either of the parameters.
    #[must_use]
    pub fn words(&self) -> String {
        let Misfit { asked, there, .. } = self;
        match self.sound {
            true => format!("no sound fits {asked} (AudioSources, sound): there is {there}"),
            false => format!("no picture fits {asked} (VideoLayout, layout): there is {there}"),
        }
    }
}

/// The first of sound and pictures of which something is asked for, some was recorded, and nothing fits.
#[must_use]
pub fn misfit(order: &Order, rows: &[RecordingRow]) -> Option<Misfit> {
    let named = |kind| rows.iter().filter(move |row| row.kind == kind).filter_map(material::names).collect::<Vec<_>>();
    let regions: Vec<&Sources> = order.layout.regions.iter().map(|region| &region.sources).collect();
    of_kind(true, &[&order.audio], &named(RecordedKind::Audio)).or_else(|| of_kind(false, &regions, &named(RecordedKind::Video)))
}

fn of_kind(sound: bool, wanted: &[&Sources], there: &[SourceNames]) -> Option<Misfit> {
    let asked: Vec<&str> = wanted.iter().flat_map(|sources| &sources.include).map(Pattern::as_str).collect();
    let fits = there.iter().any(|names| wanted.iter().any(|sources| sources.matches(names)));
    if asked.is_empty() || there.is_empty() || fits {
        return None;
    }
    let names: BTreeSet<&str> = there.iter().map(|names| names.name.as_str()).collect();
    let more = if names.len() > NAMES_TOLD_MAX { ", …" } else { "" };
    let first = names.iter().take(NAMES_TOLD_MAX).map(|name| format!("{name:?}")).collect::<Vec<_>>().join(", ");
    Some(Misfit { sound, asked: asked.join(","), there: format!("{first}{more}") })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(names: &[&str]) -> Vec<SourceNames> {
        names.iter().map(|name| SourceNames { name: (*name).into(), ..SourceNames::default() }).collect()
    }

    fn wanted(include: &str, exclude: &[&str]) -> Sources {
        let exclude: Vec<String> = exclude.iter().map(ToString::to_string).collect();
        Sources::read(("a", &[include.to_owned()]), ("b", &exclude)).expect("good")
    }

    #[test]
    fn what_fits_nothing_is_named_with_what_there_is() {
        let there = rows(&["mic", "bark", "mic"]);
        let misfit = |sources: &[&Sources]| of_kind(true, sources, &there);
        assert_eq!(misfit(&[&wanted("mi*", &[])]), None);
        assert_eq!(misfit(&[&wanted("zzz", &[]), &wanted("*", &["mic"])]), None, "one of several is enough");
        let words = misfit(&[&wanted("zzz", &[])]).expect("nothing is called so").words();
        assert_eq!(words, r#"no sound fits zzz (AudioSources, sound): there is "bark", "mic""#);
        let pictures = of_kind(false, &[&wanted("a", &[]), &wanted("b*", &[])], &rows(&["cam"])).expect("no such picture");
        assert_eq!(pictures.words(), r#"no picture fits a,b* (VideoLayout, layout): there is "cam""#);
    }

    #[test]
    fn where_there_is_none_at_all_or_none_is_asked_for_all_is_well() {
        assert_eq!(of_kind(true, &[&wanted("*", &[])], &[]), None);
        assert_eq!(of_kind(false, &[], &rows(&["cam"])), None);
        assert_eq!(of_kind(true, &[&Sources::default()], &rows(&["mic"])), None);
    }

    #[test]
    fn of_many_names_the_first_are_told() {
        let names: Vec<String> = (0..=NAMES_TOLD_MAX).map(|at| format!("mic {at:03}")).collect();
        let there = rows(&names.iter().map(String::as_str).collect::<Vec<_>>());
        let misfit = of_kind(true, &[&wanted("zzz", &[])], &there).expect("nothing is called so");
        assert_eq!(misfit.there.matches("mic").count(), NAMES_TOLD_MAX);
        assert!(misfit.there.ends_with(", …"));
    }
}
