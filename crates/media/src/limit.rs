//! Every limit of the media server, with its unit and what happens when it is reached.

use std::time::Duration;

/// Bytes of one description. A browser needs 2.8 kB a section. Larger: refused.
pub const SDP_BYTES_MAX: usize = 512 * 1024;

/// Sections of one description. More: refused.
pub const SDP_SECTIONS_MAX: usize = 200;

/// Bytes of one line of a description. Longer: refused.
pub const SDP_LINE_BYTES_MAX: usize = 8 * 1024;

/// Candidates of one description. More: refused. None of them is used.
pub const SDP_CANDIDATES_MAX: usize = 64;

/// Sources announced in one section: three layers with their repairs, twice. More: refused.
pub const SSRCS_PER_SECTION_MAX: usize = 12;

/// Layers of one track. The rest of a longer list is not looked at.
pub const LAYERS_MAX: usize = 3;

/// Bytes of one packet's payload. A browser's packets fit into 1,200; larger ones would not fit into what a receiver is sent. Dropped and
/// counted.
pub const PAYLOAD_BYTES_MAX: usize = 1_450;

/// Addresses from which one client is known or tries to be. Checks from more are dropped and counted, until ICE is restarted.
pub const ADDRESSES_MAX: usize = 64;

/// Checks of ours that wait for one client's answer. Of more, the oldest are forgotten, and an answer to one of those is dropped and counted:
/// the library sends up to twenty a second.
pub const CHECKS_OPEN_MAX: usize = 128;

/// Different addresses that we have as one client's answers say, beside those that we know of, until ICE is restarted. An answer with one
/// more is dropped and counted.
pub const MAPPED_ADDRESSES_MAX: usize = 8;

/// The same over the life of a transport: the library keeps each. Then an ICE restart gives none back, and the client gets another
/// transport once it finds no way.
pub const MAPPED_ADDRESSES_EVER_MAX: usize = 64;

/// Descriptions a second from one client, with bursts of five times as many; answers to offers of ours are not counted. More: it is refused.
pub const DESCRIPTIONS_PER_S: u32 = 4;

/// Packets a second of one track of sound, with bursts of as many: twice what the shortest usual packets need. More are dropped and counted.
pub const SOUND_PACKETS_PER_S: u32 = 200;

/// Bytes a second of one track of sound: 510 kbit/s, the most that Opus has (RFC 7587, section 3.1.1). More are dropped and counted.
pub const SOUND_BYTES_PER_S: u32 = 64_000;

/// Clients with which one turn negotiates. The others wait for the next turn, so that packets do not wait for all of them.
pub const NEGOTIATIONS_PER_TURN: usize = 4;

/// Sections of all descriptions of one turn, after which the others wait as well: one of a hundred sections takes as long as many small
/// ones. The first is looked at however many it has.
pub const SECTIONS_PER_TURN: usize = 16;

/// Clients whose bandwidth is shared in one turn. The next one, which comes at once, takes the next ones: packets move in between.
pub const SHARES_PER_TURN: usize = 64;

/// Packets of unknown sources, beyond [`SOURCES_MAX`] of them, after which a client is refused.
pub const UNKNOWN_PACKETS_MAX: u32 = 1_000;

/// How often one track is placed in another section because the client did not want to receive it where it was. Then it is left out.
pub const PLACEMENTS_REFUSED_MAX: u8 = 3;

/// How long a client may take to answer an offer of ours. Then its link is dead, and it is asked for a new one. Counted only while the
/// client is there to hear the offer.
pub const ANSWER_TIMEOUT: Duration = Duration::from_secs(30);

/// How long a client may take from its first offer to an established transport. Then its link is dead.
pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(30);

/// How long a client whose path is gone may take to find another (a check from a new address, an ICE restart). Then its link is dead.
pub const LOST_TIMEOUT: Duration = Duration::from_secs(40);

/// How long a client that has found a way again may send neither media nor a report. Then its link is dead. Reports come each 5 s at the
/// least, give or take half of that (RFC 3550, section 6.2).
pub const SPEECHLESS_TIME: Duration = Duration::from_secs(9);

/// How long a client is sent something without an answer to a check of ours, or a packet that it has signed, from where it is (RFC 7675,
/// section 5.1, where packets do not count). Then it is sent nothing until the next, and has [`LOST_TIMEOUT`] for it.
pub const CONSENT_TIME: Duration = Duration::from_secs(30);

/// How long a client may take to be heard once the program did not run for a while. Then its link is dead. Browsers check their path
/// every few seconds: Firefox lets up to six pass.
pub const CHECK_TIMEOUT: Duration = Duration::from_secs(8);

/// Datagrams of data kept for a client whose answer is still on its way. More are dropped, and come again.
pub const EARLY_DATA_MAX: usize = 4;

/// Handshake datagrams kept for a client whose address is not sure yet. More are dropped.
pub const EARLY_MAX: usize = 4;

/// Bytes of one of them. Larger: dropped.
pub const EARLY_BYTES_MAX: usize = 2_048;

/// How long they are kept. Then dropped.
pub const EARLY_TIME_MAX: Duration = Duration::from_secs(1);

/// Bytes of media for one client that wait until its handshake is over, no longer than [`EARLY_TIME_MAX`]. A track that does not fit is
/// dropped up to its next key frame, and another is asked for: all leaves at once, and more would make a queue of its own.
pub const EARLY_MEDIA_BYTES_MAX: usize = 150_000;

/// Packets of each track of sound that wait so: the last ones. Older ones are dropped.
pub const EARLY_SOUNDS_MAX: usize = 3;

/// Datagrams a second in one client's name that are not shown to be its, with bursts of as many. More, and the client's own among them,
/// are dropped and counted.
pub const FORGED_PER_S: u32 = 20_000;

/// Bytes a second of these: 100 Mbit/s. Where these limits are met for [`FLOOD_TIME_MAX`], [`PACKETS_IN_PER_S`] of them are looked at until it
/// is over.
pub const FORGED_BYTES_PER_S: u32 = 12_500_000;

/// Packets a second from one client, averaged over a second: what it has signed. More are dropped and counted.
pub const PACKETS_IN_PER_S: u32 = 4_000;

/// Bytes a second of these: 20 Mbit/s. More are dropped and counted.
pub const BYTES_IN_PER_S: u32 = 2_500_000;

/// How long a client may stay above these. Then it is refused.
pub const FLOOD_TIME_MAX: Duration = Duration::from_secs(10);

/// Time between key frame requests for one layer, except right after a new subscription. Requests in between are answered by one.
pub const KEYFRAME_GAP: Duration = Duration::from_millis(500);

/// The same right after a new subscription. Those that come together share one key frame.
pub const FIRST_KEYFRAME_GAP: Duration = Duration::from_millis(100);

/// Key frame requests heard from one subscriber: one per this time for each track.
pub const KEYFRAME_HEARD_GAP: Duration = Duration::from_millis(500);

/// Packets of one track for which there is room at one receiver, to be sent again when it misses them: at first, and at most. In between
/// as many as are young, up to the next power of two. Of more, the oldest are gone. Both are powers of two.
pub const REPAIR_PACKETS_LEAST: usize = 16;

/// See [`REPAIR_PACKETS_LEAST`].
pub const REPAIR_PACKETS: usize = 1_024;

/// Times that one packet is sent again to one receiver. Who still misses it then needs a key frame.
pub const REPAIRS_OF_ONE_MAX: u8 = 5;

/// How long they are kept: for a few attempts at the longest round trips on which people still talk.
pub const REPAIR_TIME: Duration = Duration::from_millis(1_500);

/// Share of what one receiver gets of one track that may be repairs. Above, what is asked for is not sent again. A line that loses
/// three of ten needs 0.3 on average, and more at times: with 0.3 it shows half as many pictures, with 0.5 no more than with this.
pub const REPAIR_SHARE_MAX: f32 = 0.4;

/// Bytes a second that one client may be sent again whatever it gets: a key frame of which every packet was lost. Above this and
/// [`REPAIR_SHARE_MAX`] of all tracks together, over the last half to whole second, nothing is sent again and what was kept for it is
/// forgotten.
pub const REPAIR_FLOOR_BYTES: u64 = 64 * 1_024;

/// Bytes of RTCP from one client within [`FEEDBACK_TIME`]: 320 kbit/s. A client that receives twenty pictures and sounds over a line that
/// loses one of ten packets stays below. More are dropped unread and counted. One datagram can ask for six thousand packets; the library
/// notes all that it is asked for, as often as it is asked.
pub const FEEDBACK_BYTES_MAX: usize = 4_000;

/// How long RTCP is added up.
pub const FEEDBACK_TIME: Duration = Duration::from_millis(100);

/// Packets sent to one client of which is known when they left, until they are reported to have come: at first, and at most. Of more, the
/// oldest are forgotten. Both are powers of two.
pub const SENT_PACKETS_LEAST: usize = 256;

/// See [`SENT_PACKETS_LEAST`]: 4 s of 16 Mbit/s.
pub const SENT_PACKETS_MAX: usize = 8_192;

/// How long a packet may take to be reported. Reports on older ones are not heard.
pub const SENT_TIME: Duration = Duration::from_secs(4);

/// Packets of which reports may tell for each packet that is sent: an honest client tells of each once, and twice where a report is
/// repeated. One report of forty bytes can tell of 65,535.
pub const STATUSES_PER_PACKET: u32 = 4;

/// What of this may be saved up. Reports on more are not looked at.
pub const STATUSES_MAX: u32 = 16_384;

/// Bytes of one message on a data track, as we advertise it. Larger: the channel is closed by the transport.
pub const MESSAGE_BYTES_MAX: u32 = 256 * 1024;

/// Messages a second on all data tracks of one publisher, with bursts of [`MESSAGES_BURST_S`] times as many. More: see [`DATA_BYTES_PER_S`].
pub const MESSAGES_PER_S: u32 = 500;

/// Seconds' worth of messages that may come at once.
pub const MESSAGES_BURST_S: u32 = 2;

/// Bytes a second of one client's data channels, as they travel, with bursts of as many: 4 Mbit/s. Datagrams on top, and a few of them
/// before, are dropped unseen, as a narrow line would: the client's transport slows down and sends again what is reliable, so that the rest
/// waits at the sender (`bufferedAmount`) and nothing is missing.
pub const DATA_BYTES_PER_S: u32 = 500_000;

/// Bytes that wait for one subscriber on all its channels. Over it, messages of unreliable tracks are dropped; a reliable one
/// is closed for this subscriber, who gets it anew after [`DATA_REOPEN_PAUSE`].
pub const DATA_QUEUED_BYTES_MAX: usize = 2 * 1024 * 1024;

/// Messages that wait for one subscriber on one channel, since each costs more than its bytes. Over it: as [`DATA_QUEUED_BYTES_MAX`].
pub const DATA_QUEUED_MESSAGES_MAX: usize = 8_192;

/// How long a client does not get a reliable data track that it could not follow.
pub const DATA_REOPEN_PAUSE: Duration = Duration::from_secs(5);

/// Data channels that one client opens. More are closed as they open.
pub const CHANNELS_MAX: usize = 20;

/// Streams of data channels that a client numbers itself. A packet with data on one beyond is dropped and counted.
pub const STREAMS_MAX: u16 = 64;

/// Bytes of one text on a message channel. Larger: dropped and counted.
pub const TEXT_BYTES_MAX: usize = 16 * 1024;

/// Texts a second from one client on all message channels, with bursts of the same size. More: dropped and counted.
pub const TEXTS_PER_S: u32 = 50;

/// Texts kept for a channel that has not opened yet. Of more, the oldest are dropped.
pub const TEXTS_WAITING_MAX: usize = 16;

/// Sources of one client that are followed at a time. More are not looked at.
pub const SOURCES_MAX: usize = 128;

/// Sources of one client at a time that no description announces: five cameras of three named layers each, with repairs. Packets of more
/// are dropped and counted.
pub const SOURCES_LEARNT_MAX: usize = 32;

/// The same over the life of a transport: the library remembers numbers of each. Packets of more are dropped and counted.
pub const SOURCES_LEARNT_EVER_MAX: u32 = 4_096;

/// Sources that gave way to others and are not learnt again. Of more, the oldest are forgotten.
pub const SOURCES_GONE_MAX: usize = 64;

/// Packets of a stream that a late one may come after and still be forwarded. Later ones are dropped.
pub const SEQ_WINDOW: u64 = 512;

/// Switches of one receiver's track after which a late packet from before them still finds its place. From before more it is dropped.
/// Layers change ten times a second at most, and a packet that takes two tenths of a second longer is of no use any more.
pub const SEGMENTS_LEFT_MAX: usize = 2;

/// Packets of a stream that may be missing before one of it (RFC 3550, appendix A.1, has the same). Beyond, the stream goes on
/// at its next key frame.
pub const SEQ_AHEAD_MAX: u64 = 3_000;

/// Packets in a row that belong to an older time of a stream, or to the stream before it, until they count as the stream that
/// goes on. Fewer are dropped.
pub const STRAYS_MAX: u8 = 8;

/// Frames of a stream that a late packet's frame may come after when some are left out; that of an older one gets a number that
/// may be taken.
pub const PICTURE_WINDOW: u64 = 128;

/// Packets of a layer that are kept behind a missing one, because a key frame may begin with it. Further behind, a key frame
/// whose beginning comes is passed over, and another one is asked for.
pub const REPLAY_PACKETS_MAX: usize = 128;

/// How long a key frame of another layer waits for the end of the frame that is being forwarded. Then that one stays incomplete. Longer
/// than from one frame of a camera to the next, which tells that the end was lost.
pub const FRAME_END_WAIT: Duration = Duration::from_millis(100);

/// Bytes of a mixed picture in one packet: with all that goes around them they fit into what any line takes.
pub const MIX_PIECE_BYTES: usize = 1_100;

/// Thousandths of a bit for each pixel of a mixed picture: 1.5 Mbit/s for 1280x720 twenty times a second. There are fewer while the worst
/// line of those who receive it takes less.
pub const MIX_MAIN_MILLIBITS: u64 = 80;

/// The least of the same: 920 kbit/s, which is no bad picture yet. Who has less bandwidth gets the small rendition, and nobody else has
/// a worse picture for that.
pub const MIX_MAIN_LEAST_MILLIBITS: u64 = 50;

/// The same of the small rendition: 280 kbit/s. Who has less gets it all the same, with losses: a viewer without pictures would give up.
pub const MIX_SMALL_MILLIBITS: u64 = 60;

/// Pictures of a rendition that cannot be encoded, one after the other, until it is given another encoder.
pub const MIX_ENCODER_FAILURES_MAX: u8 = 5;

/// How long a mixed picture that does not change is not sent again. Viewers give up after 2 s without one.
pub const MIX_STILL_MAX: Duration = Duration::from_millis(200);

/// Ticks of sound that a mixer makes up for when it is late. What is beyond that is left out.
pub const MIX_SOUND_LATE_MAX: u32 = 10;

/// How far pictures may be ahead of the sound of the same moment before they wait for it. They wait for their turn in the mix as well, so
/// they are half of this ahead at most times.
pub const MIX_AHEAD_MAX: Duration = Duration::from_millis(45);

/// Time between two key frames that a mixer wishes for of one track.
pub const MIX_WISH_GAP: Duration = Duration::from_millis(500);

/// Frames of one track that wait until its sound is heard. One more: the oldest is shown at once.
pub const MIX_FRAMES_WAITING_MAX: usize = 30;

/// Frames of one track that wait because there was no time to decode them. One more: all are left out, and a key frame is wished for.
pub const MIX_FRAMES_BEHIND_MAX: usize = 2 * MIX_FRAMES_WAITING_MAX;

/// Frames of one track a second that are decoded for a mix, averaged over a second: those of the fastest cameras. More are left out, and a
/// key frame is wished for.
pub const MIX_FRAMES_PER_S: u32 = 60;

/// Pixels of the same: as many frames of 1920x1088, or 34 of the largest. More are left out as well.
pub const MIX_PIXELS_PER_S: u32 = MIX_FRAMES_PER_S * 1_920 * 1_088;

/// What waits for one mixer: packets of half a second of thirty tracks. One more is dropped and counted.
pub const MIX_PACKETS_QUEUED_MAX: usize = 8_192;

/// Scenes and wishes that wait for one mixer. More wait at their worker.
pub const MIX_ORDERS_QUEUED_MAX: usize = 1_024;

/// Scenes and wishes that wait at a worker for one mixer that hangs or is far behind: of each room the last of a kind. One more is dropped
/// and counted, but for the word that a room is over: of those there are no more than rooms that the mixer was told of before.
pub const MIX_WAITING_MAX: usize = 4_096;

/// How long a mix that could not go on is left alone before it begins anew.
pub const MIX_REMAKE_PAUSE: Duration = Duration::from_millis(200);

/// Sounds and pictures that wait for one worker. One more is dropped and counted.
pub const MIX_MADE_QUEUED_MAX: usize = 1_024;

/// Sounds and pictures that a worker takes up in one turn. The rest follow in the next one.
pub const MIX_MADE_PER_TURN_MAX: usize = 64;

/// Packets, sounds and pictures that wait for one recorder: three seconds of fifty tracks. One more is dropped and counted; pictures go on
/// at their next key frame, which is asked for.
pub const RECORD_QUEUE_PACKETS_MAX: usize = 16_384;

/// Beginnings and ends of recordings that wait for one recorder. More wait at their worker.
pub const RECORD_ORDERS_QUEUED_MAX: usize = 1_024;

/// Wishes of one recorder that wait for its worker. One more is left out, and wished again.
pub const RECORD_WISHES_QUEUED_MAX: usize = 256;

/// How often a recorder looks for packets. They wake nobody.
pub const RECORD_TURN: Duration = Duration::from_millis(20);

/// How long a recorder takes up what came before it sees to everything else: space, time, what was dropped. One thing that is written may
/// take longer.
pub const RECORD_TURN_MAX: Duration = Duration::from_millis(50);

/// How often a recording is made to be on the disk itself: so much is lost when the power fails.
pub const RECORD_SYNC_GAP: Duration = Duration::from_secs(5);

/// How much time, at a file's mean rate, may be behind its last whole block at the next start: what was not on the disk yet, with something
/// to spare. That is cut off. Of more, all of the file is kept beside what is finished of it.
pub const RECORD_REST_TIME: Duration = Duration::from_secs(15);

/// So many bytes may be there at any rate.
pub const RECORD_REST_BYTES: u64 = 256 * 1024;

/// A file of no more bytes than these that has nothing to be played is removed. A larger one is kept for a person to look at.
pub const RECORD_NOTHING_BYTES: u64 = 64 * 1024;

/// How often a recorder looks how much space there is, at least.
pub const RECORD_SPACE_GAP: Duration = Duration::from_secs(5);

/// How often a recorder tells the log that the disk ended a recording, at most.
pub const RECORD_WARN_GAP: Duration = Duration::from_secs(60);

/// Bytes that a recorder writes, at most, until it looks again.
pub const RECORD_SPACE_STEP_BYTES: u64 = 64 * 1024 * 1024;

/// Bytes that must be free for another recording to begin. Below: it ends at once.
pub const RECORD_SPACE_BEGIN_BYTES: u64 = 1024 * 1024 * 1024;

/// Bytes that must be free for recordings to go on. Below: all end.
pub const RECORD_SPACE_LEAST_BYTES: u64 = 256 * 1024 * 1024;

/// How long packets of recordings may be dropped, again and again within [`RECORD_OVERLOAD_PAUSE`]. Then the youngest recording ends, one
/// with pictures first, and another each second until the rest can be written.
pub const RECORD_OVERLOAD_TIME: Duration = Duration::from_secs(10);

/// How long no packet is dropped until the disk counts as fast enough again.
pub const RECORD_OVERLOAD_PAUSE: Duration = Duration::from_secs(2);

/// How long no media of a recording comes until that is told.
pub const RECORD_SILENCE: Duration = Duration::from_secs(5);

/// Time from one key frame in a file to the next, at most: to each of them one can jump. Nobody receives more pictures for it, but the
/// publisher sends one that is ten times as large.
pub const RECORD_KEYFRAME_GAP: Duration = Duration::from_secs(10);

/// Time between two key frames that a recorder wishes for of one track.
pub const RECORD_WISH_GAP: Duration = Duration::from_millis(500);

/// Packets of one track of sound that wait for a missing one. One more: it is not waited for. Also, frames of one track of pictures that
/// are not put together yet.
pub const RECORD_SOUNDS_WAITING_MAX: usize = 64;

/// How much silence is written at once where sound is missing in a recording. What is missing longer is filled while time passes; of what
/// is longer all the same, the rest stays a gap.
pub const RECORD_FILL_MAX: Duration = Duration::from_secs(10);

/// The same of a mix, whose times are our own: only a machine or a program that stood still makes so long a gap. Of what is longer, the rest
/// stays a gap.
pub const RECORD_MIX_FILL_MAX: Duration = Duration::from_secs(600);

/// How long no sound comes until silence is written for what is longer ago than this. What comes later still is left out.
pub const RECORD_FILL_WAIT: Duration = Duration::from_secs(5);

/// For how long at least the moment of a recording's beginning is found out more exactly: until reports came for a while.
pub const RECORD_SETTLE_TIME: Duration = Duration::from_secs(5);

/// For how long at most.
pub const RECORD_SETTLE_MAX: Duration = Duration::from_secs(15);

/// By how much the time of a recording may be drawn each second to where the publisher's reports say that it is. Nobody hears so little.
pub const RECORD_DRIFT_PER_S: Duration = Duration::from_millis(5);

/// Threads that mix: one per core, but not more than this.
pub const MIXERS_MAX: usize = 8;

/// Files that are played at a time, in all rooms. One more ends as it begins.
pub const PLAYERS_MAX: usize = 8;

/// Samples of a file that are decoded ahead: half a second. Nothing more is decoded until some were heard.
pub const PLAYER_SOUND_MAX: usize = 24_000;

/// Pictures of a file that are decoded ahead. Nothing more is decoded until some were seen, or it was too late for them.
pub const PLAYER_PICTURES_MAX: usize = 8;

/// Characters that are kept of what was being handled when something panicked: more than the largest description. The rest is left out.
pub const CRASH_INPUT_CHARACTERS_MAX: usize = 600 * 1_024;

/// Bytes of a picture that are kept of a packet when something panicked: what its frame says of itself, and nothing to be seen.
pub const CRASH_PAYLOAD_BYTES_MAX: usize = 24;

/// How long a decoder waits for a packet that is missing: three repairs over an ordinary line. Then it goes on at the next key frame.
pub const MISSING_WAIT: Duration = Duration::from_millis(150);

/// Packets of one track that wait to be put together. One more: what is missing is not waited for.
pub const FRAME_PACKETS_MAX: usize = 1_024;

/// Packets in a row that are older than what was put together, or of another stream, until they count as the stream that goes on.
pub const OUTSIDE_MAX: u8 = 32;

/// Worker threads when the operator names no number: one per core, but not more than this.
pub const WORKERS_DEFAULT_MAX: usize = 8;

/// Worker threads, and ports in a row, that an operator may ask for. More: refused at the start.
pub const WORKERS_MAX: usize = 64;

/// Clients of one room on one worker, from which on the next ones go to another, when the operator names no number: rooms hold no more, so
/// they are spread only where a worker is busy.
pub const ROOM_SPREAD_DEFAULT: usize = 50;

/// Clients of one room on one worker, from which on the next ones go to another if that worker is busy. Smaller rooms stay where they are:
/// what would be spared is less than what a pipe takes.
pub const SPREAD_LEAST: usize = 8;

/// Thousandths of its time that a worker has to work to count as busy.
pub const SPREAD_LOAD: u32 = 700;

/// Over how long that is measured.
pub const LOAD_TIME: Duration = Duration::from_secs(5);

/// Packets that wait in the pipe from one worker to another: a quarter of a second of what fifty people send, 0.5 MB. One more is dropped
/// and counted; pictures go on at their next key frame, which is asked for.
pub const PIPE_PACKETS_MAX: usize = 2_048;

/// Packets, words, and messages of data tracks, that a worker takes out of one pipe in one turn. The rest follow in the next one.
pub const PIPE_PER_TURN_MAX: usize = 64;

/// Bytes of one room's messages on data tracks that wait in a pipe. Of more, those of unreliable tracks are dropped and counted; a reliable
/// track is closed for those at the other end, who get it anew after [`DATA_REOPEN_PAUSE`].
pub const PIPE_MESSAGES_BYTES_MAX: usize = DATA_QUEUED_BYTES_MAX;

/// The same of all rooms together.
pub const PIPE_MESSAGES_ALL_BYTES_MAX: usize = 8 * PIPE_MESSAGES_BYTES_MAX;

/// Bytes of words that wait in a pipe. One more is dropped and counted, and said again after [`PIPE_TELL_GAP`]. What is said of messages
/// waits among them, and finds as much room beyond theirs.
pub const PIPE_WORDS_BYTES_MAX: usize = 1024 * 1024;

/// How often the parts of a room tell each other what is so, changed or not.
pub const PIPE_TELL_GAP: Duration = Duration::from_millis(200);

/// How often they tell each other how connections are.
pub const PIPE_QUALITY_GAP: Duration = Duration::from_secs(1);

/// Orders that wait for one worker. One more: the worker is too far behind, and its rooms are reported lost when it gets to it.
pub const ORDERS_QUEUED_MAX: usize = 16_384;

/// Orders that a worker takes up in one turn. The rest follow after the datagrams that are there.
pub const ORDERS_PER_TURN_MAX: usize = 256;

/// Receive calls of one turn, each of up to 32 datagrams or coalesced runs of them. The rest follow in the next turn, after what these led
/// to was sent: until then all of that is in memory, for each receiver.
pub const RECEIVES_PER_TURN_MAX: usize = 2;

/// For how long a worker may not have got to the end of what its socket holds. Then packets of media are dropped and counted, until it
/// has: delay would only grow. Checks, handshakes and reports are heard all the same.
pub const UNREAD_MAX: Duration = Duration::from_millis(200);

/// Bytes that the system is asked to hold for a media socket, each way. It may grant less.
pub const SOCKET_BUFFER_BYTES: usize = 4 * 1024 * 1024;

/// Bytes sent in one call, as datagrams of one size to one address. A longer run takes another call.
pub const RUN_BYTES_MAX: usize = 60_000;

/// Bytes that wait for a socket that takes no more. Media is of no use late: what comes on top is dropped and counted.
pub const BACKLOG_BYTES_MAX: usize = 2 * 1024 * 1024;

/// Remote addresses for which is remembered that they use another address of ours than we announce. One more: all are forgotten, and
/// learnt anew with their next datagrams.
pub const DETOURS_MAX: usize = 4_096;

/// How long a machine that refuses to segment is asked to send datagrams one by one, before another attempt.
pub const SEGMENTATION_RETRY: Duration = Duration::from_secs(10);

/// Bytes of one frame on a TCP connection. A DTLS record has up to 16 KiB and a header. Longer: the connection is closed.
pub const FRAME_BYTES_MAX: usize = 17 * 1024;

/// How long a TCP connection may take until the engine answers it, which it does only to a check with the right password. Then it is closed.
pub const TCP_KNOWN_TIMEOUT: Duration = Duration::from_secs(10);

/// How long a TCP connection may be without a frame. Then it is closed.
pub const TCP_IDLE_TIMEOUT: Duration = Duration::from_secs(60);

/// TCP connections of one worker that the engine has not answered yet. One more is closed at once.
pub const TCP_UNKNOWN_MAX: usize = 256;

/// TCP connections of one IPv4 address or IPv6 /64 to one worker. One more is closed at once.
pub const TCP_PER_ADDRESS_MAX: usize = 16;

/// Bytes that wait for one TCP connection. Frames on top are dropped whole and counted.
pub const TCP_QUEUED_BYTES_MAX: usize = 256 * 1024;

/// Bytes read from one TCP connection in one turn. The rest follow in the next turn.
pub const TCP_READ_PER_TURN_BYTES: usize = 64 * 1024;

/// How often a client is told at which moment a track is, while there is any. Sooner would be of no use: clocks hardly drift.
pub const REPORT_INTERVAL: Duration = Duration::from_secs(3);

/// By how much a packet may be late by its publisher's own clock. Later: that clock is not believed, and its arrival is its moment.
pub const MADE_LATE_MAX: Duration = Duration::from_secs(1);

/// Sources of tracks that one client receives no more and of which is known that they were used. Of more, the oldest are forgotten.
pub const SPENT_MAX: usize = 1_024;

/// Sources of one client's reports of which is known which were heard. Of more, the one that was silent longest is forgotten.
pub const REPORTERS_MAX: usize = 64;

/// TCP connections accepted in one turn. The rest follow in the next turn.
pub const ACCEPTS_PER_TURN_MAX: usize = 64;

/// How long no TCP connection is accepted after the system refused one, for instance for want of descriptors.
pub const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// How long the end of the program waits for its workers.
pub const STOP_TIMEOUT: Duration = Duration::from_secs(1);

/// Datagrams a second from addresses that no peer is known to have, all together, with bursts of the same size, for each worker. More are
/// dropped and counted, except checks that name a peer: those have the limits of that peer.
pub const UNKNOWN_PER_S: u32 = 2_000;

/// Plain STUN requests a second that are answered for each IPv4 /24 or IPv6 /48, with bursts of the same size. More: silence.
pub const STUN_PER_S: u32 = 20;

/// Networks whose plain STUN requests are counted at a time. Others get no answer until some of these were quiet for a second.
pub const STUN_NETWORKS_MAX: usize = 4_096;

/// Addresses of one peer. One more: the oldest is forgotten, and has to be approved anew.
pub const ADDRESSES_PER_PEER_MAX: usize = 16;

/// Names of one peer in checks: the present ones and those before an ICE restart. One more: the oldest is forgotten.
pub const UFRAGS_PER_PEER_MAX: usize = 4;
