//! Every limit of this door, with its unit and what happens when it is reached.

use std::time::Duration;

/// How long a client may take from connecting until it has shown a token that holds. Then it is cut: close 1008.
pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// How often a client hears from us. After the first time it expects it within 15 s again, else it cuts the connection.
pub const PING_EVERY: Duration = Duration::from_secs(10);

/// How long a client may say nothing, answers to pings included. Then it counts as lost, and its connection is cut.
pub const SILENCE_MAX: Duration = Duration::from_secs(25);

/// How long a client may take to answer the ping that it gets when the program did not run for a while. Then it counts as lost, and its
/// connection is cut. Whatever else was due in that time is due after it, too.
pub const GAP_TIMEOUT: Duration = Duration::from_secs(5);

/// How long the media server may take to answer an offer. Then the call ends; the client would give up after 20 s.
pub const ANSWER_TIMEOUT: Duration = Duration::from_secs(10);

/// How long after it came in a client is told the layout once more: older SDKs miss it until their picture is there.
pub const LAYOUT_AGAIN: Duration = Duration::from_secs(1);

/// How long after its pictures are not muted any more a client is told the layout once more, each time. Only then does the SDK look
/// whether it has a picture of its own to show, and a camera takes its time to open.
pub const CAMERA_OPENS: [Duration; 3] = [Duration::from_millis(400), Duration::from_millis(1_500), Duration::from_secs(4)];

/// Calls that a connection may make at once, offers of a new connection for media among them. Beyond, one each [`CALL_EVERY`]; more are
/// refused: 429.
pub const CALLS_AT_ONCE: u32 = 20;

/// How soon another call may be made once there were [`CALLS_AT_ONCE`].
pub const CALL_EVERY: Duration = Duration::from_secs(1);

/// How long a client whose call we ended may take to close its connection or to call again. Then we close: 1000.
pub const GOODBYE_TIMEOUT: Duration = Duration::from_secs(30);

/// Frames that are no JSON-RPC. The last of them is answered like the others, and the connection cut: close 1008.
pub const NONSENSE_MAX: u32 = 3;

/// Bytes of the id of a request, which comes back in its answer. Longer: the frame counts as none.
pub const ID_BYTES_MAX: usize = 128;

/// Bytes of a call's id. Browsers use 36. Longer: the call is refused.
pub const CALL_ID_BYTES_MAX: usize = 64;

/// Names of events in one list of subscriptions. The rest of a longer one is not looked at.
pub const SUBSCRIPTIONS_MAX: usize = 64;

/// Characters of an app's words about a room or a member, as JSON: the vendor's own limit. More are refused: 400 of a method, 422 of REST;
/// a token with more is malformed.
pub const META_CHARS_MAX: usize = 2_000;

/// Words about a room or a member that one request may take away. The rest of a longer list is not looked at.
pub const META_KEYS_MAX: usize = META_CHARS_MAX;

/// Members that one request may send to places. More: refused, 400.
pub const PLACES_MAX: usize = 64;

/// Longest token that is looked at, in bytes: as long as REST makes them, with everything as long as it may be. One with every permission
/// has 2.5 kB.
pub const TOKEN_BYTES_MAX: usize = 40 * 1024;

/// A number above this is a time in milliseconds, not in seconds: 1e11 seconds would be the year 5138, 1e11 milliseconds is 1973.
pub const MILLISECONDS_ABOVE: u64 = 100_000_000_000;

/// How far the minting clock may be from ours, in seconds.
pub const CLOCK_SKEW_S: u64 = 60;

/// Permissions and other scopes that a token may name. More: 422 of REST; a token with more is malformed.
pub const SCOPES_MAX: usize = 128;

/// Bytes of a permission's name that REST takes: the longest of the vendor's has 32. Longer: 422.
pub const SCOPE_BYTES_MAX: usize = 64;

/// Characters of a user's name in a token: what a name in a room may have. Longer: the token is refused.
pub const USER_NAME_CHARS_MAX: usize = 128;

/// Members of a room, unless who makes it says otherwise: the vendor's default.
pub const MEMBERS_DEFAULT: usize = 20;

/// Bytes of one description. A browser needs 2.8 kB a section. More: the call is refused, 400, as beyond each limit below.
pub const SDP_BYTES_MAX: usize = 512 * 1024;

/// Sections of one description.
pub const SDP_SECTIONS_MAX: usize = 200;

/// Bytes of one line.
pub const SDP_LINE_BYTES_MAX: usize = 8 * 1024;

/// Candidates of one description.
pub const CANDIDATES_MAX: usize = 64;

/// SSRCs announced in one section: three layers with their repairs, twice.
pub const SSRCS_MAX: usize = 12;

/// Milliseconds of a place in a file that is played, and of how far one may go in it at once: a day. What is beyond is taken for this.
pub const SEEK_MS_MAX: f64 = 86_400_000.0;
