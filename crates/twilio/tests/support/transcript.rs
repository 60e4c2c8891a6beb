//! Recordings of the real SDK: one JSON object per line, read into scenes.

use serde_json::Value;
use std::path::PathBuf;

/// One server's life: everything from its first connection on.
#[derive(Default)]
pub struct Scene {
    pub frames: Vec<Frame>,
}

pub struct Frame {
    pub at_ms: u64,
    /// The recorder's name for a connection: `conn1`.
    pub conn: String,
    pub what: What,
}

pub enum What {
    Opened,
    /// The SDK said this.
    Said(Value),
    /// The recorder's server said this.
    Heard(Value),
    /// The SDK said this on a channel of media signaling: who, the vendor's name of the channel, what.
    Channel(String, String, String),
    /// Closed, by either side. 1005 and 1006 mean that no code was given (RFC 6455, section 7.4.1).
    Closed(u16),
}

/// The scenes of a file. A file that holds several has one after the other, each beginning with a new `conn1`.
pub fn scenes(name: &str) -> Vec<Scene> {
    let mut scenes: Vec<Scene> = Vec::new();
    for line in read(name).lines() {
        let line: Value = serde_json::from_str(line).expect("a transcript is JSON lines");
        let Some(frame) = frame(&line) else { continue };
        if scenes.is_empty() || (frame.conn == "conn1" && matches!(frame.what, What::Opened)) {
            scenes.push(Scene::default());
        }
        scenes.last_mut().expect("one").frames.push(frame);
    }
    scenes
}

/// The only scene of a file.
pub fn scene(name: &str) -> Scene {
    let mut scenes = scenes(name);
    assert_eq!(scenes.len(), 1, "{name} has several scenes");
    scenes.remove(0)
}

pub fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/transcripts")
}

/// Every recording of the signaling socket, by file name without ending, in order.
pub fn names() -> Vec<String> {
    let files = std::fs::read_dir(folder()).expect("transcripts").map(|entry| entry.expect("file").path());
    let recordings = files.filter(|path| path.extension().is_some_and(|end| end == "jsonl"));
    let mut names: Vec<String> =
        recordings.filter_map(|path| Some(path.file_stem()?.to_str()?.to_owned())).filter(|n| n != "insights-gateway").collect();
    names.sort();
    names
}

fn read(name: &str) -> String {
    std::fs::read_to_string(folder().join(format!("{name}.jsonl"))).expect("transcript")
}

/// None for what is not on the signaling socket: data channels and remarks of the recorder.
fn frame(line: &Value) -> Option<Frame> {
    let message = &line["msg"];
    let what = match line["dir"].as_str()? {
        "ws-open" => What::Opened,
        "c->s" => What::Said(message.clone()),
        "s->c" => What::Heard(message.clone()),
        "msp<-client" => channel(line)?,
        "ws-close" => What::Closed(message["code"].as_u64()? as u16),
        _ => return None,
    };
    let conn = line["who"].as_str()?.split(':').next()?.to_owned();
    Some(Frame { at_ms: line["t"].as_u64()?, conn, what })
}

fn channel(line: &Value) -> Option<What> {
    let who = line["who"].as_str()?.strip_prefix("server:")?;
    let label = line["msg"]["label"].as_str()?.strip_prefix("msp-")?;
    let (name, _) = label.rsplit_once('-')?;
    Some(What::Channel(who.to_owned(), name.to_owned(), line["msg"]["data"].as_str()?.to_owned()))
}

impl Scene {
    /// What the recorder's server called the holder of a connection.
    pub fn identity(&self, conn: &str) -> String {
        self.told(conn, "/body/participant/identity").unwrap_or_else(|| "x".into())
    }

    /// The room that the connection's token was for.
    pub fn room(&self, conn: &str) -> String {
        self.told(conn, "/body/name").unwrap_or_else(|| "R".into())
    }

    fn told(&self, conn: &str, path: &str) -> Option<String> {
        self.frames.iter().filter(|frame| frame.conn == conn).find_map(|frame| match &frame.what {
            What::Heard(message) => message.pointer(path)?.as_str().map(str::to_owned),
            _ => None,
        })
    }
}
