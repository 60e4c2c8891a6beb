//! `kennel compose`: one film of what was recorded in a room. It reads the history and the recordings and writes nothing but its file, so
//! it may run beside a server, whose own list of compositions does not change.

use std::io::{self, IsTerminal, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use ::compose::{Order, Progress};
use sealed::Sealing;
use serde_json::{Map, Value};
use store::{NameOrId, Page, RecordingRow, RoomFilter, RoomRow, Store, StoredKind};
use twilio::rest::{Format, Wish};
use twilio::sid;

use crate::bucket::Depot;
use crate::config::{Config, LogFormat};
use crate::keyring;
use crate::shelf::files::Files;
use crate::studio::fit::{self, Misfit};
use crate::studio::limit::SPACE_LEAST_BYTES;
use crate::studio::wish::Part;
use crate::studio::work::{self, Ended, Job, Made};
use crate::studio::{material, wish};
use crate::{clock, history, logging};

/// What `kennel compose` takes besides the settings.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// The room: its SID, or its name, which means the last room of that name that was recorded
    #[arg(long)]
    room: String,
    /// Whose pictures are where, as JSON or as @FILE; without this, everybody side by side
    #[arg(long)]
    layout: Option<String>,
    /// Whose sound: RT, MT and PA SIDs or names of tracks, with one * at the start or the end
    #[arg(long, value_delimiter = ',', default_value = "*")]
    sound: Vec<String>,
    /// Width and height in pixels
    #[arg(long, default_value = "640x480")]
    resolution: String,
    /// The kind of file: webm or mp4; without this, what the name of the output ends in
    #[arg(long, value_parser = format_of)]
    format: Option<Format>,
    /// Keep times in which nothing was recorded
    #[arg(long)]
    keep_gaps: bool,
    /// The file to be made, which must not be there
    #[arg(long)]
    output: PathBuf,
}

/// What a layout looks like, for whoever wrote none.
const LAYOUT_HINT: &str = r#"It is regions by name, such as {"main":{"video_sources":["*"]}}."#;

/// Rooms of one name that are looked at.
const ROOMS_LOOKED_AT: usize = 100;

/// Makes the film. The exit code is 1 if that failed.
pub fn run(config: Config, args: &Args) -> ExitCode {
    logging::start("warn", LogFormat::Human);
    match make(&config, args) {
        Ok(said) => {
            println!("{said}");
            ExitCode::SUCCESS
        }
        Err(why) => {
            eprintln!("{why}");
            ExitCode::FAILURE
        }
    }
}

fn make(config: &Config, args: &Args) -> Result<String, String> {
    let wish = wish_of(args)?;
    let order = wish::order(&wish).map_err(|refused| format!("{refused}."))?;
    let part = unfinished(&args.output);
    check_folder(&args.output)?;
    if let Some(there) = [&args.output, &part].into_iter().find(|path| path.exists()) {
        return Err(format!("{} is there already. Choose another --output.", there.display()));
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
    let runtime = runtime.map_err(|problem| format!("The system gives Kennel no threads: {problem}."))?;
    runtime.block_on(async {
        let (recordings, files) = look_up(config, &args.room).await?;
        let count = recordings.len();
        check_fits(&order, &recordings)?;
        let stop = Arc::<AtomicBool>::default();
        let job = Job {
            order,
            recordings,
            shelf: files,
            // It is for whoever asked for it.
            sealing: Sealing::none(),
            whole: args.output.clone(),
            part,
            space_least: SPACE_LEAST_BYTES,
            stop: Arc::clone(&stop),
        };
        match work(job, &stop).await {
            Ended::Made(made) => Ok(said(&args.output, count, &made)),
            Ended::Stopped => Err("Stopped; nothing is left of it.".to_owned()),
            Ended::Failed(why) => Err(format!("It cannot be made: {why}.")),
        }
    })
}

/// Whether the file can be where it is wanted.
fn check_folder(output: &Path) -> Result<(), String> {
    let folder = output.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    match folder.is_dir() {
        true => Ok(()),
        false => Err(format!("There is no folder {}. Make it, or choose another --output.", folder.display())),
    }
}

/// Whether there is any of what is asked for, if there is any of its kind at all.
fn check_fits(order: &Order, recordings: &[RecordingRow]) -> Result<(), String> {
    fit::misfit(order, recordings).map_or(Ok(()), |misfit| Err(refusal(&misfit)))
}

fn refusal(misfit: &Misfit) -> String {
    let Misfit { asked, there, .. } = misfit;
    match misfit.sound {
        true => format!("No sound fits --sound {asked}. There is {there}."),
        false => format!("No picture fits {asked} in --layout. There is {there}."),
    }
}

/// Does it on a thread for it, with a line that shows how far it is, until it ends or somebody interrupts it.
async fn work(job: Job, stop: &AtomicBool) -> Ended {
    let mut line = Line::on_terminal();
    let mut working = tokio::task::spawn_blocking(move || {
        let share: work::Share = Arc::new(|| 1.0);
        let ended = job.run(&work::composer(), &share, |progress| line.show(progress));
        line.clear();
        ended
    });
    let defect = || Ended::Failed("a defect of Kennel ended it".to_owned());
    loop {
        tokio::select! {
            ended = &mut working => return ended.unwrap_or_else(|_| defect()),
            _ = tokio::signal::ctrl_c() => stop.store(true, Relaxed),
        }
    }
}

/// What was recorded in the room and has ended, and where its files are.
async fn look_up(config: &Config, room: &str) -> Result<(Vec<RecordingRow>, Files), String> {
    let in_words = |problem: store::Problem| format!("{problem}.");
    let store = history::look(config).await.map_err(in_words)?;
    let store = store.ok_or_else(|| format!("There is no history in {}. Is it the right --data?", config.data.display()))?;
    // Only now: where there are no keys this makes them.
    let keys = keyring::Store::open(&config.data, &config.vendor, clock::unix_ms()).map_err(|problem| problem.to_string())?;
    let account = keys.credentials().twilio_account_sid;
    let mut running = false;
    let part = Part::default();
    for room in rooms(&store, &account, room).await.map_err(in_words)? {
        let filter = material::filter(room.id, &room.name, &part);
        // Whether a server runs that makes them, and which it left, is not known here.
        let place = material::Place { store: &store, account: &account, is_left: &|_| false };
        let material = material::of(place, filter, &part).await.map_err(in_words)?;
        if !material.made.is_empty() {
            let depot = Depot::open(config.recording.bucket.as_ref(), &store).await.map_err(in_words)?;
            let sealing = keys.sealing(false).map_err(|problem| problem.to_string())?;
            let files = Files::in_folder(config.recordings()).and_in(depot, StoredKind::Recording).sealed(sealing);
            return Ok((material.made, files));
        }
        running |= material.running;
    }
    Err(match running {
        true => format!("What is recorded in {room} has not ended yet."),
        false => format!("Nothing is there that was recorded in a room {room}."),
    })
}

/// The rooms that are meant, the newest first.
async fn rooms(store: &dyn Store, account: &str, room: &str) -> Result<Vec<RoomRow>, store::Problem> {
    if let Some(id) = sid::parse_room(room)
        && let Some(row) = store.room(account, NameOrId::Id(id.0)).await?
    {
        return Ok(vec![row]);
    }
    let named = RoomFilter { name: Some(room.to_owned()), ..RoomFilter::default() };
    Ok(store.rooms(account, named, Page::First { size: ROOMS_LOOKED_AT }).await?.rows)
}

fn wish_of(args: &Args) -> Result<Wish, String> {
    let video_layout = match args.layout.as_deref() {
        None => wish::usual().video_layout,
        Some(text) => layout_of(text)?,
    };
    let by_name = args.output.extension().and_then(|ending| format_of(ending.to_str()?).ok());
    let format = args.format.or(by_name).ok_or("Say --format webm or --format mp4.")?;
    let (audio_sources, resolution) = (args.sound.clone(), args.resolution.clone());
    Ok(Wish { audio_sources, video_layout, resolution, format, trim: !args.keep_gaps, ..Wish::default() })
}

fn layout_of(text: &str) -> Result<Map<String, Value>, String> {
    let text = match text.strip_prefix('@') {
        Some(path) => std::fs::read_to_string(path).map_err(|problem| {
            format!("--layout @{path} cannot be read: {problem}. Name a file that holds the layout as JSON after the @.")
        })?,
        None => text.to_owned(),
    };
    let layout =
        serde_json::from_str(&text).map_err(|problem| format!("The layout is no JSON object: {problem}. {LAYOUT_HINT}"))?;
    let rule = "The layout has a key twice in one object.";
    if twilio::rest::is_unique(text.as_bytes()) { Ok(layout) } else { Err(rule.to_owned()) }
}

fn format_of(word: &str) -> Result<Format, String> {
    let known = [Format::Webm, Format::Mp4].into_iter().find(|format| format.name() == word);
    known.ok_or_else(|| "webm or mp4".to_owned())
}

fn unfinished(output: &Path) -> PathBuf {
    let mut name = output.as_os_str().to_owned();
    name.push(".part");
    name.into()
}

fn said(output: &Path, count: usize, made: &Made) -> String {
    let (seconds, bytes) = (made.duration_ms / 1000, made.bytes);
    let damaged = if made.damaged > 0 { format!(", {} of them damaged", made.damaged) } else { String::new() };
    format!("{}: {seconds} s in {bytes} bytes, from {count} recordings{damaged}", output.display())
}

/// A line on a terminal that shows how far it is.
struct Line {
    shown: Option<u32>,
    terminal: bool,
}

impl Line {
    fn on_terminal() -> Self {
        Line { shown: None, terminal: io::stderr().is_terminal() }
    }

    fn show(&mut self, progress: Progress) {
        let percent = progress.percent();
        if self.terminal && self.shown != Some(percent) {
            self.shown = Some(percent);
            let _ = write!(io::stderr(), "\r{}", bar(percent));
        }
    }

    fn clear(&self) {
        if self.shown.is_some() {
            let _ = write!(io::stderr(), "\r{}\r", " ".repeat(bar(100).chars().count()));
        }
    }
}

/// A bar of 40 places for so much of a hundred.
fn bar(percent: u32) -> String {
    let full = percent.min(100) as usize * 40 / 100;
    format!("[{}{}] {percent:>3} %", "#".repeat(full), " ".repeat(40 - full))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn args() -> Args {
        let (room, resolution, output) = ("Den".into(), "640x480".into(), "den.mp4".into());
        Args { room, layout: None, sound: vec!["*".into()], resolution, format: None, keep_gaps: false, output }
    }

    #[test]
    fn what_is_not_said_is_as_usual() {
        assert_eq!(wish_of(&args()), Ok(Wish { format: Format::Mp4, ..wish::usual() }));
        let told = Args { layout: Some(r#"{"a":{"video_sources":["x"]}}"#.into()), keep_gaps: true, ..args() };
        let wish = wish_of(&told).expect("good");
        assert!(wish.video_layout.contains_key("a") && !wish.trim);
        assert!(wish_of(&Args { output: "den".into(), ..args() }).is_err(), "which format?");
        assert!(wish_of(&Args { layout: Some("[]".into()), ..args() }).is_err());
        assert!(wish_of(&Args { layout: Some("@/not/there".into()), ..args() }).is_err());
    }

    #[test]
    fn a_wrong_folder_stays_as_it_is() {
        let folder = tempfile::tempdir().expect("a folder");
        let config = Config { data: folder.path().join("absent"), ..Config::default() };
        let output = folder.path().join("den.mp4");
        assert!(make(&config, &Args { output, ..args() }).expect_err("no history").starts_with("There is no history"));
        assert!(fs::read_dir(folder.path()).expect("a folder").next().is_none());
    }

    #[test]
    fn what_is_there_is_not_written_over() {
        let folder = tempfile::tempdir().expect("a folder");
        let output = folder.path().join("den.mp4");
        for there in [unfinished(&output), output.clone()] {
            fs::write(&there, "mine").expect("written");
            let refused = make(&Config::default(), &Args { output: output.clone(), ..args() });
            assert_eq!(refused, Err(format!("{} is there already. Choose another --output.", there.display())));
        }
    }

    #[test]
    fn what_does_not_fit_is_named_with_its_option() {
        let misfit = |sound| Misfit { sound, asked: "zzz".into(), there: r#""bark", "mic""#.into() };
        assert_eq!(refusal(&misfit(true)), r#"No sound fits --sound zzz. There is "bark", "mic"."#);
        assert_eq!(refusal(&misfit(false)), r#"No picture fits zzz in --layout. There is "bark", "mic"."#);
    }

    #[test]
    fn a_folder_that_is_not_there_is_said_with_its_option() {
        let refused = make(&Config::default(), &Args { output: "/nope/den.mp4".into(), ..args() }).expect_err("no folder");
        assert_eq!(refused, "There is no folder /nope. Make it, or choose another --output.");
        let refused = wish_of(&Args { layout: Some("@/not/there".into()), ..args() }).expect_err("no file");
        assert!(refused.starts_with("--layout @/not/there cannot be read"), "{refused}");
        assert!(refused.ends_with("Name a file that holds the layout as JSON after the @."), "{refused}");
        let refused = wish_of(&Args { layout: Some("{\"g\":".into()), ..args() }).expect_err("no JSON");
        assert!(
            refused.ends_with(LAYOUT_HINT) && wish::check(Wish { video_layout: hinted(), ..wish::usual() }).is_ok(),
            "{refused}"
        );
    }

    /// The layout of the hint.
    fn hinted() -> Map<String, Value> {
        let json = LAYOUT_HINT.trim_start_matches("It is regions by name, such as ").trim_end_matches('.');
        serde_json::from_str(json).expect("JSON")
    }

    #[test]
    fn a_bar_grows() {
        let check = |percent, full: usize| assert_eq!(bar(percent).matches('#').count(), full, "{percent}");
        check(0, 0);
        check(50, 20);
        check(100, 40);
        assert_eq!(bar(7).chars().count(), bar(100).chars().count());
    }
}
