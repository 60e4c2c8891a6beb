//! The flags, made of the table of settings.

use clap::builder::ValueParser;
use clap::{Arg, ArgAction, ArgMatches, Command};

use crate::config::Flags;
use crate::config::settings::{ALL, Setting, Shape};

/// Adds every setting that has a flag, to the command and all its subcommands.
///
/// Most subcommands have options of their own, which come first; `-h` shows nothing else of these.
pub fn add(command: Command) -> Command {
    let flags = || ALL.iter().filter_map(|setting| flag(setting));
    let names: Vec<String> = command.get_subcommands().map(|one| one.get_name().to_owned()).collect();
    let of_all = command.args(flags());
    names.into_iter().filter(|name| name != SERVE).fold(of_all, |command, name| {
        command.mut_subcommand(name, |one| one.args(flags().map(|flag| flag.hide_short_help(true))))
    })
}

/// The subcommand whose own options the settings are.
const SERVE: &str = "serve";

/// Over the settings, which all commands have.
const HEADING: &str = "Settings, of the server and of its data";

/// The flags that were given. Subcommands see flags that stand before and after them.
pub fn take(matches: &ArgMatches) -> Flags {
    let mut deepest = matches;
    while let Some((_, inner)) = deepest.subcommand() {
        deepest = inner;
    }
    ALL.iter().filter_map(|setting| Some((setting.id(), texts(deepest, setting)?))).collect()
}

fn texts(matches: &ArgMatches, setting: &Setting) -> Option<Vec<String>> {
    let texts = matches.get_many::<String>(setting.flag?)?;
    Some(texts.cloned().collect())
}

fn flag(setting: &'static Setting) -> Option<Arg> {
    let name = setting.flag?;
    let arg = Arg::new(name).long(name).global(true).value_name(setting.value).help(help(setting)).help_heading(HEADING);
    let arg = arg.value_parser(ValueParser::string()).allow_hyphen_values(false);
    Some(match setting.shape {
        Shape::Switch => arg.num_args(0..=1).require_equals(true).default_missing_value("true"),
        Shape::One => arg.action(ArgAction::Set),
        Shape::Many => arg.action(ArgAction::Append),
    })
}

fn help(setting: &Setting) -> String {
    match (setting.shape, setting.default) {
        (Shape::Switch, _) | (_, "") => format!("{} [env: {}]", setting.help, setting.env),
        (_, default) => format!("{} [env: {}] [default: {default}]", setting.help, setting.env),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(args: &[&str]) -> Flags {
        let command = add(Command::new("kennel").subcommand(Command::new("check")));
        command.debug_assert();
        let command = add(Command::new("kennel").subcommand(Command::new("check")));
        take(&command.try_get_matches_from(args).expect("good arguments"))
    }

    fn given(pairs: &[(&'static str, &[&str])]) -> Flags {
        pairs.iter().map(|(id, texts)| (*id, texts.iter().map(|text| (*text).to_owned()).collect())).collect()
    }

    #[test]
    fn flags_stand_before_or_after_the_command() {
        let expected = given(&[("KENNEL_HTTP", &["off"]), ("KENNEL_DATA", &["d"])]);
        assert_eq!(parse(&["kennel", "--http", "off", "check", "--data", "d"]), expected);
        assert_eq!(parse(&["kennel", "--http", "off", "--data=d"]), expected);
    }

    #[test]
    fn switches_and_lists() {
        let args = ["kennel", "--open", "--dev=false", "--host-name", "a,b", "--host-name", "c"];
        let expected = given(&[("KENNEL_OPEN", &["true"]), ("KENNEL_DEV", &["false"]), ("KENNEL_HOST_NAME", &["a,b", "c"])]);
        assert_eq!(parse(&args), expected);
    }
}
